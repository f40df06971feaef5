"""Shapes of attainment: fitted by maximum likelihood, compared by AIC, drawn from a standard normal.

A family is a marginal distribution on [0, ∞). Drawing goes through a latent normal z (a Gaussian copula), so
that one correlation structure serves every family: attainment = Q(Φ(z)). For the lognormal this is
exp(μ + σ·z) itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError, nearest

FAMILIES = ("lognormal", "gamma", "weibull", "two_part")
_EDGE, _STEPS = 6.0, 4096  # the quantile table: z from -6 to 6; interpolation errs by under 2e-6 of a value
_TINY = 1e-12


@dataclass(frozen=True)
class Family:
    """One fitted family.

    ``name``: of FAMILIES, or ``empirical``. ``shape``, ``scale``: σ and μ of the logs (lognormal, two_part),
    shape and scale (gamma, weibull). ``zero_share``: chance of exactly 0 (two_part). ``values``: the sorted
    sample (empirical).
    """

    name: str
    shape: float = 0.0
    scale: float = 0.0
    zero_share: float = 0.0
    values: tuple[float, ...] = ()

    def cdf(self, value: np.ndarray) -> np.ndarray:
        """P(attainment ≤ value), same shape."""
        from scipy.special import gammainc, ndtr

        x = np.asarray(value, dtype="float64")
        if self.name == "empirical":
            return np.searchsorted(np.asarray(self.values), x, side="right") / len(self.values)
        positive = np.maximum(x, _TINY)
        if self.name == "gamma":
            inside = gammainc(self.shape, positive / self.scale)
        elif self.name == "weibull":
            inside = -np.expm1(-((positive / self.scale) ** self.shape))
        else:
            inside = ndtr((np.log(positive) - self.scale) / max(self.shape, _TINY))
        return np.where(x < 0, 0.0, self.zero_share + (1 - self.zero_share) * np.where(x > 0, inside, 0.0))

    def quantile(self, normal: np.ndarray) -> np.ndarray:
        """Attainment at a standard normal score, same shape; rising in the score."""
        from scipy.special import gammaincinv, log_ndtr, ndtr, ndtri

        z = np.asarray(normal, dtype="float64")
        if self.name == "lognormal":
            return np.exp(self.scale + self.shape * z)
        if self.name == "empirical":
            at = np.clip(ndtr(z) * len(self.values) - 0.5, 0, len(self.values) - 1)
            return np.interp(at, np.arange(len(self.values)), np.asarray(self.values))
        if self.name == "weibull":
            return self.scale * (-log_ndtr(-z)) ** (1 / self.shape)
        if self.name == "gamma":
            return self.scale * gammaincinv(self.shape, ndtr(z))
        share = np.clip((ndtr(z) - self.zero_share) / (1 - self.zero_share), 0, 1)
        lifted = np.exp(self.scale + self.shape * ndtri(np.clip(share, 1e-15, 1 - 1e-15)))
        return np.where(share > 0, lifted, 0.0)

    @cached_property
    def table(self) -> np.ndarray:
        """Quantiles on an even grid of scores from −6 to 6, float32: drawing by look-up."""
        return self.quantile(np.linspace(-_EDGE, _EDGE, _STEPS + 1)).astype("float32")

    def draw(self, normal: np.ndarray) -> np.ndarray:
        """Turn float32 scores into attainment in place; equal to :meth:`quantile` within 1e-5 of a value."""
        factor, shift = self.affine
        if (factor, shift) != (1.0, 0.0):
            normal *= np.float32(factor)
            normal += np.float32(shift)
        return self.finish(normal)

    @property
    def affine(self) -> tuple[float, float]:
        """(factor, shift) of a score before :meth:`finish`: who adds scores up applies them on the way."""
        return (self.shape, self.scale) if self.name == "lognormal" else (1.0, 0.0)

    def finish(self, normal: np.ndarray) -> np.ndarray:
        """Turn scores to which ``affine`` was applied into attainment, in place."""
        if self.name == "lognormal":
            return np.exp(normal, out=normal)
        np.clip(normal, -_EDGE, _EDGE, out=normal)
        normal += np.float32(_EDGE)
        normal *= np.float32(_STEPS / (2 * _EDGE))
        cell = np.minimum(normal.astype("int32"), _STEPS - 1)
        normal -= cell
        low = self.table[cell]
        normal *= self.table[1:][cell] - low
        normal += low
        return normal

    @property
    def mean(self) -> float:
        """Expected attainment."""
        from scipy.special import gamma

        if self.name == "empirical":
            return float(np.mean(self.values))
        if self.name == "gamma":
            return self.shape * self.scale
        if self.name == "weibull":
            return float(self.scale * gamma(1 + 1 / self.shape))
        return float((1 - self.zero_share) * np.exp(self.scale + self.shape**2 / 2))

    def scaled(self, factor: float) -> Family:
        """The family of ``factor`` × attainment."""
        if self.name == "empirical":
            return Family("empirical", values=tuple(factor * v for v in self.values))
        if self.name in {"gamma", "weibull"}:
            return Family(self.name, self.shape, self.scale * factor, self.zero_share)
        return Family(self.name, self.shape, self.scale + float(np.log(factor)), self.zero_share)

    @classmethod
    def lognormal(cls, mean: float, variation: float) -> Family:
        """The lognormal of a mean and a coefficient of variation: σ² = ln(1 + CV²)."""
        sigma = float(np.sqrt(np.log1p(variation**2)))
        return cls("lognormal", sigma, float(np.log(mean)) - sigma**2 / 2)


def fit(values: np.ndarray, name: str) -> tuple[Family, float] | None:
    """The maximum-likelihood family of a sample ≥ 0, and its log-likelihood.

    None where the family cannot hold the sample: zeros in a continuous family, fewer than three values or
    no spread. Raises ParameterError for an unknown family.
    """
    if name not in FAMILIES:
        raise ParameterError(f"there is no family '{name}'. {nearest(name, FAMILIES)}")
    x = np.asarray(values, dtype="float64")
    positive = x[x > 0]
    if name != "two_part" and positive.size < x.size:
        return None
    if positive.size < 3 or np.ptp(positive) == 0:
        return None
    if name == "gamma":
        return _gamma(positive)
    if name == "weibull":
        return _weibull(positive)
    zero = 1 - positive.size / x.size
    logs = np.log(positive)
    made = Family(name, float(logs.std()), float(logs.mean()), zero)
    inside = -logs.sum() - positive.size * (np.log(made.shape) + 0.5 * np.log(2 * np.pi) + 0.5)
    rare = (x.size - positive.size) * np.log(zero) if zero else 0.0
    return made, float(inside + rare + positive.size * np.log1p(-zero))


def compare(values: np.ndarray) -> pd.DataFrame:
    """Every family fitted to one sample, best first.

    Returns
    -------
    DataFrame
        ``family``, ``shape``, ``scale``, ``zero_share``, ``log_likelihood``, ``aic`` (2k − 2 log L; missing
        where the family cannot hold the sample), ``aic_over_best`` (0 is the best), ``pit_distance`` (largest
        gap between the uniform and the sample's probabilities under the family; Kolmogorov's D), ``n``.
    """
    x = np.asarray(values, dtype="float64")
    rows = []
    for name in FAMILIES:
        found = fit(x, name)
        row = {"family": name, "n": x.size}
        if found:
            made, likelihood = found
            count = 3 if name == "two_part" else 2
            row |= {"shape": made.shape, "scale": made.scale, "zero_share": made.zero_share}
            row |= {"log_likelihood": likelihood, "aic": 2 * count - 2 * likelihood}
            row["pit_distance"] = uniform_distance(pit(made, x))
        rows.append(row)
    columns = ["family", "shape", "scale", "zero_share", "log_likelihood", "aic", "pit_distance", "n"]
    table = pd.DataFrame(rows, columns=columns).sort_values("aic", kind="stable", ignore_index=True)
    return table.assign(aic_over_best=table["aic"] - table["aic"].min())


def best(values: np.ndarray) -> Family | None:
    """The family with the smallest AIC; None where none can hold the sample."""
    made = [(fit(values, name), 3 if name == "two_part" else 2) for name in FAMILIES]
    known = [(2 * count - 2 * found[1], found[0]) for found, count in made if found]
    return min(known, key=lambda pair: pair[0])[1] if known else None


def pit(family: Family, values: np.ndarray) -> np.ndarray:
    """Probability integral transform: uniform on (0, 1) if the family is right. Zeros get the middle of
    their mass, spread evenly so that ties do not pile up."""
    x = np.asarray(values, dtype="float64")
    u = family.cdf(x)
    zero = x <= 0
    u[zero] = family.zero_share * (np.arange(zero.sum()) + 0.5) / max(zero.sum(), 1)
    return np.clip(u, 1e-9, 1 - 1e-9)


def scores(family: Family, values: np.ndarray) -> np.ndarray:
    """Latent normal scores z of a sample under a family; zeros get the mean score of their mass."""
    from scipy.special import ndtri

    x = np.asarray(values, dtype="float64")
    if family.name == "lognormal":
        return (np.log(x) - family.scale) / family.shape
    u = pit(family, x)
    if (zero := x <= 0).any():
        u[zero] = family.zero_share / 2
    return ndtri(u)


def uniform_distance(u: np.ndarray) -> float:
    """Kolmogorov's D of a sample against the uniform on (0, 1)."""
    ranked = np.sort(u)
    n = ranked.size
    steps = np.arange(n)
    return float(np.max(np.maximum((steps + 1) / n - ranked, ranked - steps / n))) if n else float("nan")


