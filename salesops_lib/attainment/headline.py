"""The report's first screen: four figures as a reader meets them, each from one row of an output table."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent, short_money

Card = tuple[str, str, str, str]  # label, value, range, note


def cards(
    pacing: pd.DataFrame, participation: pd.DataFrame, coverage: pd.DataFrame, *, currency: str
) -> list[Card]:
    """Attainment to date, projected finish, participation, and what is still to book.

    Parameters
    ----------
    pacing, participation, coverage
        Columns of ``outputs.PACING``, ``outputs.PARTICIPATION`` (of the last finished period) and
        ``outputs.COVERAGE``.

    Returns
    -------
    list of (label, value, range, note)
        A figure that cannot be defended shows ``–`` and says why in its note.
    """
    company = pacing[pacing["level"] == "company"]
    if company.empty:
        return [("Company attainment", "–", "", "no quota and no booking in this period")]
    row = company.iloc[0]
    made = [_to_date(row, currency), _finish(row, coverage), _reached(participation, pacing)]
    return [card for card in [*made, _gap(row, pacing, currency)] if card]


def _to_date(row: pd.Series, currency: str) -> Card:
    label = "Company attainment" + ("" if row["method"] == "finished" else " to date")
    booked = short_money(row["to_date_base"])
    if pd.isna(row["quota_base"]) or row["quota_base"] <= 0:
        return label, "–", f"{booked} {currency} booked", "the company has no quota in this period"
    usual = row["expected_share"]
    note = "period finished"
    if row["method"] != "finished":
        note = f"{percent(row['elapsed_share'])} of business days gone"
        note += f", {percent(usual)} of bookings usually in" if pd.notna(usual) else ""
    share = row["to_date_base"] / float(row["quota_base"])
    return label, percent(share), f"{booked} of {short_money(row['quota_base'])} {currency}", note


def _finish(row: pd.Series, coverage: pd.DataFrame) -> Card | None:
    if row["method"] == "finished":
        return None
    if pd.isna(row["projected_attainment"]):
        return "Projected finish", "–", "", _why_not(row)
    low, high = (f"{100 * row[c]:.0f}" for c in ("projected_low", "projected_high"))
    tested = coverage[coverage["level"] == "company"]
    proof = "range not yet back-tested"
    if len(tested):
        proof = f"past ranges held {tested['inside'].iloc[0]} of {tested['n'].iloc[0]}"
    note = f"{percent(row['p_quota'])} chance to reach quota; {proof}"
    level = percent(row["interval_level"])
    return "Projected finish", percent(row["projected_attainment"]), f"{low}–{high} % at {level}", note


def _why_not(row: pd.Series) -> str:
    if pd.isna(row["quota_base"]) or row["quota_base"] <= 0:
        return "no quota to project against"
    if row["past_periods"] == 0:
        return "no finished period to project from; see Limits"
    return f"{int(row['past_periods'])} finished periods are too few"


def _reached(participation: pd.DataFrame, pacing: pd.DataFrame) -> Card:
    reps = pacing[(pacing["level"] == "rep") & pacing["p_quota"].notna()]
    ahead = ""
    if len(reps) and (reps["method"] != "finished").all():
        ahead = f"; about {reps['p_quota'].sum():.0f} of {len(reps)} expected in {reps['period'].iloc[0]}"
    at = participation[(participation["grouping"] == "all") & (participation["threshold"] == 1)]
    if at.empty:
        return "Reps at quota", "–", "", f"no finished period with quotas{ahead}"
    row = at.iloc[0]
    count = f"{row['reached']} of {row['reps']}"
    label = f"Reps at quota, {row['period']}"
    if pd.isna(row["share"]):
        return label, count, "", f"few reps: no percentage{ahead}"
    return (
        label,
        percent(row["share"]),
        f"{100 * row['low']:.0f}–{100 * row['high']:.0f} % at 90 %",
        count + ahead,
    )


def _gap(row: pd.Series, pacing: pd.DataFrame, currency: str) -> Card | None:
    if pd.isna(row["quota_base"]):
        return None
    gap = float(row["quota_base"]) - row["to_date_base"]
    if row["method"] == "finished":
        label = "Short of quota" if gap > 0 else "Above quota"
        return label, f"{short_money(abs(gap))} {currency}", "", _largest(pacing)
    if gap <= 0:
        return "Still to book", f"0 {currency}", f"{short_money(-gap)} above quota already", ""
    added = [row[c] - row["to_date_base"] for c in ("finish_low_base", "finish_high_base")]
    known = pd.notna(added[0])
    usual = f"pace says {short_money(added[0])} to {short_money(added[1])} more" if known else ""
    return "Still to book", f"{short_money(gap)} {currency}", usual, _largest(pacing)


def _largest(pacing: pd.DataFrame) -> str:
    teams = pacing[(pacing["level"] == "team") & pacing["finish_mid_base"].notna()]
    gap = pd.to_numeric(teams["quota_base"]).astype("float64") - teams["finish_mid_base"]
    if gap.empty or not gap.max() > 0:
        return ""
    return f"largest gap: {teams.loc[gap.idxmax(), 'name']}, {short_money(gap.max())}"
