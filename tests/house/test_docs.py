"""Undocumented means failing: commands, settings, decisions, and the commands other documents name."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess

import pytest

from tests.house.ground import ROOT, files, modules

MAKEFILE = ROOT / "Makefile"
HEADINGS = ["Context", "Decision", "Given up", "State"]
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def targets() -> set[str]:
    """Every target a person may type."""
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE.read_text("utf-8"), re.MULTILINE))


def settings() -> dict[str, str]:
    """Every setting and its default as written in the code: FPD_NAME -> source of the default."""
    found = {}
    for node in ast.walk(modules("api")["api/settings.py"]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "env":
            name = node.args[0]
            assert isinstance(name, ast.Constant)
            found[f"FPD_{name.value}"] = ast.unparse(node.args[1]) if len(node.args) > 1 else ""
    assert len(found) > 5
    return found


def documented() -> dict[str, str]:
    """The first two columns of the settings table of docs/run.md."""
    text = (ROOT / "docs" / "run.md").read_text("utf-8")
    return dict(re.findall(r"^\| `(FPD_[A-Z_]+)` \| ([^|]*?) \|", text, re.MULTILINE))


def test_targets_are_there():
    wanted = {"help", "setup", "run", "demo", "test", "check", "fix", "bench", "soak", "charts", "db", "worker", "lock", "clean"}
    assert wanted <= targets()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_help_lists_every_target():
    shown = subprocess.run(["make", "-s", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0] for line in shown.splitlines() if len(line.split()) > 1}
    assert targets() <= listed


def test_every_target_is_phony():
    """A folder called `tests` or `docs` must not make `make test` do nothing."""
    said = re.findall(r"^\.PHONY:(.*)$", MAKEFILE.read_text("utf-8"), re.MULTILINE)
    assert targets() <= set(" ".join(said).split())


def test_modules_named_in_the_makefile_exist():
    """A target that can only fail is worse than none."""
    names = re.findall(r"-m ((?:tests|benchmarks|api|workflow|states)[a-z._]*)", MAKEFILE.read_text("utf-8"))
    missing = [n for n in names if not (ROOT / n.replace(".", "/")).with_suffix(".py").is_file() and not (ROOT / n.replace(".", "/") / "__main__.py").is_file()]
    assert not missing


def test_every_setting_is_documented():
    assert set(documented()) == set(settings())


def test_documented_defaults_are_the_real_ones():
    """Plain defaults must be equal; a computed one is described in words."""
    wrong = {}
    for name, source in settings().items():
        shown = documented().get(name, "").strip("`")
        try:
            real = ast.literal_eval(source)
        except ValueError:
            continue
        expected = {False: "off", True: "on"}.get(real, str(real)) if isinstance(real, bool) else ("empty" if real in ("", []) else str(real))
        if shown != expected:
            wrong[name] = (shown, expected)
    assert not wrong


def test_documents_name_real_commands_and_settings():
    """`make x` and FPD_X in any document exist."""
    wrong = []
    known = set(settings()) | {"FPD_RACE_PAIRS", "FPD_KILLS"}
    for path in files():
        if path.suffix != ".md":
            continue
        text = path.read_text("utf-8")
        wrong += [(path.name, f"make {name}") for name in re.findall(r"`make ([a-z]+)", text) if name not in targets()]
        wrong += [(path.name, name) for name in re.findall(r"\bFPD_[A-Z_]*[A-Z]", text) if name not in known]
    assert not wrong


def test_relative_links_lead_somewhere():
    wrong = []
    for path in files():
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8")):
                if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                    wrong.append((path.relative_to(ROOT).as_posix(), target))
    assert not wrong


def test_there_are_decisions_numbered_without_gap():
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1)) and len(ADRS) >= 6


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_says_what_it_cost(path):
    """Title with its number, the four headings in order, something under each, a known state."""
    text = path.read_text("utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {path.name[:4]} ")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == HEADINGS
    assert all(len(body.strip()) > (3 if head == "State" else 40) for head, body in zip(parts[::2], parts[1::2], strict=True))
    assert re.match(r"(Accepted|Proposed|Superseded by \d{4})", parts[-1].strip())