def _gamma(x: np.ndarray) -> tuple[Family, float]:
    """Newton steps on log k − ψ(k) = log mean − mean log."""
    from scipy.special import digamma, gammaln, polygamma

    gap = float(np.log(x.mean()) - np.log(x).mean())
    k = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(30):
        k = max(k - (np.log(k) - digamma(k) - gap) / (1 / k - polygamma(1, k)), 1e-3)
    scale = x.mean() / k
    likelihood = ((k - 1) * np.log(x) - x / scale).sum() - x.size * (k * np.log(scale) + gammaln(k))
    return Family("gamma", float(k), float(scale)), float(likelihood)


def _weibull(x: np.ndarray) -> tuple[Family, float]:
    """Newton steps on the profile equation of the shape, on x over its maximum to stay in range."""
    logs, top = np.log(x), float(x.max())
    y, k = np.log(x / top), 1.2 / max(float(logs.std()), 1e-6)
    for _ in range(60):
        p = np.exp(k * y)
        a, b, c = p.sum(), (p * y).sum(), (p * y * y).sum()
        value, slope = b / a - 1 / k - y.mean(), (c * a - b * b) / a**2 + 1 / k**2
        step = value / slope
        k = k - step if k > step else k / 2
        if abs(step) < 1e-12 * k:
            break
    scale = top * np.mean(np.exp(k * y)) ** (1 / k)
    likelihood = x.size * np.log(k / scale) + ((k - 1) * np.log(x / scale) - (x / scale) ** k).sum()
    return Family("weibull", float(k), float(scale)), float(likelihood)
