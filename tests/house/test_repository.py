"""Rules about who may do what in this repository, read from the source."""

from __future__ import annotations

import ast
import re

from tests.house.ground import ROOMS, ROOT, files, importers, lines, modules

PRODUCT = (*ROOMS, "migrations", "wsgi.py")

# Written in pieces, or this file would find itself.
REGISTRIES = re.compile("|".join(("py" + r"pi\.", "python" + "hosted", "npm" + r"js\.", "crates" + r"\.io", "docker" + r"\.io", "ghcr" + r"\.io")))
MACHINE = re.compile(r"(?<![\w.~-])(?:/(?:ro" + r"ot|wo" + r"rk|ho" + r"me/\w+|Us" + r"ers/\w+)(?![\w-])|[A-Z]:\\Us" + "ers)")
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X|HA" + r"CK)\b")
SECRET = re.compile("BEGIN [A-Z ]*PRIVATE" + " KEY")


def found(pattern: re.Pattern[str]) -> list[str]:
    return [f"{name}:{number}: {line.strip()[:120]}" for name, number, line in lines() if pattern.search(line)]


def test_no_registry_is_named():
    """Where packages come from is the installer's setting, not ours."""
    assert not found(REGISTRIES)


def test_no_path_of_one_machine():
    assert not found(MACHINE)


def test_nothing_is_left_unfinished():
    """Open work belongs in the tracker."""
    assert not found(UNFINISHED)


def test_no_private_key():
    assert not found(SECRET)


def test_nothing_local_is_committed():
    forbidden = {".venv", "var", "__pycache__", "node_modules", "uv.lock", ".env"}
    assert not [path for path in files() if forbidden & set(path.relative_to(ROOT).parts) or path.suffix in (".pyc", ".sqlite3", ".mo")]


# --- one writer, one clock, one source of chance, one reader of settings -------------------------------------


def test_only_the_engine_changes_a_state():
    """An attribute `state` is set by the engine and the machine's token alone."""
    writers = set()
    for name, tree in modules(*ROOMS).items():
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else []
            for target in targets:
                inner = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
                writers |= {name for part in inner if isinstance(part, ast.Attribute) and part.attr == "state"}
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr" and len(node.args) > 1:
                writers |= {name for part in [node.args[1]] if getattr(part, "value", "") == "state"}
    assert writers <= {"workflow/engine.py", "states/machine.py"}


def test_the_case_row_is_updated_in_one_place():
    """The stored row is written by one statement, built in the store for the engine."""
    writers = set()
    for name, tree in modules(*ROOMS).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"(?i)\b(update|delete from|replace into)\s+cases\b", node.value):
                writers.add(name)
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("update", "delete"):
                writers |= {name for arg in node.args if getattr(arg, "id", getattr(arg, "attr", "")) in ("Case", "cases")}
    assert writers <= {"workflow/store.py"}


def test_only_the_clock_reads_time():
    readers = []
    for name, tree in modules(*PRODUCT).items():
        if name == "workflow/clock.py":
            continue
        readers += [f"{name}: import time" for node in ast.walk(tree) if isinstance(node, ast.Import) and any(a.name == "time" for a in node.names)]
        readers += [f"{name}: from time" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "time"]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if node.func.attr in ("now", "utcnow", "today") and re.fullmatch(r"(datetime\.)?(datetime|date)", owner):
                    readers.append(f"{name}:{node.lineno}: {owner}.{node.func.attr}()")
    assert not readers


def test_only_chance_is_random():
    users = {name for package in ("random", "secrets", "uuid") for name in importers(package, *PRODUCT)}
    assert users <= {"workflow/chance.py"}


def test_only_the_settings_read_the_environment():
    readers = set(importers("environs", *PRODUCT))
    for name, tree in modules(*PRODUCT).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv") and getattr(node.value, "id", "") == "os":
                readers.add(name)
            if isinstance(node, ast.ImportFrom) and node.module == "os" and {a.name for a in node.names} & {"environ", "getenv"}:
                readers.add(name)
    assert readers <= {"api/settings.py"}


def test_only_the_machine_uses_transitions():
    assert importers("transitions", *PRODUCT) == {"states/machine.py"}


def test_only_login_uses_flask_login():
    """What the library calls a user, the rest of floor 3 gets from `api.login`; replacing it then touches one file."""
    assert importers("flask_login", *PRODUCT) == {"api/login.py"}


# --- what is never done --------------------------------------------------------------------------------------


