"""How reps perform, from the past: shape per role, how much lasts with a rep, how much all share.

    log a = μ_rep + σ·(√ρ·Market + √ρ_seg·Segment + √(1 − ρ − ρ_seg)·own)

for the lognormal; for other families the right side is the latent score z and a = Q(Φ(z)). Components come
from half the mean squared difference of pairs of scores inside a role. Its expectation is

    same rep, other period                        σ²
    other rep of the segment, other period        σ² + τ²                 (τ² lasts with the rep)
    other rep of the segment, same period         σ²(1 − ρ − ρ_seg) + τ²
    rep of another segment, other period          σ² + τ² + δ²            (δ² lasts with the segment)
    rep of another segment, same period           σ²(1 − ρ) + τ² + δ²

so each is unbiased whatever is missing from the panel, and no mean has to be taken off first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.compensation.simulation import families
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.core.errors import TableError

POOL_UNDER = 30.0  # rep-years under which a role takes the shape of all roles
EMPIRICAL = "empirical"
MIN_PERIODS = 4  # periods under which the common factor is not estimated


@dataclass(frozen=True)
class Structure:
    """Variance components of the latent scores, whose variance is about 1.

    ``total``: variance between reps and periods; ``lasting_share``: part of it that lasts with the rep;
    ``rho``, ``rho_segment``: part of the rest that all reps, or those of a segment, share in a period.
    ``rho_low``, ``rho_high``: 90 % range of ``rho``; ``periods``: how many it rests on. Missing: under
    four periods, or no pair to compare. What lasts with a segment counts as lasting with its reps.
    """

    total: float
    lasting_share: float
    rho: float
    rho_segment: float
    rho_low: float
    rho_high: float
    periods: int

    @property
    def lasting(self) -> float:
        """Variance τ² of a rep's lasting level, in scores."""
        return self.total * self.lasting_share

    @property
    def passing(self) -> float:
        """Variance σ² of a period's shocks, in scores."""
        return self.total - self.lasting


@dataclass(frozen=True)
class Performance:
    """What the past says.

    ``roles``: one row per role with ``family``, ``n``, ``rep_years``, ``mean`` (attainment), ``pooled``.
    ``shapes``: role → Family. ``compared``: every family per role (``families.compare``). ``structure``: the
    components. ``reps``: index (role, rep_id), ``score`` (expected latent level), ``score_sd`` (what is not
    known of it), ``periods``, ``mean``.
    """

    roles: pd.DataFrame
    shapes: dict[str, Family]
    compared: pd.DataFrame
    structure: Structure
    reps: pd.DataFrame


def estimate(panel: pd.DataFrame, *, periods_per_year: float = 4, family: str = "") -> Performance:
    """Shapes, components and each rep's level from a panel of finished periods.

    Parameters
    ----------
    panel
        One row per rep and period, unique: ``rep_id``, ``role``, ``segment`` (may be missing), ``period``,
        ``attainment`` (ratio ≥ 0, quota as it counted).
    periods_per_year
        4 for quarters.
    family
        One of ``families.FAMILIES`` for every role, or ``empirical`` (the sample itself); empty: the smallest
        AIC, role by role.

    Raises
    ------
    TableError
        If an attainment is negative or missing, or a rep stands twice in a period.
    """
    _refuse(panel)
    pooled = _pooled_values(panel)
    shapes, rows, compared = {}, [], []
    for role, part in panel.groupby("role", sort=True):
        years = len(part) / periods_per_year
        values = part["attainment"].to_numpy("float64")
        thin = years < POOL_UNDER
        sample, mean = (pooled, float(values.mean())) if thin else (values, 1.0)
        shape = _shape(sample, family, mean if thin else 1.0)
        shapes[role] = shape
        row = {"role": role, "family": shape.name, "n": len(part), "rep_years": years}
        rows.append(row | {"mean": float(values.mean()), "pooled": thin})
        compared.append(families.compare(sample).assign(role=role, pooled=thin))
    scored = panel.assign(score=_scores(panel, shapes))
    structure = components(scored)
    return Performance(
        roles=pd.DataFrame(rows, columns=["role", "family", "n", "rep_years", "mean", "pooled"]),
        shapes=shapes,
        compared=pd.concat(compared, ignore_index=True) if compared else pd.DataFrame(),
        structure=structure,
        reps=levels(scored, structure),
    )


def components(scored: pd.DataFrame) -> Structure:
    """Variance components of scores by pairs inside each role.

    ``scored``: ``rep_id``, ``role``, ``segment``, ``period``, ``score``.
    """
    code = {name: pd.factorize(scored[name])[0] + 1 for name in ("role", "rep_id", "period", "segment")}
    score = scored["score"].to_numpy("float64")
    role, rep, period, segment = (code[name] for name in ("role", "rep_id", "period", "segment"))
    every, same_rep = _pairs(score, role), _pairs(score, role, rep)
    near = _pairs(score, role, segment)
    together, near_together = _pairs(score, role, period), _pairs(score, role, segment, period)
    stays = _pairs(score, role, rep, segment)
    far = every - near - (same_rep - stays)  # other segment, any period
    far_together = together - near_together
    near_apart, far_apart = near - stays - near_together, far - far_together
    periods = int(period.max(initial=0))
    total, own = _half(near_apart + far_apart), _half(same_rep)
    if np.isnan(total):
        total = _half(every)
    passing = min(own, total) if own == own else total
    lasting = 1 - passing / total if total > 0 else 0.0
    both = (_half(near_apart) - _half(near_together)) / passing if passing > 0 else float("nan")
    market = (_half(far_apart) - _half(far_together)) / passing if passing > 0 else float("nan")
    rho, rho_segment = _shares(market, both)
    if periods < MIN_PERIODS:
        rho = rho_segment = float("nan")
    low, high = _rho_range(code, rho, rho_segment)
    return Structure(total, lasting, rho, rho_segment, low, high, periods)


