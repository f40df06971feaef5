"""Where a row belongs: the team of its owner on the day, else its segment or region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from salesops_lib.quality.faults import Basis, day

if TYPE_CHECKING:
    import ibis.expr.types as ir

NOT_KNOWN = "not known"


def with_place(name: str, table: ir.Table, tables: Mapping[str, ir.Table], basis: Basis) -> ir.Table:
    """Adds ``place``: ``EMEA Enterprise`` (a team), ``segment SMB``, ``region APAC`` or ``not known``.

    Missing in tables that have neither an owner nor a segment nor a region.
    """
    import ibis

    if name == "reps" and "team" in table.columns:
        return table.mutate(place=table.team.fill_null(NOT_KNOWN))
    owner = next((c for c in ("owner_id", "rep_id") if c in table.columns), None)
    teams = _teams(tables, basis)
    if owner and teams is not None:
        joined = table.left_join(teams, table[owner] == teams.team_of)
        return joined.mutate(place=joined.team_now.fill_null(NOT_KNOWN)).drop("team_of", "team_now")
    for column in ("segment", "region"):
        if column in table.columns:
            return table.mutate(place=(ibis.literal(f"{column} ") + table[column]).fill_null(NOT_KNOWN))
    return table.mutate(place=ibis.null("string"))


def _teams(tables: Mapping[str, ir.Table], basis: Basis) -> ir.Table | None:
    """The team of each person's last spell begun by the day."""
    reps = tables.get("reps")
    if reps is None or not {"rep_id", "team", "start_date"} <= set(reps.columns):
        return None
    begun = reps.filter(day(reps.start_date) <= basis.as_of)
    last = begun.group_by("rep_id").aggregate(team_now=begun.team.argmax(begun.start_date))
    return last.rename(team_of="rep_id")