def test_nothing_is_unpickled_or_evaluated():
    """Loading such bytes runs code; so do eval and exec."""
    users = {name for package in ("pickle", "marshal", "shelve", "dill") for name in importers(package, *PRODUCT, "tests", "benchmarks")}
    for name, tree in modules(*PRODUCT).items():
        users |= {name for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec")}
    assert not users


def test_no_template_switches_escaping_off():
    # Any filter chain that ends in safe, and the block form.
    pattern = re.compile(r"\|\s*safe\b|autoescape\s+false|forceescape")
    wrong = [f"{name}:{number}" for name, number, line in lines() if name.startswith("templates/") and pattern.search(line)]
    assert not wrong


def test_markup_is_made_in_one_place():
    """Unescaped text enters a page only as the drawing of a flow, which escapes its own words."""
    makers = set()
    for name, tree in modules("api", "workflow", "states").items():
        makers |= {name for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Markup"}
    assert makers <= {"api/web/public.py"}


def test_pages_need_no_inline_script_or_style():
    """The content security policy forbids both; a page that had them would break silently."""
    pattern = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son[a-z]+=\"|javascript:", re.IGNORECASE)
    wrong = [f"{name}:{number}" for name, number, line in lines() if name.startswith("templates/") and pattern.search(line)]
    assert not wrong


def test_pages_fetch_nothing_from_elsewhere():
    pattern = re.compile(r"(?:src|href|action)=[\"'](?:https?:)?//", re.IGNORECASE)
    wrong = [f"{name}:{number}" for name, number, line in lines() if name.startswith(("templates/", "api/static/")) and pattern.search(line)]
    assert not wrong


# --- statements ----------------------------------------------------------------------------------------------

SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|ORDER BY|LIMIT|AND|FROM|VALUES|JOIN|EXISTS|IN \()(?=\W)")
# Every value written into a statement's text, by file. Each was read: it is a constant of ours, a table or column
# name from a constant, a row of `?` marks, a whole number, or a fragment built of those. What a person typed is
# always bound. Adding one here is a decision: show in review where it comes from.
BUILT = {
    "workflow/audit/system.py": {"lock"},
    "workflow/delegations.py": {"_ROWS", "_MANDATES", "int(limit)"},
    "workflow/doctor.py": {"marks"},
    "workflow/audit/verify.py": {"where", "', '.join(COLUMNS)"},
    "workflow/queries.py": {
        "_LISTED", "' AND '.join(where)", "column", "sign", "order", "limit + 1", "int(limit)", "marks", "name", "letters[index]", "mine",
        "waiting", "unit", "scope", "kind", "state.name", "main", "types", "nearest", "first", "near", "after", "_NEAREST",
    },
    "workflow/reads.py": {"' AND '.join(where)", "int(limit)", "columns", "listed"},
    "workflow/rule_changes.py": {"_PICKED"},
    "workflow/store.py": {
        "_PRINCIPAL", "columns", "clocks", "parents", "array", "build", "by", "sets", "guard", "table", "', '.join(columns)", "', '.join([one] * rows)",
        "_CONFLICT.get(table, '')", "', '.join(key)", "column", "name", "', '.join(parts)", "', '.join(names)", "picked", "i", "_TYPES.get(name, 'text')",
    },
    "workflow/reseal.py": {"column.table", "sets", "same", "names", "key", "', '.join((f':{name}' for name in last))", "where", "PAGE"},
    "workflow/registry.py": {"_CASE", "' AND '.join(where)", "'abcdef'[at]", "n", "after", "sent", "row_id", "table", "column", "scope"},
    "workflow/remaining.py": {"users.ACTOR"},
    "workflow/users.py": {"marks", "ACTOR"},
    "workflow/matches.py": {"_COLUMNS", "passport", "card", "name", "spot", "scope", "own", "asked"},
    "workflow/notices.py": {"_HOLDERS", "int(limit)"},
    "workflow/outbox.py": {"_FREE", "UNHELD", "FIRST", "_HELD", "BATCH", "lock", "mine", "int(limit)"},
    "workflow/scan.py": {"PAGE", "each"},
    "workflow/sharing.py": {"_COLUMNS", "int(limit)"},
}  # fmt: skip


def test_statements_are_built_of_our_own_words():
    wrong = []
    for name, tree in modules(*ROOMS).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
                values = {ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)}
                if SQL.search(text + " ") and values - BUILT.get(name, set()):
                    wrong.append(f"{name}:{node.lineno}: {sorted(values - BUILT.get(name, set()))}")
    assert not wrong


def test_no_statement_is_formatted_in_place():
    """`text(f"…")`, `"…" % x` and `"…".format(x)` are not handed to the database."""
    wrong = []
    for name, tree in modules(*PRODUCT).items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called, given = getattr(node.func, "id", getattr(node.func, "attr", "")), node.args[0]
            formatted = isinstance(given, ast.JoinedStr) or (isinstance(given, ast.BinOp) and isinstance(given.op, ast.Mod))
            formatted |= isinstance(given, ast.Call) and getattr(given.func, "attr", "") == "format"
            if called == "text" and formatted:
                wrong.append(f"{name}:{node.lineno}")
    assert not wrong
