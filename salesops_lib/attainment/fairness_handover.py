"""The fairness part of the report in the form of its output tables (``fairness_outputs.py``)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from salesops_lib.attainment import fairness_outputs as outputs
from salesops_lib.attainment.crediting.table import Attainment
from salesops_lib.attainment.setting.quality import PERIODS, quality, rep_records, team_fit, with_potential
from salesops_lib.attainment.spread.humps import Humps, hump_rows, two_humps
from salesops_lib.attainment.spread.tables import ecdf_rows, histogram
from salesops_lib.core.periods import FiscalCalendar


@dataclass(frozen=True)
class Fairness:
    """What the report says about the plan's fairness: the two-hump check, and its tables by contract name."""

    humps: Humps
    tables: dict[str, pd.DataFrame]


def fairness(
    result: Attainment,
    reps: pd.DataFrame,
    ended: list[str],
    calendar: FiscalCalendar,
    *,
    accounts: pd.DataFrame | None = None,
    territories: pd.DataFrame | None = None,
    seed: int = 7,
) -> Fairness:
    """Distribution and humps of ``reps`` (:func:`handover.judged_rows`), quota quality of the last periods.

    ``ended``: finished periods in order; the last :data:`quota_quality.PERIODS` are taken together. Potential
    and tenure are those of their last day.
    """
    period = str(reps["period"].iloc[0]) if len(reps) else (ended[-1] if ended else "")
    found = two_humps(reps["attainment"], seed=seed)
    periods = ended[-PERIODS:]
    end = calendar.bounds(periods[-1])[1] if periods else result.as_of
    last = pd.Timestamp(end) - pd.Timedelta(days=1)
    records = with_potential(rep_records(result, periods, last), accounts, territories, last)
    together = f"{periods[0]} to {periods[-1]}" if periods else "no finished period"
    fit = team_fit(result.by_spell, periods)
    fit = fit.assign(**{name: fit[name].round(2) for name in ("quota_base", "credited_base")})
    made = {
        outputs.HISTOGRAM: histogram(reps).assign(period=period),
        outputs.ECDF: ecdf_rows(reps).assign(period=period),
        outputs.HUMPS: pd.DataFrame([vars(found) | {"period": period}]),
        outputs.HUMP_GROUPS: hump_rows(reps, found).assign(period=period),
        outputs.QUOTA_QUALITY: quality(records).assign(periods=together),
        outputs.TEAM_FIT: fit.assign(periods=together),
    }
    tables = {t.name: f.reindex(columns=t.column_names) for t, f in made.items()}
    return Fairness(found, tables)
