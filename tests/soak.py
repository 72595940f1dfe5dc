"""`make soak`: the random tests with their full figures, in parts that go on where they stopped.

ONLY=race, kill, outbox or fuzz plays one part, FPD_SEED replays a seed, FRESH=1 counts anew. What has been reached is kept in
var/soak. Ends with 0 when every figure was reached without a violation, with 1 when not or not yet, with 2 on bad use;
fuzz ends as pytest did.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from tests import rounds
from tests.servers import postgres_server
from workflow import Office, db, demo, users

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "var" / "soak"
# A part must end within nine minutes: after these seconds no further slice is begun.
ENOUGH = 480
FUZZ_CASES = 2000
FULL_SECONDS = 530
DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Work:
    """A figure to reach on each database, in slices that have a database and a chance of their own."""

    unit: str
    figure: int
    slice: int
    play: Callable[[Office, demo.Stage, int, random.Random], rounds.Tally]


RACE = (Work("pairs", 200, 20, rounds.race_pairs), Work("groups", 20, 5, rounds.key_groups))
KILL = (Work("kills", 100, 10, rounds.kills),)
OUTBOX = (Work("messages", 500, 50, rounds.deliveries),)


@dataclass
class Progress:
    """How far a part has come, on which code and by which seed."""

    part: str
    seed: int
    code: str
    figures: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def keep(self) -> None:
        """Write it down, whole or not at all."""
        KEPT.mkdir(parents=True, exist_ok=True)
        path = KEPT / f"{self.part}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")
        fresh.replace(path)

    def add(self, database: str, tally: rounds.Tally) -> None:
        """What a slice on a database has shown."""
        counted = Counter(self.figures)
        counted.update({f"{database} {name}": number for name, number in tally.figures.items()})
        self.figures = dict(counted)
        self.findings += [f"{database}: {finding}" for finding in tally.findings]

    def told(self) -> str:
        """The figures in one line."""
        return ", ".join(f"{name} {number}" for name, number in self.figures.items()) or "nothing yet"


def fingerprint() -> str:
    """What the code under test is, in twelve letters: figures reached on other code say nothing about this one."""
    told = hashlib.sha256()
    for room in ("states", "workflow", "api", "migrations", "localities", "tests/rounds.py", "tests/relay.py"):
        for path in sorted([ROOT / room] if (ROOT / room).is_file() else (ROOT / room).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                told.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return told.hexdigest()[:12]


def resumed(part: str, fresh: bool) -> Progress:
    """The progress of a part as kept, or a new one where that is asked for, or where seed or code are others now."""
    path, code = KEPT / f"{part}.json", fingerprint()
    if path.exists() and not fresh:
        kept = Progress(**json.loads(path.read_text("utf-8")))
        if kept.code != code:
            print(f"{part}: the code has changed since {kept.told()}; counting anew.")
        elif os.environ.get("FPD_SEED") not in (None, "", str(kept.seed)):
            print(f"{part}: another seed than {kept.seed} is asked for; counting anew.")
        else:
            return kept
    return Progress(part, rounds.seed(), code)


class Grounds:
    """Empty offices with the demo's people, on both databases; servers and templates are started when first wanted."""

    def __init__(self, stack: ExitStack):
        self.stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fps")))
        self.templates: dict[str, str] = {}
        self.make: Callable[[str | None], str] | None = None
        self.password_hash = users.hasher().hash(demo.PASSWORD)

    def address(self, database: str) -> str:
        """The address of a fresh migrated database."""
        if database == "postgresql":
            if self.make is None:
                self.make = self.stack.enter_context(postgres_server(durable=True))
                url = self.make(None)
                db.migrate(url)
                self.templates[database] = str(sa.engine.make_url(url).database)
            return self.make(self.templates[database])
        if database not in self.templates:
            self.templates[database] = str(self.folder / "empty.sqlite3")
            db.migrate(f"sqlite:///{self.templates[database]}")
        path = Path(tempfile.mkdtemp(dir=self.folder)) / "fpd.sqlite3"
        shutil.copy(self.templates[database], path)
        return f"sqlite:///{path}"

    @contextmanager
    def office(self, database: str) -> Iterator[Office]:
        """An office nobody has worked in."""
        office = Office.open(self.address(database), Path(tempfile.mkdtemp(dir=self.folder)))
        try:
            demo.load_accounts(office, self.password_hash)
            yield office
        finally:
            office.db.close()


