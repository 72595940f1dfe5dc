"""What the house tests read: the files of the repository, and the Python in its rooms."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("states", "workflow", "api")
# Left out where there is no git to ask (an unpacked archive): what the tools leave behind.
LEFTOVERS = {".git", ".venv", ".hypothesis", ".schemathesis", "var", "dist", "__pycache__", "results"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is committed or about to be: tracked, or new and not ignored."""
    try:
        asked = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
        names = [ROOT / name for name in asked.stdout.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [
            path for path in ROOT.rglob("*") if not any(part in LEFTOVERS or part.endswith(("_cache", ".egg-info")) for part in path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in names if path.is_file()))


def lines() -> Iterator[tuple[str, int, str]]:
    """Name, number and text of every line of every text file of the repository."""
    for path in files():
        raw = path.read_bytes()
        if b"\0" in raw[:4096]:
            continue
        for number, line in enumerate(raw.decode("utf-8").splitlines(), 1):
            yield path.relative_to(ROOT).as_posix(), number, line


@cache
def modules(*rooms: str) -> dict[str, ast.Module]:
    """The parsed Python of some rooms, by file name."""
    found = {}
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and (name.split("/")[0] in rooms or name in rooms):
            found[name] = ast.parse(path.read_text("utf-8"), name)
    assert found, f"no Python in {rooms}"
    return found


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def importers(package: str, *rooms: str) -> set[str]:
    """The files of some rooms that import a package."""
    return {name for name, tree in modules(*rooms).items() if any(top == package for _, top in imports(tree))}
