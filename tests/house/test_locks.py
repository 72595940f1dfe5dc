"""The locks hold names, versions, markers and hashes: enough to install the same thing anywhere, nothing of where it came from."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.ground import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,_-]+\])?==([^ ;\\]+)( ; [^\\]+)?( \\)?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def normal(name: str) -> str:
    """A package's name as the locks write it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", name.strip())[0]).lower()


def pins(lock: str) -> dict[str, set[str]]:
    """The versions pinned by a lock: one, or several under different markers."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / lock).read_text("utf-8").splitlines():
        if made := PIN.match(line):
            found.setdefault(normal(made[1]), set()).add(made[2])
    return found


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address(lock):
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text and "--index-url" not in text and "--find-links" not in text and " @ " not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_but_pins_and_their_hashes(lock):
    """Every line is a pin or a hash, and every pin is followed by at least one hash."""
    kinds = []
    for number, line in enumerate((ROOT / lock).read_text("utf-8").splitlines(), 1):
        assert PIN.match(line) or HASH.match(line), f"{lock}:{number}: {line}"
        kinds.append("pin" if PIN.match(line) else "hash")
    assert kinds[0] == "pin" and kinds[-1] == "hash"
    assert not any(one == two == "pin" for one, two in zip(kinds, kinds[1:], strict=False))


def test_runtime_lock_holds_every_dependency(project):
    wanted = {normal(name) for name in project["project"]["dependencies"]}
    assert wanted <= set(pins("requirements.lock"))


def test_dev_lock_holds_everything_else_too(project):
    wanted = {normal(name) for group in project["project"]["optional-dependencies"].values() for name in group}
    wanted |= {normal(name) for group in project["dependency-groups"].values() for name in group if isinstance(name, str)}
    assert wanted <= set(pins("requirements-dev.lock"))


def test_both_locks_agree():
    """What runs in tests is what runs in production."""
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in runtime} == runtime


def test_locks_satisfy_the_stated_bounds(project):
    """A bound raised in pyproject without `make lock` is found here."""
    from packaging.requirements import Requirement

    given = [*project["project"]["dependencies"], *(n for g in project["project"]["optional-dependencies"].values() for n in g)]
    given += [name for group in project["dependency-groups"].values() for name in group if isinstance(name, str)]
    found = pins("requirements-dev.lock")
    wrong = [text for text in given for version in found[normal(text)] if not Requirement(text).specifier.contains(version, prereleases=True)]
    assert not wrong
