"""A change of the process judged by a rule that was written down before it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError, nearest
from salesops_lib.pipeline.sellers import owners


@dataclass(frozen=True)
class Verdict:
    """Change of the pilot less that of the comparison, in rate points, with its range, and what the rule
    says.

    ``verdict``: ``keep`` (the whole range is above ``keep_if``), ``stop`` (the whole range is below it),
    ``go on`` (it straddles), ``insufficient`` (under 30 cases in a cell).
    """

    effect: float
    low: float
    high: float
    verdict: str
    cells: pd.DataFrame


MIN_CELL = 30


def judge_experiment(
    cases: pd.DataFrame, *, outcome: str, pilot: str, after: str, keep_if: float = 0.0, level: float = 0.9
) -> Verdict:
    """Difference in differences of a share: baseline, pilot and comparison.

    Parameters
    ----------
    cases
        One row per case: ``outcome`` (true where it went well), ``pilot`` (true in the pilot team), ``after``
        (true once the change was made).
    keep_if
        The rule, set before the start: keep the change if it adds more than this, in rate points.

    Returns
    -------
    Verdict
        Normal interval of four independent shares; teams that drift apart for other reasons are not told from
        an effect. With one pilot team it is a case, not a proof.
    """
    rows = []
    for in_pilot in (True, False):
        for later in (False, True):
            mine = cases[(cases[pilot].astype(bool) == in_pilot) & (cases[after].astype(bool) == later)]
            hit = mine[outcome].astype(bool)
            rows.append(
                (in_pilot, later, len(mine), int(hit.sum()), float(hit.mean()) if len(mine) else np.nan)
            )
    cells = pd.DataFrame(rows, columns=["pilot", "after", "n", "hits", "share"])
    if cells["n"].min() < MIN_CELL:
        return Verdict(np.nan, np.nan, np.nan, "insufficient", cells)
    from scipy.special import ndtri

    share, n = cells["share"].to_numpy(), cells["n"].to_numpy()
    effect = (share[1] - share[0]) - (share[3] - share[2])
    inner = np.clip(share, 1 / (2 * n), 1 - 1 / (2 * n))
    half = float(ndtri((1 + level) / 2)) * np.sqrt((inner * (1 - inner) / n).sum())
    low, high = effect - half, effect + half
    verdict = "keep" if low > keep_if else "stop" if high < keep_if else "go on"
    return Verdict(float(effect), float(low), float(high), verdict, cells)


def pilot_rows(verdict: Verdict | None) -> pd.DataFrame:
    """The cells of a verdict: columns of ``outputs.EXPERIMENT``; empty without one."""
    if verdict is None:
        return pd.DataFrame(columns=["team", "time", "decided", "won", "share"])
    cells = verdict.cells
    return pd.DataFrame(
        {
            "team": cells["pilot"].map({True: "pilot", False: "comparison"}),
            "time": cells["after"].map({True: "after", False: "baseline"}),
            "decided": cells["n"],
            "won": cells["hits"],
            "share": cells["share"],
        }
    )


@dataclass(frozen=True)
class Pilot:
    """A running experiment as the notebook's parameters give it.

    ``team``: who tries the change; empty: none is running. ``begun``, ``until``: its first day, and the last
    one, set before it began; before that nothing is judged. ``keep_if``: the rule, in rate points.
    """

    team: str
    begun: str
    until: str
    keep_if: float


def judge_pilot(process: Any, reps: pd.DataFrame | None, pilot: Pilot) -> tuple[str, Verdict | None]:
    """A pilot team's win rate against all others', as long before its change as after it, in a sentence.

    A deal counts in the team its owner was in on its close date. ``process``: :class:`process.Process`.
    Without an ``until`` the day of the report is taken for the last, and the sentence says so.

    Raises
    ------
    ParameterError
        For a team nobody is in, what is no day, or a last day before the first.
    """
    if not pilot.team and not pilot.begun:
        return "No experiment is running: name pilot_team, pilot_from and pilot_until to judge one.", None
    teams = set() if reps is None or "team" not in reps else set(reps["team"].dropna().astype(str))
    if pilot.team not in teams:
        raise ParameterError(f"nobody is in a team '{pilot.team}'. {nearest(pilot.team, sorted(teams))}")
    today = pd.Timestamp(process.as_of)
    begun, until = (
        _day("pilot_from", pilot.begun, today),
        _day("pilot_until", pilot.until or str(today.date())),
    )
    if until < begun:
        raise ParameterError(
            f"pilot_until is {pilot.until}, before pilot_from; write the last day of the pilot"
        )
    end = min(today, until)
    found = judge_experiment(
        _cells(process, reps, pilot.team, (begun, end)),
        outcome="won", pilot="pilot", after="after", keep_if=pilot.keep_if,
    )  # fmt: skip
    name = f"{pilot.team} since {begun.date()}"
    if today < until:
        rule = f"{100 * pilot.keep_if:+.1f} points"
        said = f"{name}: runs until {until.date()}; judged once, on that day, by the rule of {rule}."
    elif found.verdict == "insufficient":
        said = f"{name}: under {MIN_CELL} decided deals in a cell; nothing can be concluded from this pilot."
    else:
        word = {"go on": "the range straddles it on the last day, so stop unless it costs nothing"}
        said = (
            f"{name} until {end.date()}: win rate moved {100 * found.effect:+.1f} points more than elsewhere "
            f"({100 * found.low:+.1f} to {100 * found.high:+.1f}); the rule was {100 * pilot.keep_if:+.1f}: "
            f"{word.get(found.verdict, found.verdict)}."
        )
    if not pilot.until:
        said += " No last day was set before it began (pilot_until): whoever picks the day picks the answer."
    return said, found


def _cells(process: Any, reps: pd.DataFrame | None, team: str, within: tuple) -> pd.DataFrame:
    """Decided deals as long before the change as after it: ``won``, ``pilot``, ``after``."""
    begun, end = within
    deals = process.deals[process.deals["is_closed"].fillna(False).astype(bool)]
    since = begun - (end - begun) - pd.Timedelta(days=1)
    deals = deals[deals["close_date"].between(since, end)]
    return pd.DataFrame(
        {
            "won": deals["is_won"].fillna(False).astype(bool),
            "pilot": owners(deals["owner_id"], reps, deals["close_date"])["team"].eq(team),
            "after": deals["close_date"].ge(begun),
        }
    )


def _day(name: str, text: str, last: pd.Timestamp | None = None) -> pd.Timestamp:
    day = pd.to_datetime(text, errors="coerce")
    if pd.isna(day) or (last is not None and day > last):
        upto = f" up to {last.date()}" if last is not None else ""
        raise ParameterError(f"{name} is '{text}'; write a day{upto}, such as 2025-09-01")
    return day
