"""The report's first screen: five figures as a reader meets them, and where each of their numbers stands."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from salesops_lib.attainment.metrics import ATTAINMENT
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.metrics import Reading

Card = tuple[str, str, str, str]  # label, value, range, note


@dataclass
class Trace:
    """Writes numbers as text and remembers which cell of which table each comes from."""

    rows: list[dict] = field(default_factory=list)

    def say(self, text: str, value: float, table: str, row: str, column: str, how: str = "cell") -> str:
        """``text``, noted as the given cell (``how``: cell, or sum and count over the rows named)."""
        cell = {"shown": text, "value": float(value), "table": table, "row": row, "column": column}
        self.rows.append({**cell, "how": how})
        return text

    def frame(self) -> pd.DataFrame:
        """The rows in the columns of ``outputs.HEADLINE``."""
        columns = ["card", "shown", "value", "table", "row", "column", "how"]
        made = pd.DataFrame(self.rows).reindex(columns=columns)
        made.insert(0, "number", range(1, len(made) + 1))
        return made


@dataclass(frozen=True)
class Screen:
    """``cards``: (label, value, range, note); ``sources``: a row per number, as ``outputs.HEADLINE``."""

    cards: list[Card]
    sources: pd.DataFrame


def first_screen(tables: dict[str, pd.DataFrame], *, currency: str) -> Screen:
    """Who is on plan, is the plan fair, what comes first on Monday, in five figures.

    Parameters
    ----------
    tables
        ``pacing``, ``pacing_coverage``, ``participation`` (of the last finished period), ``two_humps``,
        ``quota_quality`` and ``team_fit``: the report's output tables by name.
    currency
        Reporting currency.

    Returns
    -------
    Screen
        A figure that cannot be defended shows ``–`` and says why in its note.
    """
    trace, pacing = Trace(), tables["pacing"]
    company = pacing[pacing["level"] == "company"]
    if company.empty:
        nothing = ("Company attainment", "–", "", "no quota and no booking in this period")
        return Screen([nothing], trace.frame())
    row, cards = company.iloc[0], []
    for build in (
        lambda: _to_date(trace, row, currency),
        lambda: _finish(trace, row, tables["pacing_coverage"]),
        lambda: _reached(trace, tables["participation"], pacing),
        lambda: _fair(trace, tables),
        lambda: _gap(trace, row, pacing, currency),
    ):
        before = len(trace.rows)
        card = build()
        for said in trace.rows[before:]:
            said["card"] = card[0]
        cards += [card] if card else []
    return Screen(cards, trace.frame())


def readings(pacing: pd.DataFrame) -> list[Reading]:
    """The company's attainment of the report's period, to date or final; none where it has no row."""
    company = pacing[pacing["level"] == "company"].head(1)
    return [
        Reading(
            ATTAINMENT,
            None if pd.isna(row["attained"]) else float(row["attained"]),
            {"period": str(row["period"])},
            rests_on=f"{percent(row['elapsed_share'])} of the business days",
        )
        for row in company.to_dict("records")
    ]


def _to_date(trace: Trace, row: pd.Series, currency: str) -> Card:
    label = "Company attainment" + ("" if row["method"] == "finished" else " to date")
    at = f"company, {row['holder_id']}"
    booked = trace.say(short_money(row["to_date_base"]), row["to_date_base"], "pacing", at, "to_date_base")
    if pd.isna(row["quota_base"]) or row["quota_base"] <= 0:
        return label, "–", f"{booked} {currency} booked", "the company has no quota in this period"
    note = "period finished"
    if row["method"] != "finished":
        gone, usual = row["elapsed_share"], row["expected_share"]
        note = f"{trace.say(percent(gone), gone, 'pacing', at, 'elapsed_share')} of business days gone"
        if pd.notna(usual):
            usually = trace.say(percent(usual), usual, "pacing", at, "expected_share")
            note += f", {usually} of bookings usually in"
    share = trace.say(percent(row["attained"]), row["attained"], "pacing", at, "attained")
    quota = trace.say(short_money(row["quota_base"]), row["quota_base"], "pacing", at, "quota_base")
    return label, share, f"{booked} of {quota} {currency}", note


def _finish(trace: Trace, row: pd.Series, coverage: pd.DataFrame) -> Card | None:
    if row["method"] == "finished":
        return None
    if pd.isna(row["projected_attainment"]):
        return "Projected finish", "–", "", _why_not(row)
    at = f"company, {row['holder_id']}"
    low, high = (
        trace.say(f"{100 * row[c]:.0f}", row[c], "pacing", at, c) for c in ("projected_low", "projected_high")
    )
    tested = coverage[coverage["level"] == "company"]
    proof = "range not yet back-tested"
    if len(tested):
        inside, n = (
            trace.say(str(tested[c].iloc[0]), tested[c].iloc[0], "pacing_coverage", "company", c)
            for c in ("inside", "n")
        )
        proof = f"past ranges held {inside} of {n}"
    chance = trace.say(percent(row["p_quota"]), row["p_quota"], "pacing", at, "p_quota")
    level = trace.say(percent(row["interval_level"]), row["interval_level"], "pacing", at, "interval_level")
    middle = row["projected_attainment"]
    value = trace.say(percent(middle), middle, "pacing", at, "projected_attainment")
    return "Projected finish", value, f"{low}–{high} % at {level}", f"{chance} chance to reach quota; {proof}"


def _why_not(row: pd.Series) -> str:
    if pd.isna(row["quota_base"]) or row["quota_base"] <= 0:
        return "no quota to project against"
    if row["past_periods"] == 0:
        return "no finished period to project from; see Limits"
    return f"{int(row['past_periods'])} finished periods are too few"


def _reached(trace: Trace, participation: pd.DataFrame, pacing: pd.DataFrame) -> Card:
    reps = pacing[(pacing["level"] == "rep") & pacing["p_quota"].notna()]
    ahead = ""
    if len(reps) and (reps["method"] != "finished").all():
        total = reps["p_quota"].sum()
        about = trace.say(f"{total:.0f}", total, "pacing", "level rep", "p_quota", "sum")
        many = trace.say(str(len(reps)), len(reps), "pacing", "level rep", "p_quota", "count")
        ahead = f"; about {about} of {many} expected in {reps['period'].iloc[0]}"
    at = participation[(participation["grouping"] == "all") & (participation["threshold"] == 1)]
    if at.empty:
        return "Reps at quota", "–", "", f"no finished period with quotas{ahead}"
    row = at.iloc[0]
    where = ("participation", "all, threshold 1")
    got, of = (trace.say(str(row[c]), row[c], *where, c) for c in ("reached", "reps"))
    label = f"Reps at quota, {row['period']}"
    if pd.isna(row["share"]):
        return label, f"{got} of {of}", "", f"few reps: no percentage{ahead}"
    low, high = (trace.say(f"{100 * row[c]:.0f}", row[c], *where, c) for c in ("low", "high"))
    value = trace.say(percent(row["share"]), row["share"], *where, "share")
    return label, value, f"{low}–{high} % at 90 %", f"{got} of {of}{ahead}"


def _fair(trace: Trace, tables: dict[str, pd.DataFrame]) -> Card:
    """The team furthest below the others, humps, and whether large quotas are harder."""
    notes = []
    humps = tables["two_humps"]
    if len(humps) and pd.notna(humps["p_value"].iloc[0]):
        p = humps["p_value"].iloc[0]
        said = trace.say(f"{p:.2f}", p, "two_humps", str(humps["period"].iloc[0]), "p_value")
        notes.append(f"test for two groups of reps: p = {said}")
    bias = tables["quota_quality"]
    bias = bias[(bias["driver"] == "quota") & bias["value"].notna()]
    if len(bias):
        value = bias["value"].iloc[0]
        said = trace.say(f"{value:+.2f}", value, "quota_quality", "quota", "value")
        notes.append(f"attainment with quota size {said}")
    fit = tables["team_fit"]
    fit = fit[fit["relative"].notna() & fit["low"].notna()]
    if fit.empty:
        return "Hardest quotas", "–", "", "; ".join(notes) or "no finished periods of two teams to compare"
    row = fit.iloc[0]
    low, high = (
        trace.say(f"{100 * row[c]:.0f}", row[c], "team_fit", row["team"], c) for c in ("low", "high")
    )
    value = trace.say(percent(row["relative"]), row["relative"], "team_fit", row["team"], "relative")
    range_ = f"{low}–{high} % of what other teams attain, at 90 %"
    return f"Hardest quotas: {row['team']}", value, range_, "; ".join(notes)


def _gap(trace: Trace, row: pd.Series, pacing: pd.DataFrame, currency: str) -> Card | None:
    if pd.isna(row["quota_base"]):
        return None
    at, gap = f"company, {row['holder_id']}", float(row["to_book_base"])
    said = trace.say(short_money(abs(gap)), gap, "pacing", at, "to_book_base")
    if row["method"] == "finished":
        label = "Short of quota" if gap > 0 else "Above quota"
        return label, f"{said} {currency}", "", _first(trace, pacing)
    if gap <= 0:
        return "Still to book", f"0 {currency}", f"{said} above quota already", ""
    usual = ""
    if pd.notna(row["adds_low_base"]):
        low, high = (
            trace.say(short_money(row[c]), row[c], "pacing", at, c)
            for c in ("adds_low_base", "adds_high_base")
        )
        usual = f"pace says {low} to {high} more"
    return "Still to book", f"{said} {currency}", usual, _first(trace, pacing)


def _first(trace: Trace, pacing: pd.DataFrame) -> str:
    """Where Monday starts: the team with the largest gap."""
    teams = pacing[(pacing["level"] == "team") & pacing["gap_base"].notna()]
    gap = teams["gap_base"].astype("float64")
    if gap.empty or not gap.max() > 0:
        return ""
    row = teams.loc[gap.idxmax()]
    short = trace.say(short_money(gap.max()), gap.max(), "pacing", f"team, {row['holder_id']}", "gap_base")
    return f"start with {row['name']}, {short} short"
