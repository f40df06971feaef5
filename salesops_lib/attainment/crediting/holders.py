"""Who stood where on a day: role spells made disjoint, close dates placed in a team, cycles found."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from salesops_lib.attainment.crediting.records import exceptions, stacked

STILL = pd.Timestamp("2200-01-01")  # an empty end_date means "still"
SPELL_COLUMNS = ["rep_id", "start_date", "end_date", "name", "role", "team", "region", "manager_id"]


def spells(reps: pd.DataFrame | None) -> pd.DataFrame:
    """Role spells without overlap, sorted by rep and start.

    Parameters
    ----------
    reps
        One row per role spell (DATA.md), half-open ``[start_date, end_date)``, or ``None``.

    Returns
    -------
    DataFrame
        :data:`SPELL_COLUMNS` and ``disputed``: days claimed by two spells of one rep with different team or
        region belong to neither (team and region missing, disputed true). An open end is 2200-01-01.
    """
    if reps is None or reps.empty:
        empty = pd.DataFrame({c: pd.Series(dtype="object") for c in SPELL_COLUMNS}).assign(disputed=False)
        return empty.astype({"start_date": "datetime64[ns]", "end_date": "datetime64[ns]", "disputed": bool})
    known = reps.copy()
    for column in SPELL_COLUMNS:
        if column not in known:
            known[column] = None
    known = known[SPELL_COLUMNS].assign(
        start_date=pd.to_datetime(known["start_date"]).astype("datetime64[ns]"),
        end_date=pd.to_datetime(known["end_date"]).fillna(STILL).astype("datetime64[ns]"),
        disputed=False,
    )
    known = known[known["start_date"] < known["end_date"]].sort_values(["rep_id", "start_date", "end_date"])
    overlapping = known.loc[_overlaps(known), "rep_id"].unique()
    clean = known[~known["rep_id"].isin(overlapping)]
    cut = [_cut(rows) for _, rows in known[known["rep_id"].isin(overlapping)].groupby("rep_id")]
    return stacked([clean, *cut]).sort_values(["rep_id", "start_date"]).reset_index(drop=True)


def _overlaps(known: pd.DataFrame) -> pd.Series:
    """Spells that start before an earlier spell of the same rep has ended."""
    furthest = known.groupby("rep_id")["end_date"].cummax()
    return known["start_date"] < furthest.groupby(known["rep_id"]).shift()


def _cut(rows: pd.DataFrame) -> pd.DataFrame:
    """One rep's spells cut at every start and end; a stretch claimed by two places belongs to neither."""
    edges = sorted({*rows["start_date"], *rows["end_date"]})
    stretches = []
    for start, end in pairwise(edges):
        claims = rows[(rows["start_date"] <= start) & (rows["end_date"] >= end)]
        if claims.empty:
            continue
        stretch = claims.iloc[-1].to_dict() | {"start_date": start, "end_date": end}
        if len(claims[["team", "region"]].drop_duplicates()) > 1:
            stretch |= {"team": None, "region": None, "disputed": True}
        stretches.append(stretch)
    return pd.DataFrame(stretches).astype({"disputed": bool})


def placed(lines: pd.DataFrame, spelled: pd.DataFrame, on: str = "close_date") -> pd.DataFrame:
    """Add to each line the rep's ``team``, ``region``, ``role`` on its date, and how it was ``placed``.

    ``placed`` is ``spell``; ``disputed`` (two spells claim the day); ``no_spell`` (the rep has spells, none
    on that day); ``unknown`` (no spell at all); ``no_rep``. Only ``spell`` has a team.
    """
    result = lines.reset_index(drop=True)
    for column in ("team", "region", "role"):
        result[column] = pd.Series(None, index=result.index, dtype="object")
    has_rep = result["rep_id"].notna()
    known = result["rep_id"].isin(spelled["rep_id"])
    result["placed"] = "unknown"
    result.loc[known, "placed"] = "no_spell"
    result.loc[~has_rep, "placed"] = "no_rep"
    if spelled.empty or not known.any():
        return result
    asked = result.loc[known, ["rep_id", on]].assign(row=result.index[known])
    asked[on] = asked[on].astype("datetime64[ns]")
    by_start = spelled.sort_values("start_date", kind="stable")
    columns = ["rep_id", "start_date", "end_date", "team", "region", "role", "disputed"]
    found = pd.merge_asof(
        asked.sort_values(on, kind="stable"),
        by_start[columns].rename(columns={"start_date": on}),
        on=on,
        by="rep_id",
    )
    found = found[found["end_date"] > found[on]].set_index("row")
    for column in ("team", "region", "role"):
        result.loc[found.index, column] = found[column].where(found[column].notna(), None)
    result.loc[found.index, "placed"] = "spell"
    result.loc[found.index[found["disputed"]], "placed"] = "disputed"
    return result


