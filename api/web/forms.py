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


def changed_rows(declared: Iterable[AnyField], values: dict[str, Any], form: Form) -> bool:
    """Carry out an “add a row” or “remove this row” button; answers whether there was one."""
    add, remove = form.get("add"), form.get("remove")
    for item in declared:
        if not isinstance(item, Rows):
            continue
        rows = values.setdefault(item.name, [])
        if add == item.name:
            if len(rows) < item.maximum:
                rows.append({})
            return True
        if remove and remove.startswith(f"{item.name}."):
            index = remove.rsplit(".", 1)[1]
            if index.isdigit() and int(index) < len(rows):
                rows.pop(int(index))
            return True
    return bool(add or remove)


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
