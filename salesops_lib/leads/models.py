"""The two models of a score: a logit that can be read, and boosted trees; both take columns of anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.leads.lifecycle import labels

LEAST_LEVEL = 30
_WEAK = 0.05
"""A move of the log odds too small to be a reason."""


@dataclass
class Design:
    """Columns of numbers from columns of anything: levels with enough leads, logs of counts, missing as its
    own."""

    levels: dict[str, list[str]]
    numbers: dict[str, tuple[float, float, float]]
    names: list[str]

    @classmethod
    def of(cls, x: pd.DataFrame) -> Design:
        """The design that suits the columns of ``x``."""
        levels, numbers, names = {}, {}, []
        for name in x:
            if pd.api.types.is_numeric_dtype(x[name]) and not pd.api.types.is_bool_dtype(x[name]):
                value = _squeezed(x[name])
                middle, spread = float(np.nanmedian(value)), float(np.nanstd(value))
                if spread > 0:
                    numbers[name] = (middle, float(np.nanmean(value)), spread)
                    names += [name, *([f"{name} missing"] if x[name].isna().any() else [])]
                continue
            counts = labels(x[name]).value_counts()
            kept = [str(v) for v in counts.index[counts >= LEAST_LEVEL]][:30]
            levels[name] = kept[1:]  # the commonest is the base
            names += [f"{name} = {v}" for v in levels[name]]
        return cls(levels, numbers, names)

    def matrix(self, x: pd.DataFrame) -> np.ndarray:
        """Rows of ``x`` as numbers, one column per name of the design."""
        parts = []
        for name in x:
            if name in self.numbers:
                middle, mean, spread = self.numbers[name]
                value = _squeezed(x[name])
                absent = np.isnan(value)
                parts.append((np.where(absent, middle, value) - mean) / spread)
                if f"{name} missing" in self.names:
                    parts.append(absent.astype("float64"))
            elif name in self.levels:
                text = labels(x[name]).to_numpy()
                parts += [(text == v).astype("float64") for v in self.levels[name]]
        return np.column_stack(parts) if parts else np.zeros((len(x), 0))


@dataclass
class Logit:
    """A logit by maximum likelihood, kept finite where a level has one outcome only."""

    design: Design
    intercept: float
    weights: np.ndarray
    centre: np.ndarray

    @classmethod
    def fit(cls, x: pd.DataFrame, y: np.ndarray) -> Logit:
        """Fit on leads ``x`` and whether each converted."""
        from sklearn.linear_model import LogisticRegression

        design = Design.of(x)
        matrix = design.matrix(x)
        # One lead's worth of doubt per column: a level all of whose leads converted gets no infinite weight.
        columns, base = matrix.shape[1], float(y.mean())
        doubt = np.eye(columns)
        weights = np.concatenate([np.ones(len(y)), np.full(columns, base), np.full(columns, 1 - base)])
        outcome = np.concatenate([y.astype(bool), np.ones(columns, bool), np.zeros(columns, bool)])
        # No standard error is asked for: Newton's steps find a GLM's maximum in a tenth of the time.
        model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
        model.fit(np.vstack([matrix, doubt, doubt]), outcome, sample_weight=weights)
        return cls(design, float(model.intercept_[0]), model.coef_[0], matrix.mean(axis=0))

    def probability(self, x: pd.DataFrame) -> np.ndarray:
        """Chance of each lead to convert."""
        from scipy.special import expit

        return expit(self.intercept + self.design.matrix(x) @ self.weights)

    def reasons(self, x: pd.DataFrame, most: int) -> list[str]:
        """What moves each lead's chance most from the average lead, *for* and *against*; at most ``most``."""
        matrix = self.design.matrix(x)
        if not matrix.size:
            return [""] * len(x)
        # Of a text only the level a lead has is a reason, not those it lacks.
        level = np.array([" = " in n or n.endswith(" missing") for n in self.design.names])
        moved = np.where(level & (matrix == 0), 0.0, (matrix - self.centre) * self.weights)
        most = min(most, moved.shape[1])
        top = np.argpartition(-np.abs(moved), most - 1, axis=1)[:, :most] if most < moved.shape[1] else None
        top = np.tile(np.arange(most), (len(x), 1)) if top is None else top
        size = np.take_along_axis(moved, top, axis=1)
        order = np.argsort(-np.abs(size), axis=1, kind="stable")
        top, size = (np.take_along_axis(a, order, axis=1) for a in (top, size))
        # A pattern of columns and signs is worded once, however many leads have it.
        mark = np.where(np.abs(size) > _WEAK, (top + 1) * np.where(size > 0, 1, -1), 0)
        patterns, which = np.unique(mark, axis=0, return_inverse=True)
        worded = np.array([self._worded(p) for p in patterns] or [""], dtype=object)
        return worded[which.ravel()].tolist()

    def _worded(self, pattern: np.ndarray) -> str:
        sides = {"for": pattern[pattern > 0] - 1, "against": -pattern[pattern < 0] - 1}
        return "; ".join(
            f"{k} {', '.join(self.design.names[i] for i in v)}" for k, v in sides.items() if len(v)
        )


@dataclass
class Boosting:
    """scikit-learn's histogram gradient boosting, texts as categories; reasons come from a logit beside
    it."""

    model: object
    levels: dict[str, dict[str, int]]
    beside: Logit

    @classmethod
    def fit(cls, x: pd.DataFrame, y: np.ndarray, seed: int, beside: Logit) -> Boosting:
        """Fit on leads ``x`` and whether each converted; the same seed gives the same trees.

        ``beside``: the logit of the same leads, which gives the reasons.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        texts = [n for n in x if not pd.api.types.is_numeric_dtype(x[n])]
        levels = {n: {v: k for k, v in enumerate(labels(x[n]).value_counts().index[:200])} for n in texts}
        model = HistGradientBoostingClassifier(
            learning_rate=0.06,
            max_iter=150,
            max_leaf_nodes=15,
            min_samples_leaf=40,
            l2_regularization=1.0,
            random_state=seed,
            categorical_features=[n in levels for n in x],
        )
        model.fit(_coded(x, levels), y)
        return cls(model, levels, beside)

    def probability(self, x: pd.DataFrame) -> np.ndarray:
        """Chance of each lead to convert."""
        return self.model.predict_proba(_coded(x, self.levels))[:, 1]

    def reasons(self, x: pd.DataFrame, most: int) -> list[str]:
        """What moves each lead's chance most from the average lead, *for* and *against*; at most ``most``."""
        return self.beside.reasons(x, most)


def _squeezed(column: pd.Series) -> np.ndarray:
    """Numbers with long tails pulled in: log1p where none is negative."""
    value = column.astype("float64").to_numpy()
    return (
        np.log1p(value)
        if np.nanmin(value, initial=0.0) >= 0 and np.nanmax(value, initial=0.0) > 20
        else value
    )


def _coded(x: pd.DataFrame, levels: dict[str, dict[str, int]]) -> np.ndarray:
    parts = [
        labels(x[n]).map(levels[n]).to_numpy("float64") if n in levels else x[n].astype("float64").to_numpy()
        for n in x
    ]
    return np.column_stack(parts)
