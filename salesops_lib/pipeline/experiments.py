"""A change of the process judged by a rule that was written down before it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


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


def judge_pilot(process: Any, reps: pd.DataFrame | None, team: str, start: str, keep_if: float) -> str:
    """A pilot team's win rate against all others', as long before its change as after it, in a sentence.

    ``process``: :class:`handover.Process`. Raises ParameterError for a team nobody is in or what
    is no day.
    """
    from salesops_lib.core.errors import ParameterError, nearest

    if not team and not start:
        return "No experiment is running: name pilot_team and pilot_from to judge one."
    teams = {} if reps is None else reps.sort_values("start_date").set_index("rep_id")["team"].to_dict()
    if team not in set(teams.values()):
        raise ParameterError(
            f"nobody is in a team '{team}'. {nearest(team, sorted({str(t) for t in teams.values()}))}"
        )
    begun = pd.to_datetime(start, errors="coerce")
    if pd.isna(begun) or begun > pd.Timestamp(process.as_of):
        raise ParameterError(
            f"pilot_from is '{start}'; write a day up to {process.as_of}, such as 2025-09-01"
        )
    length = pd.Timestamp(process.as_of) - begun
    deals = process.deals[process.deals["is_closed"].fillna(False).astype(bool)]
    deals = deals[
        deals["close_date"].ge(begun - length) & deals["close_date"].le(pd.Timestamp(process.as_of))
    ]
    cases = pd.DataFrame(
        {
            "won": deals["is_won"].fillna(False).astype(bool),
            "pilot": deals["owner_id"].map(teams).eq(team),
            "after": deals["close_date"].ge(begun),
        }
    )
    found = judge_experiment(cases, outcome="won", pilot="pilot", after="after", keep_if=keep_if)
    if found.verdict == "insufficient":
        return f"{team} since {start}: under {MIN_CELL} decided deals in a cell; go on until the day you set."
    return (
        f"{team} since {start}: win rate moved {100 * found.effect:+.1f} points more than elsewhere "
        f"({100 * found.low:+.1f} to {100 * found.high:+.1f}); the rule was {100 * keep_if:+.1f}: "
        f"{found.verdict}."
    )
