"""HTML forms made from declared fields: reading what was posted, keeping what was typed.

Names are paths (`outlet.name`, `crew.0.role`). What was typed stays as typed until it is checked; a wrong
value comes back into the form unchanged, with its sentence beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from states.language import AnyField, Field, Group, Rows
from workflow import clock

Form = MultiDict[str, str]


def typed(declared: Iterable[AnyField], form: Form, at: str = "") -> dict[str, Any]:
    """What was posted, as text, in the shape of the fields."""
    found: dict[str, Any] = {}
    for item in declared:
        name = f"{at}{item.name}"
        if isinstance(item, Group):
            found[item.name] = typed(item.fields, form, f"{name}.")
        elif isinstance(item, Rows):
            rows = []
            for index in range(int(form.get(f"{name}.n", "0")[:4] or 0) if form.get(f"{name}.n", "0").isdigit() else 0):
                row = typed(item.fields, form, f"{name}.{index}.")
                if item.ids and form.get(f"{name}.{index}.row"):
                    row["row"] = form[f"{name}.{index}.row"]
                rows.append(row)
            found[item.name] = rows[: item.maximum]
        elif item.type in ("choices", "agencies", "pointers"):
            found[item.name] = form.getlist(name)
        elif item.type == "bool":
            found[item.name] = name in form
        else:
            found[item.name] = form.get(name, "")
    return found


def changed_rows(declared: Iterable[AnyField], values: dict[str, Any], form: Form, at: str = "") -> bool:
    """Carry out an “add a row” or “remove this row” button, of a list or of one inside a row; answers whether there was one.

    `at` is what the names of these fields begin with in the form.
    """
    add, remove = (value.removeprefix(at) if (value := form.get(name)) and value.startswith(at) else None for name in ("add", "remove"))
    for pressed in (add, remove.rpartition(".")[0] if remove else None):
        found = _rows_at(declared, values, pressed.split(".")) if pressed else None
        if found is None:
            continue
        item, rows = found
        if add:
            if len(rows) < item.maximum:
                rows.append({})
        elif remove and (index := remove.rpartition(".")[2]).isdigit() and int(index) < len(rows):
            rows.pop(int(index))
        return True
    return bool(add or remove)


def _rows_at(declared: Iterable[AnyField], values: dict[str, Any], path: list[str]) -> tuple[Rows, list[Any]] | None:
    """The list that a dotted name such as `itinerary.2.people` means, with its declaration."""
    item = next((x for x in declared if x.name == path[0]), None)
    if isinstance(item, Group) and len(path) > 1:
        return _rows_at(item.fields, values.setdefault(item.name, {}), path[1:])
    if not isinstance(item, Rows):
        return None
    rows = values.setdefault(item.name, [])
    if len(path) == 1:
        return item, rows
    if len(path) > 2 and path[1].isdigit() and int(path[1]) < len(rows):
        return _rows_at(item.fields, rows[int(path[1])], path[2:])
    return None


def without(given: dict[str, Any], wrong: Iterable[str]) -> dict[str, Any]:
    """The same values without those at these pointers (`crew/0/passport_no`): what else was typed can be kept."""
    for pointer in wrong:
        holder: Any = given
        *path, last = pointer.split("/")
        for part in path:
            holder = (
                holder[int(part)]
                if isinstance(holder, list) and part.isdigit() and int(part) < len(holder)
                else holder.get(part)
                if isinstance(holder, dict)
                else None
            )
        if isinstance(holder, dict):
            holder.pop(last, None)
        elif isinstance(holder, list) and last.isdigit() and int(last) < len(holder):
            holder[int(last)] = None
    return given


def dotted(pointer: str, values: Mapping[str, Any]) -> str:
    """The name of an input for a JSON Pointer, in which rows go by their ids: `/crew/ab12/name` is `crew.0.name`."""
    found, holder = [], values
    for part in pointer.strip("/").split("/"):
        if isinstance(holder, list):
            at = next((n for n, row in enumerate(holder) if isinstance(row, Mapping) and row.get("row") == part), part)
            found.append(str(at))
            holder = holder[int(at)] if str(at).isdigit() and int(at) < len(holder) else {}
        else:
            found.append(part)
            holder = holder.get(part) if isinstance(holder, Mapping) else {}  # type: ignore[assignment]
    return ".".join(found)


def row_names(declared: Iterable[AnyField], fields: Mapping[str, Any], at: str = "") -> dict[str, str]:
    """The ids of all rows of a stored dossier by the names of their hidden inputs."""
    found: dict[str, str] = {}
    for item in declared:
        if isinstance(item, Group):
            found |= row_names(item.fields, fields.get(item.name) or {}, f"{at}{item.name}.")
        elif isinstance(item, Rows):
            for index, row in enumerate(fields.get(item.name) or ()):
                found[f"{at}{item.name}.{index}.row"] = row.get("row", "")
                found |= row_names(item.fields, row, f"{at}{item.name}.{index}.")
    return found


def to_json(declared: Iterable[AnyField], values: Mapping[str, Any], *, keep_empty: bool = False) -> dict[str, Any]:
    """Typed text as the JSON a program would send: numbers, moments with their zone, nothing for the empty.

    With `keep_empty` an emptied top-level field becomes null, which clears it in a dossier.
    """
    found: dict[str, Any] = {}
    for item in declared:
        value = values.get(item.name)
        if isinstance(item, Group):
            inner = to_json(item.fields, value or {})
            if inner or keep_empty:
                found[item.name] = inner or None
        elif isinstance(item, Rows):
            rows = [to_json(item.fields, row) | ({"row": row["row"]} if item.ids and row.get("row") else {}) for row in value or ()]
            rows = [row for row in rows if set(row) - {"row"} or item.ids]
            if rows or keep_empty:
                found[item.name] = rows or ([] if keep_empty else None)
        else:
            read = _one(item, value)
            if read is not None or keep_empty:
                found[item.name] = read
    return found


def _one(item: Field, value: Any) -> Any:
    if item.type == "bool":
        return True if value else None
    if value in (None, "", []):
        return None
    if item.type == "integer":
        text = str(value).strip()
        return int(text) if text.lstrip("-").isdigit() and len(text) < 16 else value
    if item.type == "moment":
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return value
        return moment.replace(tzinfo=clock.ZONE).isoformat() if moment.tzinfo is None else value
    if item.type == "signer":
        text = str(value).strip()
        if "," in text or " " in text:
            name, _, position = text.partition(",")
            return {"name": name.strip(), "position": position.strip()}
        return text
    return value


def stored(declared: Iterable[AnyField], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A stored dossier as a form shows it: moments in local time."""
    found: dict[str, Any] = {}
    for item in declared:
        value = fields.get(item.name)
        if isinstance(item, Group):
            found[item.name] = stored(item.fields, value or {})
        elif isinstance(item, Rows):
            found[item.name] = [stored(item.fields, row) | ({"row": row["row"]} if row.get("row") else {}) for row in value or ()]
        elif isinstance(item, Field) and item.type == "moment" and value:
            found[item.name] = f"{clock.local(clock.moment(value)):%Y-%m-%dT%H:%M}"
        else:
            found[item.name] = value
    return found


def one_empty_row(declared: Iterable[AnyField], values: dict[str, Any]) -> dict[str, Any]:
    """A first row where rows are asked for and none is there yet."""
    for item in declared:
        if isinstance(item, Rows) and not values.get(item.name) and (item.flag == "legal" or item.required):
            values[item.name] = [{}]
    return values
