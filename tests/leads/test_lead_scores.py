"""The audit, the score and its tests: planted leaks and truths, and a real set of leads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from salesops_lib import leads as api
from salesops_lib.leads.audit import auc_of
from salesops_lib.leads.evaluation import calibration, evaluate, recalibrated
from salesops_lib.leads.lifecycle import checked_leads
from salesops_lib.leads.models import Logit


def stamped(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


def made(n: int = 3000, seed: int = 1) -> tuple[pd.DataFrame, pd.Series]:
    """Leads whose chance to convert follows from two columns, one copy, one leak, one late stamp, one id."""
    rng = np.random.default_rng(seed)
    grade, pages = rng.choice(["A", "B", "C"], n), rng.poisson(4, n)
    z = -2.0 + np.select([grade == "A", grade == "B"], [1.5, 0.5], 0.0) + 0.15 * pages
    hit = pd.Series(rng.random(n) < 1 / (1 + np.exp(-z)))
    created = stamped("2024-01-01") + pd.to_timedelta(np.arange(n), unit="h")
    frame = pd.DataFrame(
        {
            "lead_id": [f"L{i}" for i in range(n)],
            "created_at": created,
            "grade": grade,
            "grade_copy": grade,
            "pages": pages,
            "disposition": np.where(hit, "closed", "gone"),
            "note": rng.choice(["x", "y"], n),
            "note_at": created + pd.Timedelta(days=3),
            "cookie": [f"c{i}" for i in range(n)],
            "flat": "same",
        }
    )
    return frame, hit


def test_each_column_is_judged_for_what_it_is():
    frame, hit = made()
    verdict = api.leakage_audit(frame, hit, frame["created_at"]).set_index("column")["verdict"].to_dict()
    assert {name for name, said in verdict.items() if said == "refused"} == {"disposition", "note"}
    assert {name for name, said in verdict.items() if said == "usable"} == {"grade", "grade_copy", "pages"}
    assert (verdict["cookie"], verdict["flat"]) == ("id", "constant")


def test_a_copy_is_dropped_by_name():
    frame, _ = made()
    kept, gone = api.drop_collinear(frame[["grade", "pages", "grade_copy"]])
    assert kept == ["grade", "pages"]
    assert gone[["column", "same_as"]].to_numpy().tolist() == [["grade_copy", "grade"]]


def test_auc_is_that_of_scikit_learn_ties_and_all():
    rng = np.random.default_rng(2)
    score, y = rng.integers(0, 9, 500), rng.random(500) < 0.3
    assert auc_of(score, y) == pytest.approx(roc_auc_score(y, score))
    assert np.isnan(auc_of(score, np.zeros(500, dtype=bool)))


def test_the_score_knows_only_what_was_known_and_is_calibrated():
    frame, hit = made(6000)
    found = api.fit_scores(frame, hit, frame["created_at"], frame["created_at"] + pd.Timedelta(days=5))
    assert set(found.features) == {"grade", "pages"}
    pooled = found.windows[
        (found.windows["model"] == found.model) & (found.windows["window"] == "pooled")
    ].iloc[0]
    assert 0.62 < pooled["auc"] < 0.75 and 0.85 < pooled["predicted_over_actual"] < 1.15
    assert 0.8 < pooled["slope"] < 1.25


def test_noise_earns_no_skill():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"lead_id": range(3000), "a": rng.choice(list("xyz"), 3000), "b": rng.normal(size=3000)}
    )
    found = api.fit_scores(frame.astype({"lead_id": str}), pd.Series(rng.random(3000) < 0.3))
    pooled = found.windows[found.windows["window"] == "pooled"]
    assert pooled["auc"].between(0.44, 0.56).all() and found.model == "logit"


@pytest.mark.parametrize("hits", [0, 3000])
def test_all_won_or_all_lost_leads_have_no_score(hits):
    frame, _ = made()
    found = api.fit_scores(frame, pd.Series(np.arange(3000) < hits))
    assert found.fitted is None and "of either needed" in found.why
    assert api.score_leads(found, frame).empty


def test_scores_come_with_reasons_and_tenths_and_do_not_depend_on_the_block():
    frame, hit = made()
    found = api.fit_scores(frame, hit, frame["created_at"])
    whole, parts = (api.score_leads(found, frame.tail(500), block=b) for b in (10_000, 70))
    pd.testing.assert_frame_equal(whole, parts)
    assert whole["decile"].value_counts().tolist() == [50] * 10
    assert whole["reasons"].iloc[0].startswith("for ")


def test_calibration_finds_a_planted_shift_and_takes_it_away():
    rng = np.random.default_rng(8)
    logit = rng.normal(-1, 1, 40_000)
    hit = rng.random(40_000) < 1 / (1 + np.exp(-(0.4 + 0.7 * logit)))
    p = 1 / (1 + np.exp(-logit))
    intercept, slope = calibration(p, hit)
    assert (intercept, slope) == (pytest.approx(0.4, abs=0.05), pytest.approx(0.7, abs=0.05))
    assert evaluate(recalibrated(p, intercept, slope), hit)["predicted_over_actual"] == pytest.approx(
        1, abs=0.01
    )


def test_stability_is_nought_for_the_same_and_large_for_another():
    rng = np.random.default_rng(4)
    one = rng.normal(size=5000)
    assert api.population_stability(one, one) == pytest.approx(0)
    assert api.population_stability(one, one + 1.5) > 0.25
    assert np.isnan(api.population_stability(one, []))


def test_the_samples_late_tag_is_blocked(sample_leads):
    hit = sample_leads["sql_at"].notna()
    audit = api.leakage_audit(sample_leads, hit, sample_leads["created_at"]).set_index("column")
    assert audit.loc["tag", "verdict"] == "refused" and audit.loc["tag", "late_share"] > 0.95
    assert audit.loc["fit_grade", "verdict"] == "usable"


def test_the_audit_of_x_education_refuses_what_is_filled_in_after_the_call(cases: Path):
    """No time column: the order of lead numbers stands for time. The score itself: test_lead_report."""
    raw = pd.read_csv(cases / "x_education_leads" / "Leads.csv").rename(columns={"Prospect ID": "lead_id"})
    leads, faults = checked_leads(raw.sort_values("Lead Number", ignore_index=True), "2025-01-01")
    assert (faults["fault"] == "a placeholder, no value").sum() == len(faults) > 10_000
    audit = api.leakage_audit(leads, leads["Converted"].astype(bool), ignore=("Converted",))
    verdict = audit.set_index("column")["verdict"]
    assert {"Tags", "Lead Quality", "Last Notable Activity"} <= set(verdict[verdict == "refused"].index)
    assert verdict["Magazine"] == "constant" and verdict["Lead Number"] == "id"
    assert verdict["Lead Source"] == "usable"


def test_the_logit_is_the_maximum_a_glm_finds():
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    x = pd.DataFrame({"calls": rng.normal(size=400), "source": rng.choice(["Web", "Event", "Rare"], 400)})
    y = rng.random(400) < 1 / (1 + np.exp(1 - x["calls"] - (x["source"] == "Event")))
    found = Logit.fit(x, y.to_numpy())
    matrix = found.design.matrix(x)
    columns, base = matrix.shape[1], float(y.mean())
    rows = np.vstack([matrix, np.eye(columns), np.eye(columns)])
    outcome = np.r_[y.astype(float), np.ones(columns), np.zeros(columns)]
    weights = np.r_[np.ones(400), np.full(columns, base), np.full(columns, 1 - base)]
    glm = sm.GLM(
        outcome, sm.add_constant(rows, has_constant="add"), sm.families.Binomial(), freq_weights=weights
    ).fit(tol=1e-12)
    np.testing.assert_allclose([found.intercept, *found.weights], glm.params, atol=1e-6)
