"""The sales process as a log of steps: where deals go, wait, turn back. Names load on first use.

``from salesops_lib.pipeline import directly_follows, variants, dwell, conversion, cumulative_incidence``:
they take any event log with ``case_id``, ``activity``, ``at`` and, where stamps tie, ``sequence``.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "event_log": "log",
    "directly_follows": "graph",
    "variants": "graph",
    "dwell": "waiting",
    "conversion": "progress",
    "cumulative_incidence": "progress",
    "bottlenecks": "waiting",
    "steps_of_cases": "rework",
    "deviation_effect": "rework",
    "decompose_velocity": "velocity",
    "judge_experiment": "experiments",
}
"""Where each name lives."""


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(_HOME)
