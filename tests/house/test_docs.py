"""Undocumented means failing: commands, settings, decisions, and the commands other documents name."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib

import pytest

from api.errors import STATUS
from states import FLOWS
from states.kinds.letter import LETTERS
from states.roles import ROLES
from tests.house.ground import ROOT, files, modules
from workflow import demo
from workflow.queries import FILTERS

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
    known = set(settings()) | {"FPD_SEED", "FPD_FUZZ_CASES", "FPD_BROWSER"}
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


# --- the words -----------------------------------------------------------------------------------------------


def rows_of(name: str) -> set[tuple[str, ...]]:
    """The table rows of a document, cell by cell."""
    text = (ROOT / "docs" / name).read_text("utf-8")
    return {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if line.startswith("|")}


def test_words_name_every_role_with_both_labels():
    told = {row[:3] for row in rows_of("words.md")}
    assert not [code for code, label in ROLES.items() if (f"`{code}`", label.vi, label.en) not in told]


def test_words_name_every_state_with_both_labels():
    told = {row[:3] for row in rows_of("words.md")}
    wanted = {(f"`{state.name}`", state.label.vi, state.label.en) for flow in FLOWS.values() for state in flow.states_}
    assert not wanted - told


def test_words_name_every_action_with_both_labels():
    told = {(row[0], kind, row[2], row[3]) for row in rows_of("words.md") if len(row) == 5 for kind in row[1].split(", ")}
    wanted = {(f"`{step.action}`", flow.kind, step.label.vi, step.label.en) for flow in FLOWS.values() for step in flow.steps}
    assert not wanted - told


def test_words_name_every_letter_with_both_labels():
    told = rows_of("words.md")
    assert not [name for name, letter in LETTERS.items() if (letter.code, f"`{name}`", letter.label.vi, letter.label.en) not in told]


def test_every_library_is_justified():
    """Each dependency of the project, extras and groups included, is named in the decision about them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for group in (*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()):
        asked += [item for item in group if isinstance(item, str)]
    names = {re.split(r"[\[<>=!~; ]", item, maxsplit=1)[0] for item in asked}
    text = (ROOT / "docs" / "adr" / "0013-dependencies.md").read_text("utf-8")
    assert not [name for name in sorted(names) if f"`{name}`" not in text]


def test_errors_of_the_api_are_documented():
    """Every status and code the service can answer with stands in docs/api.md, and none that it cannot."""
    told = {(row[0], row[1].strip("`")) for row in rows_of("api.md") if re.fullmatch(r"\d{3}", row[0])}
    known = {(str(status), code) for code, status in STATUS.items()}
    # Codes that are reserved: nothing raises them yet.
    reserved = {("409", "file_damaged"), ("412", "stale_form"), ("500", "audit_broken")}
    assert told <= known and known - told <= reserved


def test_filters_of_lists_are_documented():
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert not [name for name in FILTERS if f"`{name}`" not in text]


def test_demo_accounts_are_documented():
    text = (ROOT / "README.md").read_text("utf-8")
    assert demo.PASSWORD in text and not [account[0] for account in demo.ACCOUNTS if f"`{account[0]}`" not in text]
