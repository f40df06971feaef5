"""What each measure of each group of seats is drawn from, as the past says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from salesops_lib.compensation.simulation.deal_past import PER_DEAL, PER_SIZE
from salesops_lib.compensation.simulation.deals import DealStream, deal_stream
from salesops_lib.compensation.simulation.draws import Bootstrap, Stream
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.performance import Performance, Structure, estimate

STEP = {"quarter": 4, "month": 12}
MEANS = ("last", "mean", "ratio", "share")
LUMPY = 6.0  # deals of a rep in a quarter under which a role is drawn deal by deal
MIN_DEALS = 30  # past deals without which no deal is drawn


@dataclass(frozen=True)
class Assumed:
    """What holds where the past is too short, or somebody said so.

    ``rho``: None estimates it. ``default_rho``, ``default_spread``: for too few periods, and for a role
    without a past (coefficient of variation). ``persistence``: share of the market's variance that lasts the
    year. ``family``: empty picks by AIC; else one of ``families.FAMILIES``, ``bootstrap`` or ``deals``.
    ``sigma_factor``: multiplies the spread of every draw.
    """

    rho: float | None = None
    default_rho: float = 0.15
    default_spread: float = 0.4
    persistence: float = 0.5
    family: str = ""
    sigma_factor: float = 1.0


@dataclass(frozen=True)
class Estimates:
    """Performance per kind of draw: ``attainment`` by quarter, by month, and each measure without quota.

    ``panel``: the past itself. ``names``: (role, measure) → key of ``by_kind``.
    """

    by_kind: dict[str, Performance]
    panel: pd.DataFrame
    assumed: Assumed = field(default_factory=Assumed)

    def structure(self, kind: str) -> Structure:
        """Components of a kind, the market's share as given, estimated, or the default."""
        parts = self.by_kind[kind].structure if kind in self.by_kind else _none()
        total = parts.total if parts.total > 0 else 1.0
        own = self.assumed.rho
        rho = own if own is not None else parts.rho
        rho = self.assumed.default_rho if np.isnan(rho) else rho
        segment = 0.0 if np.isnan(parts.rho_segment) else min(parts.rho_segment, 1 - rho)
        lasting = 0.0 if np.isnan(parts.lasting_share) else parts.lasting_share
        total *= self.assumed.sigma_factor**2
        return replace(parts, total=total, lasting_share=lasting, rho=rho, rho_segment=segment)


def estimates(panel: pd.DataFrame, assumed: Assumed) -> Estimates:
    """Estimate all that the panel can tell. ``panel``: ``history.past`` of all plans, and ``follows``.

    Attainment of all roles whose quota is their own is estimated together, quarter and month apart; a measure
    without quota by itself. What ``follows`` from reports is left out.
    """
    family = assumed.family if assumed.family not in {"", "bootstrap", "deals"} else ""
    found = {}
    for kind, part, per_year in _kinds(panel):
        empirical = kind.startswith("value:") and not kind.startswith("value:sum:")
        shape = "empirical" if empirical else (family if kind.startswith("attainment") else "")
        found[kind] = estimate(part, periods_per_year=per_year, family=shape)
    return Estimates(found, panel, assumed)


def kind_of(measure) -> str:
    """Key of ``Estimates.by_kind`` for a measure's draws."""
    step = "month" if measure.period == "month" else "quarter"
    return f"attainment:{step}" if measure.quota else f"value:{measure.aggregate}"


def stream_of(
    known: Estimates, role: str, name: str, measure, seats: pd.DataFrame, places: list[str]
) -> Stream:
    """The stream of one measure for the seats of a role. ``seats``: ``rep_id``, ``region``."""
    kind = _key(kind_of(measure), name)
    family, score, sd = _level(known, kind, role, name, seats["rep_id"])
    return Stream(
        name=f"{role}/{name}", shape=family, structure=known.structure(kind), score=score, score_sd=sd,
        segment=_segments(seats, places), steps=12 if measure.period == "month" else 4,
    )  # fmt: skip


