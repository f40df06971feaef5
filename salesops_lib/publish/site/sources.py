"""What the site tells besides the bundles: metrics, rules, policies, the calendar, decisions by company."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import Rule
from salesops_lib.core.metrics import Metric
from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.core.policy import PolicyValue
from salesops_lib.publish.catalog import Notebook
from salesops_lib.publish.history import ReportHistory


def _none(_: str) -> Sequence[Mapping[str, Any]]:
    return ()


@dataclass(frozen=True)
class Sources:
    """What the pages are made from besides the bundles.

    ``decisions`` gives the ledger's entries, oldest first, of a company as a run names it (``run.json``,
    parameter ``data``; empty is the sample). ``policies``: the newest value by ``domain.name``.
    ``gathering``: notebooks that gather the other reports, shown before all others.
    """

    decisions: Callable[[str], Sequence[Mapping[str, Any]]] = _none
    metrics: tuple[Metric, ...] = ()
    rules: tuple[Rule, ...] = ()
    policies: Mapping[str, PolicyValue] = field(default_factory=dict)
    calendar: FiscalCalendar | None = None
    gathering: frozenset[str] = frozenset()

    @classmethod
    def declared(
        cls,
        registry: Any,
        notebooks: Iterable[Notebook],
        decisions: Callable[[str], Sequence[Mapping[str, Any]]],
        calendar: FiscalCalendar | None,
    ) -> Sources:
        """From what the library declares: ``registry`` is the handbook's, with metrics, rules, policies."""
        return cls(
            decisions=decisions,
            metrics=registry.metrics,
            rules=registry.rules,
            policies=registry.policy_values,
            calendar=calendar,
            gathering=frozenset(n.name for n in notebooks if n.run_file.reads_reports),
        )


@dataclass(frozen=True)
class Companies:
    """Whose reports stand, by ``data``; ``notes`` are sentences a reader must know of them."""

    decisions: dict[str, Sequence[Mapping[str, Any]]]
    notes: tuple[str, ...]


def data_of(history: ReportHistory) -> str:
    """The company folder or address a report was made from; empty is the sample."""
    return str(history.newest.run.get("parameters", {}).get("data", ""))


def companies(histories: Sequence[ReportHistory], sources: Sources) -> Companies:
    """The decisions of each company that has reports here, and what is wrong with that, plainly.

    A ledger that cannot be read makes a note, not an empty one passed off as "nothing decided".
    """
    ledgers: dict[str, Sequence[Mapping[str, Any]]] = {}
    notes = []
    for data in sorted({data_of(h) for h in histories}):
        try:
            ledgers[data] = sources.decisions(data)
        except UserError as fault:
            ledgers[data] = ()
            where = "its database" if "://" in data else Path(data).name or "the sample"
            notes.append(f"What was decided about findings of {where} is not known here: {fault}")
    names = sorted({h.current.manifest["company"] for h in histories if h.current})
    if len(ledgers) > 1:
        told = f"Reports of {len(ledgers)} sources of data stand here side by side ({', '.join(names)})"
        notes.insert(0, f"{told}; their findings are not of one company. Give each its own --out.")
    return Companies(ledgers, tuple(notes))