def show(text: str) -> None:
    """How far it is, on a terminal only."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)


def play(works: tuple[Work, ...], progress: Progress) -> int:
    """Slice after slice until every figure is reached, somebody stops it, or the time is up."""
    began, spent = time.monotonic(), progress.seconds
    stopped = False
    with ExitStack() as stack:
        try:
            grounds = Grounds(stack)
            for database, work in ((database, work) for database in DATABASES for work in works):
                name = f"{database} {work.unit}"
                while (done := progress.figures.get(name, 0)) < work.figure and time.monotonic() - began < ENOUGH:
                    show(f"{progress.part}: {name} {done}/{work.figure}, seed {progress.seed}, {len(progress.findings)} violations")
                    with grounds.office(database) as office:
                        chooser = random.Random(f"{progress.seed}/{name}/{done}")
                        tally = work.play(office, demo.Stage(office), min(work.slice, work.figure - done), chooser)
                    progress.add(database, tally)
                    progress.seconds = round(spent + time.monotonic() - began, 1)
                    progress.keep()
                    if tally.figures[work.unit] == 0:  # nothing could be played: the finding says why, and another try would not end
                        break
        except KeyboardInterrupt:
            stopped = True
    show("")
    wanted = {f"{database} {work.unit}": work.figure for database in DATABASES for work in works}
    missing = {name: figure for name, figure in wanted.items() if progress.figures.get(name, 0) < figure}
    for finding in progress.findings:
        print(f"violation: {finding}")
    state = "violated" if progress.findings else "not finished yet" if missing else "held"
    again = f" (stopped; run it again to go on to {_figures(missing)})" if missing and (stopped or not progress.findings) else ""
    print(f"{progress.part}: {state}{again}: {progress.told()}; {len(progress.findings)} violations; {progress.seconds:.0f} s; FPD_SEED={progress.seed}")
    return 1 if missing or progress.findings else 0


def _figures(wanted: dict[str, int]) -> str:
    return ", ".join(f"{name} {figure}" for name, figure in wanted.items())


def in_full(name: str, unit: str, figure: int, path: str, switch: str, value: str, progress: Progress) -> int:
    """Tests of the ordinary suite with their full figure, in one go; answers what pytest answered."""
    if progress.figures.get(unit) == figure:
        print(f"{name}: held: {unit} {figure}; 0 violations; {progress.seconds:.0f} s; FPD_SEED={progress.seed}")
        return 0
    began, code = time.monotonic(), 1
    command = [sys.executable, "-m", "pytest", "-q", f"--timeout={FULL_SECONDS}", path]
    told = {**os.environ, switch: value, "FPD_SEED": str(progress.seed)}
    try:
        code = subprocess.run(command, cwd=ROOT, env=told, timeout=FULL_SECONDS).returncode
        progress.findings = [f"pytest ended with {code}"] if code else []
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        progress.findings = []
        print(f"{name}: not finished yet (stopped; it cannot go on in the middle and begins again).")
    progress.figures = {unit: 0 if code else figure}
    progress.seconds = round(time.monotonic() - began, 1)
    progress.keep()
    state = "failed" if progress.findings else "not finished yet" if code else "held"
    print(f"{name}: {state}: {progress.told()}; {len(progress.findings)} violations; {progress.seconds:.0f} s; FPD_SEED={progress.seed}")
    return code


PARTS: dict[str, Callable[[Progress], int]] = {
    "race": partial(play, RACE),
    "kill": partial(play, KILL),
    "outbox": partial(play, OUTBOX),
    "fuzz": partial(in_full, "fuzz", "cases", FUZZ_CASES, "tests/api/test_fuzz.py", "FPD_FUZZ_CASES", str(FUZZ_CASES)),
    "browser": partial(in_full, "browser", "ways", 4, "tests/pages/test_filing.py", "FPD_BROWSER", "all"),
}


def main(arguments: list[str]) -> int:
    """Play the parts that are asked for; answers the first bad outcome, or 0."""
    wanted = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"There is no part {', '.join(unknown)}: ONLY may be {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    if arguments:
        print(f"Nothing is read from the command line ({' '.join(arguments)}): set ONLY, FPD_SEED or FRESH.", file=sys.stderr)
        return 2
    if os.environ.get("FRESH", "") not in ("", "0", "1"):
        print("FRESH is 1 to count anew, or not set.", file=sys.stderr)
        return 2
    if not (os.environ.get("FPD_SEED") or "0").isdecimal():
        print("FPD_SEED is a whole number.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a time limit from outside stops it as Ctrl-C does: servers and all
    codes = []
    for part in wanted:
        progress = resumed(part, os.environ.get("FRESH") == "1")
        print(f"{part}: FPD_SEED={progress.seed}, code {progress.code}, {progress.told()}", flush=True)
        codes.append(PARTS[part](progress))
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