def levels(scored: pd.DataFrame, structure: Structure) -> pd.DataFrame:
    """Each rep's lasting level: the mean of its scores less what all shared, shrunk towards the role.

    Returns a frame indexed by role and rep_id: ``score``, ``score_sd``, ``periods``, ``mean`` (attainment).
    """
    common = scored.groupby("period")["score"].transform("mean")
    if scored["period"].nunique() < MIN_PERIODS:
        common = 0.0
    grouped = scored.assign(left=scored["score"] - common).groupby(["role", "rep_id"], sort=True)
    reps = grouped.agg(own=("left", "mean"), periods=("left", "size"), mean=("attainment", "mean"))
    shared = 0.0 if np.isnan(structure.rho) else structure.rho
    noise = structure.passing * (1 - shared) / reps["periods"]
    weight = structure.lasting / (structure.lasting + noise) if structure.lasting > 0 else 0.0 * noise
    reps["score"] = weight * reps["own"]
    reps["score_sd"] = np.sqrt(structure.lasting * (1 - weight))
    return reps[["score", "score_sd", "periods", "mean"]]


def _shares(market: float, both: float) -> tuple[float, float]:
    """ρ and ρ_seg within their bounds; with one segment all that is shared is the market's."""
    if np.isnan(market):
        return (float("nan"), float("nan")) if np.isnan(both) else (float(np.clip(both, 0, 0.95)), 0.0)
    rho = float(np.clip(market, 0, 0.95))
    extra = 0.0 if np.isnan(both) else both - market
    return rho, float(np.clip(extra, 0, 0.98 - rho))


def _pairs(score: np.ndarray, *codes: np.ndarray) -> np.ndarray:
    """Sum of squared differences of all pairs inside groups, and how many pairs there are."""
    joint = codes[0]
    for code in codes[1:]:
        joint = joint * (int(code.max(initial=0)) + 1) + code
    _, group = np.unique(joint, return_inverse=True)
    n = np.bincount(group)
    total, squares = np.bincount(group, score), np.bincount(group, score**2)
    return np.array([(n * squares - total**2).sum(), (n * (n - 1) / 2).sum()])


def _half(sums: np.ndarray) -> float:
    squared, pairs = sums
    return float(max(squared, 0.0) / (2 * pairs)) if pairs > 0.5 else float("nan")


def _rho_range(code: dict[str, np.ndarray], rho: float, rho_segment: float) -> tuple[float, float]:
    """90 % range by the chi-square of the period means: their variance less what is noise in them."""
    from scipy.special import chdtri

    if np.isnan(rho):
        return float("nan"), float("nan")
    counts = np.bincount(code["period"])[1:]
    segments = max(len(np.unique(code["segment"])), 1)
    noise = rho_segment / segments + (1 - rho - rho_segment) * float((1 / counts).mean())
    free = len(counts) - 1
    low, high = ((rho + noise) * free / chdtri(free, p) - noise for p in (0.05, 0.95))
    return float(np.clip(low, 0, 0.95)), float(np.clip(high, 0, 0.95))


def _scores(panel: pd.DataFrame, shapes: dict[str, Family]) -> np.ndarray:
    made = np.zeros(len(panel))
    for role, shape in shapes.items():
        rows = (panel["role"] == role).to_numpy()
        made[rows] = families.scores(shape, panel.loc[rows, "attainment"].to_numpy("float64"))
    return made


def _shape(sample: np.ndarray, family: str, mean: float) -> Family:
    """The family asked for or the best; the sample itself where asked for or none can hold it."""
    found = families.fit(sample, family) if family not in {"", EMPIRICAL} else None
    made = None if family == EMPIRICAL else found[0] if found else families.best(sample)
    if made is None:
        made = Family("empirical", values=tuple(np.sort(sample)))
    return made.scaled(mean) if mean > 0 and mean != 1.0 else made


def _pooled_values(panel: pd.DataFrame) -> np.ndarray:
    """Attainment over the mean of its role: what all roles have in common is the shape around 1."""
    means = panel.groupby("role")["attainment"].transform("mean")
    return (panel["attainment"] / means)[means > 0].to_numpy("float64")


def _refuse(panel: pd.DataFrame) -> None:
    wrong = panel[~(panel["attainment"] >= 0)]
    if len(wrong):
        row = wrong.iloc[0]
        raise TableError(
            f"panel: attainment of {row['rep_id']} in {row['period']} is {row['attainment']}; it is a ratio "
            f"of at least 0, and a rep without quota does not belong in it"
        )
    twice = panel[panel.duplicated(["role", "rep_id", "period"])]
    if len(twice):
        row = twice.iloc[0]
        raise TableError(
            f"panel: {row['rep_id']} stands twice in {row['period']}; one row per rep and period"
        )
