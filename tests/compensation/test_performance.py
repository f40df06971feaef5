"""Shapes and components of performance, recovered from worlds in which they were planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from salesops_lib.compensation.simulation import families
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.performance import POOL_UNDER, components, estimate
from salesops_lib.core.errors import ParameterError, TableError

PLANTED = {"sigma": 0.4, "tau": 0.2, "rho": 0.3, "rho_segment": 0.1}


def world(seed, *, reps=40, periods=12, sigma=0.4, tau=0.2, rho=0.3, rho_segment=0.1, segments=4, role="AE"):
    """A panel drawn from the formula itself; rep i is in segment i modulo ``segments``."""
    random = np.random.default_rng(seed)
    own = np.sqrt(1 - rho - rho_segment) * random.normal(size=(reps, periods))
    market = np.sqrt(rho) * random.normal(size=(1, periods))
    segment = np.sqrt(rho_segment) * random.normal(size=(segments, periods))[np.arange(reps) % segments]
    level = tau * random.normal(size=(reps, 1))
    return panel(np.exp(level + sigma * (own + market + segment)), segments=segments, role=role)


def panel(attainment, *, segments=1, role="AE"):
    reps, periods = attainment.shape
    return pd.DataFrame(
        {
            "rep_id": np.repeat([f"{role}{i:03d}" for i in range(reps)], periods),
            "role": role,
            "segment": np.repeat([f"S{i % segments}" for i in range(reps)], periods),
            "period": np.tile([f"P{q:02d}" for q in range(periods)], reps),
            "attainment": attainment.ravel(),
        }
    )


def structure_of(frame):
    shape, _ = families.fit(frame["attainment"].to_numpy(), "lognormal")
    return components(frame.assign(score=families.scores(shape, frame["attainment"]))), shape.shape**2


def components_of(frame):
    parts, scale = structure_of(frame)
    return {
        "sigma": np.sqrt(parts.passing * scale),
        "tau": np.sqrt(parts.lasting * scale),
        "rho": parts.rho,
        "rho_segment": parts.rho_segment,
    }


@pytest.fixture(scope="module")
def recovered():
    return pd.DataFrame([components_of(world(seed, periods=16)) for seed in range(60)])


@pytest.mark.parametrize("name", list(PLANTED))
def test_planted_components_are_recovered_over_seeds(recovered, name):
    # Three standard errors of the mean over 60 worlds, and 4 % of the value for the clipping at 0.
    error = recovered[name].std() / np.sqrt(len(recovered))
    assert recovered[name].mean() == pytest.approx(PLANTED[name], abs=3 * error + 0.04 * PLANTED[name])


def test_components_do_not_depend_on_which_cells_are_missing():
    kept = []
    for seed in range(40):
        frame = world(seed, periods=16)
        random = np.random.default_rng(1000 + seed)
        late = frame["rep_id"].str[-1].isin(["3", "7"]) & (frame["period"] < "P10")
        kept.append(components_of(frame[~late & (random.random(len(frame)) > 0.15)]))
    mean = pd.DataFrame(kept).mean()
    assert mean["rho"] == pytest.approx(0.3, abs=0.06)
    assert mean["sigma"] == pytest.approx(0.4, abs=0.02)


def test_a_segment_that_is_always_strong_is_not_taken_for_a_shared_shock():
    found = []
    for seed in range(40):
        frame = world(seed, periods=16, rho=0.0, rho_segment=0.0)
        lift = np.where(frame["segment"] == "S0", 2.0, 1.0)
        found.append(structure_of(frame.assign(attainment=frame["attainment"] * lift))[0])
    assert np.mean([s.rho for s in found]) < 0.02
    assert np.mean([s.rho_segment for s in found]) < 0.04


def test_a_planted_zero_of_the_market_stays_near_zero():
    found = [structure_of(world(seed, rho=0.0, rho_segment=0.0))[0] for seed in range(60)]
    assert np.mean([s.rho for s in found]) < 0.02
    assert np.mean([s.rho_low for s in found]) < 0.01


def test_the_range_of_rho_holds_the_truth_about_nine_times_in_ten():
    found = [structure_of(world(seed, reps=30))[0] for seed in range(80)]
    inside = np.mean([s.rho_low <= 0.3 <= s.rho_high for s in found])
    # 80 trials at 90 %: a standard error of 3.4 points; the chi-square range is a little wide.
    assert 0.82 <= inside <= 1.0


def test_under_four_periods_no_common_factor_is_claimed():
    structure = estimate(world(1, periods=3), family="lognormal").structure
    assert np.isnan(structure.rho)
    assert np.isnan(structure.rho_low)


def test_a_strong_rep_is_shrunk_towards_its_role_by_how_little_is_known():
    frame = world(2, periods=12, tau=0.3)
    best = frame.groupby("rep_id")["attainment"].mean().idxmax()
    short = frame[(frame["rep_id"] != best) | (frame["period"] >= "P10")]
    known, little = (estimate(f, family="lognormal").reps.loc[("AE", best)] for f in (frame, short))
    assert little["score"] > 0
    assert little["score_sd"] > known["score_sd"] > 0


@pytest.mark.parametrize(
    ("name", "sample", "frozen"),
    [
        ("gamma", lambda r: r.gamma(3.0, 0.35, 400), stats.gamma),
        ("weibull", lambda r: 1.1 * r.weibull(2.2, 400), stats.weibull_min),
        ("lognormal", lambda r: r.lognormal(-0.1, 0.4, 400), stats.lognorm),
    ],
)
def test_maximum_likelihood_agrees_with_scipy(name, sample, frozen):
    values = sample(np.random.default_rng(5))
    made, likelihood = families.fit(values, name)
    theirs = frozen.fit(values, floc=0)
    assert likelihood == pytest.approx(frozen.logpdf(values, *theirs).sum(), abs=1e-3)
    scale = np.exp(made.scale) if name == "lognormal" else made.scale
    assert (made.shape, scale) == pytest.approx((theirs[0], theirs[2]), rel=1e-3)
    assert made.cdf(values) == pytest.approx(frozen.cdf(values, *theirs), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("gamma", lambda r: r.gamma(1.5, 0.6, 3000)),
        ("weibull", lambda r: r.weibull(3.0, 3000)),
        ("lognormal", lambda r: r.lognormal(-0.1, 0.6, 3000)),
        ("two_part", lambda r: r.lognormal(-0.1, 0.5, 3000) * (r.random(3000) > 0.2)),
    ],
)
def test_the_family_a_sample_came_from_has_the_smallest_aic(name, sample):
    values = sample(np.random.default_rng(11))
    table = families.compare(values)
    assert table["family"].iloc[0] == name
    assert table["aic_over_best"].iloc[0] == 0
    # Kolmogorov: D × √n is under 1.63 in 99 of 100 samples where the family is right.
    assert table["pit_distance"].iloc[0] * np.sqrt(3000) < 1.63


def test_a_family_that_cannot_hold_zeros_has_no_aic():
    values = np.array([0.0, 0.5, 0.9, 1.2, 1.4])
    table = families.compare(values).set_index("family")
    assert table["aic"].isna().to_dict() == {
        "two_part": False, "lognormal": True, "gamma": True, "weibull": True,
    }  # fmt: skip
    assert table.loc["two_part", "zero_share"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    "family",
    [
        Family.lognormal(1.0, 0.5),
        Family("gamma", 2.0, 0.5),
        Family("weibull", 1.7, 1.1),
        Family("two_part", 0.4, 0.1, 0.15),
        Family("empirical", values=(0.0, 0.5, 0.8, 1.0, 1.6)),
    ],
    ids=lambda f: f.name,
)
def test_drawing_by_table_is_the_quantile_and_keeps_the_mean(family):
    z = np.random.default_rng(3).standard_normal(200_000).astype("float32")
    drawn = family.draw(z.copy())
    away = np.abs(drawn - family.quantile(z))
    # A jump of the quantile (from 0 up, where two_part has mass) is steep: a few draws in a hundred err.
    assert np.quantile(away, 0.97) < 1e-5
    assert drawn.mean() == pytest.approx(family.mean, rel=0.01)
    assert family.scaled(2.0).mean == pytest.approx(2 * family.mean)


def test_a_role_under_thirty_rep_years_takes_the_shape_of_all_and_keeps_its_mean():
    small = world(4, reps=6, periods=8, role="SDR").assign(attainment=lambda f: 0.7 * f["attainment"])
    made = estimate(pd.concat([world(3), small]), family="lognormal")
    roles = made.roles.set_index("role")
    assert roles["rep_years"].to_dict() == {"AE": 120.0, "SDR": 12.0}
    assert roles["pooled"].to_dict() == {"AE": False, "SDR": True}
    assert POOL_UNDER == 30
    # 168 rep-periods pooled, of which 48 are the small role's: its shape is near that of AE.
    assert made.shapes["SDR"].shape == pytest.approx(made.shapes["AE"].shape, rel=0.1)
    assert made.shapes["SDR"].mean == pytest.approx(roles.loc["SDR", "mean"], rel=0.03)


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(ParameterError, match=r"no family 'lognorma'\. Did you mean 'lognormal'"):
        estimate(world(1), family="lognorma")


def test_a_negative_attainment_and_a_doubled_row_are_refused():
    frame = world(1)
    wrong = frame.assign(attainment=frame["attainment"].where(frame.index != 7, -0.2))
    with pytest.raises(TableError, match=r"AE000 in P07 is -0\.2"):
        estimate(wrong)
    with pytest.raises(TableError, match="AE000 stands twice in P00"):
        estimate(pd.concat([frame, frame.head(1)]))