_UNPLACED = {
    "disputed": (
        "spells_overlap",
        "two spells of this rep claim the close date with different teams; end one of them",
    ),
    "no_spell": (
        "no_spell",
        "credited on a day this rep has no spell; add the spell or credit the deal to its holder",
    ),
    "unknown": (
        "rep_unknown",
        "credited, yet no spell of this rep is in reps; add the rep or correct the id",
    ),
    "no_team": ("no_team", "credited in a spell without a team, so in no team's figure; fill the team"),
    "no_region": ("no_region", "credited in a spell without a region, so in no region's; fill the region"),
}


def spell_faults(reps: pd.DataFrame | None, lines: pd.DataFrame) -> list[pd.DataFrame]:
    """Credit that no team or region gets: overlapping spells, days without one, spells without a place.

    ``lines``: placed. Where no spell names a team (or region) at all, its lack is no fault.
    """
    out = lines[~lines["overlay"] & lines["rep_id"].notna()]
    if reps is None or reps.empty:
        return []
    why = out["placed"].where(out["placed"].isin(["disputed", "no_spell", "unknown"]))
    for column in ("region", "team"):
        if column in reps and reps[column].notna().any():
            why = why.mask(why.isna() & out[column].isna(), f"no_{column}")
    known = out.assign(why=why).dropna(subset=["why"])
    money = known.groupby(["why", "rep_id", "period"], as_index=False)["cents"].sum()
    view = money.rename(columns={"rep_id": "holder_id", "cents": "money_cents"})
    found = [
        exceptions(fault, "reps", view[view["why"] == name], key="holder_id", reason=reason)
        for name, (fault, reason) in _UNPLACED.items()
    ]
    return [*found, *_silent_overlaps(reps, view[view["why"] == "disputed"])]


def _silent_overlaps(reps: pd.DataFrame | None, counted: pd.DataFrame) -> list[pd.DataFrame]:
    """Overlapping spells that no booking fell into: named all the same, at no money."""
    spelled = spells(reps)
    rows = spelled[spelled["disputed"] & ~spelled["rep_id"].isin(counted["holder_id"])]
    view = rows.drop_duplicates("rep_id").assign(holder_id=lambda f: f["rep_id"], money_cents=0)
    reason = "two spells of this rep overlap with different teams; end one of them"
    return [exceptions("spells_overlap", "reps", view, key="rep_id", reason=reason)]


def manager_cycles(reps: pd.DataFrame | None) -> list[list[str]]:
    """Groups of reps who, following ``manager_id``, manage each other in a circle on one day."""
    if reps is None or reps.empty or "manager_id" not in reps:
        return []
    rows = reps.loc[reps["manager_id"].notna(), ["rep_id", "manager_id", "start_date", "end_date"]]
    rows = rows.assign(end_date=pd.to_datetime(rows["end_date"]).fillna(STILL))
    while True:  # who manages nobody, or is managed by nobody, is in no circle
        inside = rows["rep_id"].isin(rows["manager_id"]) & rows["manager_id"].isin(rows["rep_id"])
        if inside.all():
            break
        rows = rows[inside]
    found = set()
    for day in sorted(set(rows["start_date"])):
        now = rows[(rows["start_date"] <= day) & (rows["end_date"] > day)]
        found.update(tuple(c) for c in _circles(dict(zip(now["rep_id"], now["manager_id"], strict=True))))
    return [list(circle) for circle in sorted(found)]


def _circles(above: dict[str, str]) -> list[list[str]]:
    cycles, done = [], set()
    for start in sorted(above):
        path, at = [], start
        while at in above and at not in done and at not in path:
            path.append(at)
            at = above[at]
        if at in path:
            cycles.append(sorted(path[path.index(at) :]))
        done.update(path)
    return cycles


def cycle_faults(reps: pd.DataFrame | None, lines: pd.DataFrame) -> list[pd.DataFrame]:
    """One exception per manager cycle, with the money credited to those in it."""
    money = lines[~lines["overlay"]].groupby("rep_id")["cents"].sum()
    found = []
    for cycle in manager_cycles(reps):
        held = int(money.reindex(cycle).fillna(0).sum())
        view = pd.DataFrame({"holder_id": [cycle[0]], "money_cents": [held]})
        reason = f"{' → '.join([*cycle, cycle[0]])} manage each other; correct manager_id"
        found.append(exceptions("manager_cycle", "reps", view, key="holder_id", reason=reason))
    return found
