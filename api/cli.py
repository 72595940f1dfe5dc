"""The command line `fpd`. Exit codes: 0 done, 1 refused or found wrong, 2 bad use."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from api import calendar_cli, keys_cli, locality_cli, place_cli
from api.settings import ROOT, Settings, read_settings
from states import FLOWS, FlowError
from workflow import calendar, crypto, db, localities, pins, vault
from workflow.errors import WorkflowError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="fpd", description="Foreign Press Desk / Hệ thống quản lý hoạt động báo chí nước ngoài")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    add("serve", "migrate, load the demo into an empty database, serve pages, REST and the worker", serve)
    worker = add("worker", "deliver what the outbox holds, send mail, look at the due dates", run_worker)
    worker.add_argument("--once", action="store_true", help="run the jobs that are due, deliver what is due, then stop")
    migrate = add("migrate", "bring the database up to date", lambda args: _migrated(read_settings()))
    migrate.add_argument("--revision", default="head")
    demo = add("demo", "load: a case in every state; walk: a narrated walk in a throw-away database", run_demo)
    demo.add_argument("what", choices=["load", "walk"])
    demo.add_argument("--size", type=int, default=0, metavar="N", help="N more cases, for measuring")
    demo.add_argument("--seed", type=int, default=1)
    user = add("user", "accounts: add, grant, withdraw (a role), disable, reset", run_user)
    user.add_argument("what", choices=["add", "grant", "withdraw", "disable", "reset"])
    user.add_argument("username")
    user.add_argument("--name")
    user.add_argument("--organisation")
    user.add_argument("--role")
    user.add_argument("--lead", action="store_true")
    user.add_argument("--email", default="", help="where notices are mailed to (with add)")
    audit = add("audit", "verify the record", run_audit)
    audit.add_argument("what", choices=["verify"])
    audit.add_argument("--case", metavar="CODE")
    audit.add_argument("--json", action="store_true")
    flows = add("flows", "check the kinds; write docs/flows", run_flows)
    flows.add_argument("what", choices=["check", "charts"])
    flows.add_argument("--check", action="store_true", help="only say whether docs/flows is current")
    calendar_cli.add(commands)
    locality_cli.add(commands)
    keys_cli.add(commands)
    place_cli.add(commands)
    add("doctor", "what is wrong with this installation, in sentences", run_doctor)
    try:
        args = parser.parse_args(argv)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    try:
        return int(args.run(args))
    except WorkflowError as error:
        print(error.message.vi, "/", error.message.en, file=sys.stderr)
        return 1
    except (FlowError, FileNotFoundError, ValueError, crypto.KeysError) as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  what is still buffered must not be complained of at exit
        return 0
    except KeyboardInterrupt:
        return 1


def _migrated(settings: Settings) -> int:
    settings.var.mkdir(parents=True, exist_ok=True)
    db.migrate(settings.database_url)
    office = _office(settings)
    localities.settle(office.db, office.profile)
    vault.seal_plain(office)
    office.db.transact(lambda connection: calendar.seed_calendar(connection, calendar.years_ahead()))
    pins.complete(office)
    office.db.close()
    return 0


def _office(settings: Settings):  # type: ignore[no-untyped-def]
    from workflow import Office

    return Office.open(settings.database_url, settings.var / "files", settings.locality, settings.keys())


def serve(_: argparse.Namespace) -> int:
    """Everything on one machine: the demo's and a small office's way to run."""
    from waitress import create_server

    from api.app import create_app
    from workflow import demo, store, worker

    settings = read_settings()
    _migrated(settings)
    office = _office(settings)
    with office.db.read() as connection:
        empty = not store.query(connection, "SELECT id FROM users LIMIT 1")
        demo_there = bool(store.query(connection, "SELECT id FROM users WHERE demo LIMIT 1"))
    if settings.production and demo_there:
        print("FPD_PRODUCTION is set, but this database holds demo accounts. Use another database.", file=sys.stderr)
        return 1
    if empty and not settings.production:
        print("Nạp dữ liệu trình diễn / loading the demo …", flush=True)
        demo.load(office)
    app = create_app(settings, office)
    try:
        server = create_server(
            app, host=settings.host, port=settings.port, threads=settings.threads, ident=None, clear_untrusted_proxy_headers=not settings.proxies
        )
    except OSError as error:
        print(f"Không mở được cổng {settings.port} / port {settings.port} is taken: {error}. PORT=… make run", file=sys.stderr)
        return 1
    stop = threading.Event()
    delivering = threading.Thread(target=worker.run, args=(office, stop, 1.0, settings.post), daemon=True, name="worker")
    delivering.start()
    print(f"\nForeign Press Desk  http://{settings.host}:{settings.port}\n  dữ liệu / data: {settings.var}", flush=True)
    if not settings.production:
        print(f"  tài khoản trình diễn / demo accounts, password {demo.PASSWORD}:")
        for username, name, code, role, *_rest in demo.ACCOUNTS:
            print(f"    {username:<12} {role:<14} {name} ({code})")
    print("  Ctrl+C để dừng / to stop", flush=True)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        delivering.join(5)
        server.close()
        office.db.close()
    return 0


def run_worker(args: argparse.Namespace) -> int:
    """Deliver on its own, for installations with several processes."""
    from workflow import worker

    settings = read_settings()
    office = _office(settings)
    if args.once:
        print(worker.once(office, settings.post))
        return 0
    stop = threading.Event()
    try:
        worker.run(office, stop, post=settings.post)
    except KeyboardInterrupt:
        stop.set()
    return 0


def run_demo(args: argparse.Namespace) -> int:
    """Load or walk the demo."""
    from workflow import Office, demo

    if args.what == "walk":
        with tempfile.TemporaryDirectory(prefix="fpd-") as folder:
            url = f"sqlite:///{folder}/walk.sqlite3"
            db.migrate(url)
            office = Office.open(url, Path(folder) / "files", read_settings().locality)
            held = demo.walk(office, print)
            office.db.close()
        print("mọi bước đều đúng / all held" if held else "có bước không đúng / something did not hold")
        return 0 if held else 1
    settings = read_settings()
    if settings.production:
        print("production takes no demo", file=sys.stderr)
        return 1
    _migrated(settings)
    office = _office(settings)
    print(demo.load(office, size=args.size, seed=args.seed, say=lambda text: print(text, end="\r", file=sys.stderr)))
    return 0


def run_user(args: argparse.Namespace) -> int:
    """Accounts from the command line; a password is typed, never an argument. What a loss of people leaves stuck is printed."""
    from workflow import doctor, store, users
    from workflow.mail import address

    office = _office(read_settings())

    def person(connection):  # type: ignore[no-untyped-def]
        rows = store.query(connection, "SELECT id FROM users WHERE username = :name", name=args.username)
        return rows[0]["id"] if rows else None

    def password() -> str:
        typed = sys.stdin.readline().rstrip("\n") if not sys.stdin.isatty() else getpass.getpass("Mật khẩu / password: ")
        if not 12 <= len(typed) <= 128:
            raise ValueError("A password has 12 to 128 characters. / Mật khẩu dài 12 đến 128 ký tự.")
        return users.hasher().hash(typed)

    def work(connection):  # type: ignore[no-untyped-def]
        there = person(connection)
        if args.what == "add":
            if there or not args.name:
                raise ValueError("That account exists." if there else "--name is needed.")
            users.add_user(connection, args.username, args.name, hashed, email=address(args.email))
        elif there is None:
            raise ValueError(f"There is no account {args.username}.")
        elif args.what == "disable":
            users.disable(connection, args.username)
        elif args.what == "reset":
            users.set_password(connection, there, hashed)
        else:
            organisations = store.query(connection, "SELECT id FROM organisations WHERE code = :code", code=args.organisation or "")
            if not organisations or not args.role:
                raise ValueError("--organisation (a known code) and --role are needed.")
            if args.what == "grant":
                users.grant(connection, there, organisations[0]["id"], args.role, args.lead)
            elif not users.end_membership(connection, there, organisations[0]["id"], args.role):
                raise ValueError(f"{args.username} does not hold the role {args.role} there.")

    hashed = password() if args.what in ("add", "reset") else ""
    loses = args.what in ("disable", "withdraw")
    before = doctor.warnings(office) if loses else []
    office.db.transact(work)
    print("đã xong / done")
    for sentence in doctor.warnings(office) if loses else []:
        if sentence not in before:
            print(sentence.vi, "/", sentence.en)
    return 0


def run_audit(args: argparse.Namespace) -> int:
    """Verify the whole record or one case."""
    from workflow.audit.verify import verify

    office = _office(read_settings())
    with office.db.read() as connection:
        report = verify(connection, args.case)
    print(json.dumps(report.as_dict(), ensure_ascii=False) if args.json else "\n".join(report.lines()))
    return 0 if report.integrity == "clean" else 1


def run_flows(args: argparse.Namespace) -> int:
    """Check the kinds (they are proved when loaded) or write their documents."""
    from states import chart

    folder = ROOT / "docs" / "flows"
    wanted: dict[Path, str] = {}
    for flow in FLOWS.values():
        wanted[folder / f"{flow.kind}.md"] = chart.markdown(flow)
        wanted[folder / f"{flow.kind}.svg"] = chart.svg(flow, "vi") + "\n"
    if args.what == "check":
        for flow in FLOWS.values():
            print(f"{flow.kind}: {len(flow.states)} states, {len(flow.actions)} actions, {len(flow.steps)} arrows; proved")
        return 0
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    if args.check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current; run make charts", file=sys.stderr)
        return 1 if stale else 0
    folder.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], "utf-8")
    print(f"{len(stale)} written")
    return 0


def run_doctor(_: argparse.Namespace) -> int:
    """Say what is wrong."""
    from workflow import doctor

    office = _office(read_settings())
    sentences = doctor.examine(office)
    for sentence in sentences:
        print(sentence.vi, "/", sentence.en)
    if not sentences:
        print("Không thấy gì sai / nothing wrong found")
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main())
