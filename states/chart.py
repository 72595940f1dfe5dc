"""A flow as a drawing (SVG), as Mermaid text and as a rules table; all three derived from the kind alone."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from states.flow import Flow
from states.language import State, Text
from states.roles import ROLES

_ROW, _BOX_W, _BOX_H, _LEFT, _END_X, _WIDTH = 64, 236, 44, 74, 366, 560


def _t(text: Text, language: str) -> str:
    return text.en if language == "en" else text.vi


def _arrows(flow: Flow) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for step in flow.steps:
        if step.source != step.target:
            found.setdefault((step.source, step.target), []).append(step.action)
    return found


def _wrapped(text: str, limit: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) + 1 <= limit:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines[:2]


def svg(flow: Flow, language: str = "vi", *, state: str | None = None, path: Iterable[tuple[str, str]] = ()) -> str:
    """The drawing: the way down the middle, returns on the left, leaps on the right, ends in their own column.

    `state` is shown as the current one, the arrows of `path` as travelled. Readable at phone width; a text
    description is part of it, and `text` gives the same as words.
    """
    steps_taken = {pair for pair in path if pair[0] != pair[1]}
    been = {name for pair in steps_taken for name in pair}
    spine = [s for s in flow.states_ if not s.end]
    ends = [s for s in flow.states_ if s.end]
    at = {s.name: (_LEFT, 20 + i * _ROW) for i, s in enumerate(spine)}
    gap = max(_ROW * 0.8, (len(spine) * _ROW) / max(1, len(ends)))
    at |= {s.name: (_END_X, 20 + int(i * gap)) for i, s in enumerate(ends)}
    height = max(y for _, y in at.values()) + _BOX_H + 24
    title = _t(flow.title, language)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" class="flow-chart"'
        f' aria-labelledby="flow-{flow.kind}-t flow-{flow.kind}-d" font-family="system-ui, sans-serif" font-size="15">',
        f'<title id="flow-{flow.kind}-t">{escape(title)}</title>',
        f'<desc id="flow-{flow.kind}-d">{escape(" ".join(text(flow, language)))}</desc>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5F6B78"/></marker><marker id="tip-on" viewBox="0 0 8 8" refX="7" refY="4"'
        ' markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="#9B1B1E"/></marker></defs>',
    ]
    order = {s.name: i for i, s in enumerate(spine)}
    for (source, target), _ in _arrows(flow).items():
        taken = (source, target) in steps_taken
        look = 'stroke="#9B1B1E" stroke-width="2.5" marker-end="url(#tip-on)"' if taken else 'stroke="#B8C1CB" stroke-width="1.2" marker-end="url(#tip)"'
        out.append(f'<path d="{_curve(at, order, source, target)}" fill="none" {look}/>')
    for found in flow.states_:
        out.append(_box(found, at[found.name], language, current=found.name == state, been=found.name in been))
    out.append("</svg>")
    return "\n".join(out)


def _curve(at: dict[str, tuple[int, int]], order: dict[str, int], source: str, target: str) -> str:
    (x1, y1), (x2, y2) = at[source], at[target]
    mid1, mid2 = y1 + _BOX_H // 2, y2 + _BOX_H // 2
    if target not in order:
        bend = _END_X - 26
        return f"M{x1 + _BOX_W} {mid1} C{bend} {mid1} {bend - 20} {mid2} {x2 - 2} {mid2}"
    if source not in order:
        return f"M{x1} {mid1} L{x2 + _BOX_W} {mid2}"
    span = order[target] - order[source]
    if span == 1:
        middle = x1 + _BOX_W // 2
        return f"M{middle} {y1 + _BOX_H} L{middle} {y2 - 2}"
    if span > 1:
        out = x1 + _BOX_W + min(40, 8 + 6 * span)
        return f"M{x1 + _BOX_W} {mid1 + 6} C{out} {mid1 + 6} {out} {mid2 - 6} {x2 + _BOX_W + 2} {mid2 - 6}"
    out = x1 - min(66, 14 + 8 * -span)
    return f"M{x1} {mid1 - 6} C{out} {mid1 - 6} {out} {mid2 + 6} {x2 - 2} {mid2 + 6}"


def _box(state: State, at: tuple[int, int], language: str, *, current: bool, been: bool) -> str:
    x, y = at
    width = _BOX_W if not state.end else _WIDTH - _END_X - 8
    fill, stroke, weight = ("#FFFFFF", "#737F8C", 1.2)
    if been:
        stroke, weight = "#1F2933", 2
    if current:
        fill, stroke, weight = "#FCEEE6", "#9B1B1E", 3
    dash = ' stroke-dasharray="5 4"' if state.resting else ""
    lines = _wrapped(_t(state.label, language), 30 if not state.end else 22)
    first = y + _BOX_H / 2 + 5 - (len(lines) - 1) * 9
    words = "".join(
        f'<text x="{x + width / 2}" y="{first + i * 18}" text-anchor="middle" fill="#1F2933"'
        f"{' font-weight=' + chr(34) + '700' + chr(34) if current else ''}>{escape(line)}</text>"
        for i, line in enumerate(lines)
    )
    radius = 22 if state.end else 4
    mark = f' data-state="{state.name}"' + (' data-current="true"' if current else "")
    return f'<g{mark}><rect x="{x}" y="{y}" width="{width}" height="{_BOX_H}" rx="{radius}" fill="{fill}" stroke="{stroke}" stroke-width="{weight}"{dash}/>{words}</g>'


def text(flow: Flow, language: str = "vi") -> list[str]:
    """The drawing in words: a sentence a state."""
    found = []
    for state in flow.states_:
        onward: dict[str, list[str]] = {}
        for step in flow.leaving(state.name):
            if step.target != step.source:
                onward.setdefault(_t(flow.states[step.target].label, language), []).append(_t(step.label, language))
        name = _t(state.label, language)
        if not onward:
            found.append(f"{name}: {'kết thúc' if language == 'vi' else 'the end'}.")
            continue
        ways = "; ".join(f"{', '.join(actions)} → {target}" for target, actions in onward.items())
        found.append(f"{name}: {ways}.")
    return found


def mermaid(flow: Flow, language: str = "vi", *, state: str | None = None) -> str:
    """The flow as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "  direction TB"]
    for found in flow.states_:
        lines.append(f'  state "{_t(found.label, language)}" as {found.name}')
    lines.append(f"  [*] --> {flow.start}")
    lines += [f"  {a} --> {b}: {', '.join(actions)}" for (a, b), actions in _arrows(flow).items()]
    lines += [f"  {found.name} --> [*]" for found in flow.states_ if found.end]
    if state:
        lines += ["  classDef current stroke:#9B1B1E,stroke-width:3px", f"  class {state} current"]
    return "\n".join(lines) + "\n"


