"""Floor 2: does what floor 1 decides. Knows the database, files and time; knows nothing of the web."""

from workflow.authority import Actor
from workflow.engine import Done, Once, attach, edit_case, open_case, perform, recuse, release
from workflow.office import Office
from workflow.queries import choices, history, letters, list_cases, papers, read_case

__all__ = [
    "Actor", "Done", "Office", "Once", "attach", "choices", "edit_case", "history", "letters", "list_cases", "open_case", "papers",
    "perform", "read_case", "recuse", "release",
]  # fmt: skip