def bootstrap_of(known: Estimates, role: str, name: str, measure, seats: pd.DataFrame) -> Bootstrap | None:
    """Whole quarters of the past of one measure; None where it has none."""
    rows = known.panel[(known.panel["role"] == role) & (known.panel["measure"] == name)]
    column = "attainment" if measure.quota else "value"
    rows = rows[rows[column].notna()]
    if rows.empty:
        return None
    wide = rows.pivot_table(index="number", columns="rep_id", values=column, aggfunc="last")
    wide = wide.reindex(columns=seats["rep_id"].tolist()).dropna(how="all")
    per = 3 if measure.period == "month" else 1
    whole = len(wide) - len(wide) % per
    if not whole:
        return None
    past = wide.to_numpy("float64")[len(wide) - whole :].reshape(-1, per, len(seats))
    return Bootstrap(f"{role}/{name}", past)


def deals_stream_of(
    known: Estimates,
    of: tuple[str, str],
    quota: np.ndarray,
    seats: pd.DataFrame,
    places: list[str],
    deals: pd.DataFrame,
) -> DealStream | None:
    """The deal-by-deal stream of a role's measure; None where too few deals are known.

    ``of``: role and measure. ``deals``: its past deals with ``value`` and one column per flag, as
    ``history.deals_of`` gives them.
    """
    role, name = of
    won = deals[deals["value"] > 0]
    if len(won) < MIN_DEALS:
        return None
    kind = "attainment:quarter"
    family, score, sd = _level(known, kind, role, name, seats["rep_id"])
    flags = {c[5:]: won[c].to_numpy(bool) for c in won.columns if c.startswith("flag_")}
    level = (family, known.structure(kind), score, sd)
    history = (won["value"].to_numpy("float64"), flags)
    made = deal_stream(f"{role}/{name}/deals", history, quota, level, _segments(seats, places))
    worths = {
        c.removeprefix(start): (won[c].to_numpy("float64"), start == PER_SIZE)
        for start in (PER_DEAL, PER_SIZE)
        for c in won.columns
        if c.startswith(start)
    }
    return replace(made, worths=worths)


def is_lumpy(known: Estimates, role: str, deals: pd.DataFrame) -> bool:
    """Whether a rep of the role closes fewer deals a quarter than ``LUMPY``."""
    rows = known.panel[(known.panel["role"] == role) & known.panel["attainment"].notna()]
    quarters = rows.drop_duplicates(["rep_id", "number"])
    return len(quarters) > 0 and len(deals) / len(quarters) < LUMPY


def _kinds(panel: pd.DataFrame):
    """(kind, panel of estimate, periods a year) of everything that can be estimated."""
    owned = panel[panel["attainment"].notna() & ~panel["follows"]]
    for step, per_year in STEP.items():
        rows = owned[owned["step"] == step]
        if len(rows):
            rows = rows.assign(role=rows["role"] + "/" + rows["measure"])
            yield f"attainment:{step}", rows.drop_duplicates(["role", "rep_id", "period"]), per_year
    free = panel[panel["attainment"].isna() & panel["quota"].isna() & panel["value"].notna()]
    for (name, aggregate, step), rows in free.groupby(["measure", "aggregate", "step"], sort=True):
        rows = rows[rows["value"] >= 0].drop(columns="attainment").rename(columns={"value": "attainment"})
        if len(rows):
            yield f"value:{aggregate}:{name}", rows.assign(role=rows["role"] + "/" + name), STEP[step]


def _level(known: Estimates, kind: str, role: str, name: str, rep_ids: pd.Series):
    """Shape of the role, and each seat's score and its sd; the role's own where a rep has no past."""
    key, parts = f"{role}/{name}", known.structure(kind)
    made = known.by_kind.get(kind)
    if made is None or key not in made.shapes:
        shape = Family.lognormal(1.0, known.assumed.default_spread)
        return shape, np.zeros(len(rep_ids)), np.zeros(len(rep_ids))
    reps = made.reps.loc[key].reindex(rep_ids)
    score = reps["score"].fillna(0.0).to_numpy()
    sd = reps["score_sd"].to_numpy()
    return made.shapes[key], score, np.nan_to_num(sd, nan=float(np.sqrt(parts.lasting)))


def _key(kind: str, name: str) -> str:
    return kind if kind.startswith("attainment") else f"{kind}:{name}"


def _segments(seats: pd.DataFrame, places: list[str]) -> np.ndarray:
    number = {place: i for i, place in enumerate(places)}
    return np.array([number.get(place, 0) for place in seats["region"]], dtype="int64")


def _none() -> Structure:
    nan = float("nan")
    return Structure(1.0, 0.0, nan, nan, nan, nan, 0)