def rules(flow: Flow, language: str = "vi") -> list[dict[str, str]]:
    """The rules table: one row an arrow, in words."""
    found = []
    for state in flow.states_:
        for step in flow.leaving(state.name):
            found.append(
                {
                    "from": _t(state.label, language),
                    "action": _t(step.label, language),
                    "code": step.action,
                    "to": _t(flow.states[step.target].label, language) if step.target != step.source else "–",
                    "by": ", ".join(_t(ROLES[role], language) for role in step.by),
                    "needs": " ".join(dict.fromkeys(_t(need.text, language) for need in step.needs)),
                    "effects": ", ".join(dict.fromkeys(effect.word for effect in step.then)),
                }
            )
    return found


def markdown(flow: Flow) -> str:
    """`docs/flows/<kind>.md`: generated, reviewed as a diff."""
    lines = [
        f"# {flow.title.vi} / {flow.title.en}", "", f"Kind `{flow.kind}`, version {flow.version}. Generated from `states/kinds/{flow.kind}.py`.", "",
        "| state | phase | label | waits for |", "|---|---|---|---|",
    ]  # fmt: skip
    for state in flow.states_:
        waits = ", ".join(f"`{role}`" for role in state.waits_for) or ("end" if state.end else "rests")
        lines.append(f"| `{state.name}` | {state.phase or '–'} | {state.label.vi} / {state.label.en} | {waits} |")
    lines += ["", "| action | from → to | by | required input | needs | effects |", "|---|---|---|---|---|---|"]
    for step in flow.steps:
        target = step.target if step.target != step.source else "itself"
        required = ", ".join(f"`{item.name}`" for item in step.inputs if item.required) or "–"
        codes = " ".join(dict.fromkeys(f"`{need.code}`" for need in step.needs)) or "–"
        words = ", ".join(dict.fromkeys(f"`{effect.word}`" for effect in step.then)) or "–"
        lines.append(f"| `{step.action}` | {step.source} → {target} | {', '.join(step.by)} | {required} | {codes} | {words} |")
    return "\n".join([*lines, "", "```mermaid", mermaid(flow, "en").rstrip(), "```", ""])
