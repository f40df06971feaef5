"""What is still to come of a running period: by hand, and its range on planted shares."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.remainder import share_misses, still_to_come, usual_share
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES


def known(final, share, now=0.0) -> History:
    """A company alone: what past periods booked, and the share of each by this day."""
    final = np.atleast_2d(np.asarray(final, dtype=float))
    nodes = pd.DataFrame({"level": ["company"], "node_id": ["Co"]})
    names = [f"FY{20 + k // 4}-Q{k % 4 + 1}" for k in range(final.shape[1])]
    return History(
        date(2025, 5, 5), "FY26-Q2", 0.5, nodes, names, [], final, final * share, np.array([now]), nodes
    )


def whole(median=100.0, sd=0.1):
    return median * np.exp(sd * ndtri(PROBABILITIES))[None, :]


def test_a_share_that_never_changes_leaves_that_share_of_the_whole():
    # By hand: 40 % by now in every past period, so 60 % of each quantile of the whole is to come.
    table = still_to_come(known([50, 80, 120, 100], 0.4), whole())
    assert table == pytest.approx(0.6 * whole(), rel=0.01)


def test_a_periods_share_is_held_against_that_of_all():
    # By hand: shares .5 and .75 of equal periods are .625 together; they left .5 ÷ .375 and .25 ÷ .375 of it.
    given = known([100, 100], np.array([[0.5, 0.75]]))
    assert usual_share(given, np.array([0])) == pytest.approx(0.625)
    assert share_misses(given, np.array([0])) == pytest.approx([4 / 3, 2 / 3])


def test_the_range_covers_at_its_level_where_shares_are_planted_to_vary():
    # Planted: odds of the share by now lognormal (sd .5), the whole lognormal (sd .1) and known as such; ten
    # past periods and one to come, 1,000 worlds: standard error 1.3 points. Taken as certain, the share's
    # spread is lost: 80 % holds less than 40 %.
    random = np.random.default_rng(4)
    inside, certain = [], []
    for _ in range(1000):
        share = 1 / (1 + np.exp(-(0.4 + 0.5 * random.standard_normal(11))))
        final = 100 * np.exp(0.1 * random.standard_normal(11))
        given = known(final[:10], share[:10])
        came = final[10] * (1 - share[10])
        for found, to in (
            (still_to_come(given, whole())[0], inside),
            ((1 - usual_share(given, np.array([0]))) * whole()[0], certain),
        ):
            to.append(found[1] <= came <= found[9])
    assert 0.76 <= np.mean(inside) <= 0.84
    assert np.mean(certain) < 0.4


def test_no_more_is_left_than_the_whole_and_nothing_where_nothing_ever_was():
    few = still_to_come(known([100, 90], np.array([[0.1, 0.9]])), whole())
    assert (few <= whole() * 1.05).all() and (np.diff(few) >= 0).all()
    assert not still_to_come(known([100, 90, 80], 1.0), whole()).any()


def test_one_past_period_or_none_that_booked_leaves_the_share_as_it_stands():
    assert still_to_come(known([100], 0.4), whole())[0, MEDIAN] == pytest.approx(60, rel=0.01)
    assert still_to_come(known([0, 0, 0], 0.0), whole())[0, MEDIAN] == pytest.approx(100, rel=0.01)


def test_a_node_without_a_run_rate_has_nothing_to_come():
    assert np.isnan(still_to_come(known([100, 90], 0.4), np.full((1, 11), np.nan))).all()
