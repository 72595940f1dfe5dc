"""Floor 1: the rules of every kind. Decides, and knows nothing outside itself."""

from __future__ import annotations

from states.flow import Flow
from states.language import Act, Child, Facts, FlowError, Refusal, Refused, Text
from states.registry import find

FLOWS: dict[str, Flow] = find()


def flow_for(kind: str, version: int | None = None) -> Flow:
    """The flow of a kind; raises `KeyError` for an unknown kind or a version no longer loaded."""
    flow = FLOWS[kind]
    if version is not None and version != flow.version:
        raise KeyError(f"{kind}@{version}")
    return flow


from states.machine import hints, refusals, walk  # noqa: E402  the machine asks this module for flows

__all__ = [
    "FLOWS", "Act", "Child", "Facts", "Flow", "FlowError", "Refusal", "Refused", "Text", "flow_for", "hints", "refusals", "walk",
]  # fmt: skip
