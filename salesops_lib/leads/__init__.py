"""Leads: which convert, how fast, what leaks. Names load on first use.

``from salesops_lib.leads import funnel, conversion_at_age, cohorts, incidence, compare, score_leads``: plain
frames in, plain frames out.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "checked_leads": "lifecycle",
    "funnel": "funnels",
    "funnel_by_period": "funnels",
    "conversion_at_age": "funnels",
    "cohorts": "funnels",
    "incidence": "timing",
    "final_rate": "timing",
    "compare": "sources",
    "shrunk_rates": "sources",
    "decompose_change": "sources",
    "stratified": "strata",
    "return_on_spend": "spend",
    "business_minutes": "response",
    "service_levels": "response",
    "routing_balance": "owners",
    "reassignments": "owners",
    "passed_by_region": "owners",
    "passing_on": "owners",
    "source_strata": "strata",
    "speed_effect": "speed",
    "leakage_audit": "audit",
    "drop_collinear": "audit",
    "fit_scores": "scoring",
    "score_leads": "scoring",
    "score_blocks": "scoring",
    "population_stability": "evaluation",
    "lift_table": "evaluation",
    "replay_routing": "routing",
}
"""Where each name lives."""


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(_HOME)
