"""Finds the kinds: every module in `states/kinds/`, in name order."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from states import kinds
from states.flow import Flow


def find() -> dict[str, Flow]:
    """Every flow by its kind."""
    modules = sorted(module.name for module in iter_modules(kinds.__path__))
    flows = [import_module(f"{kinds.__name__}.{name}").FLOW for name in modules]
    return {flow.kind: flow for flow in flows}
