from dataclasses import fields

import pytest

from salesops_lib.core.metrics import Metric, Reading


def metric(**changes) -> Metric:
    entry = dict.fromkeys(
        [f.name for f in fields(Metric) if f.name not in {"id", "unit", "good_direction"}],
        "said",
    )
    return Metric(**({**entry, "id": "quality.share", "unit": "ratio", "good_direction": "up"} | changes))


def test_an_id_is_domain_dot_name_and_gives_the_anchor_on_the_generated_page():
    assert metric(id="attainment.share_at_quota").anchor == "reference/metrics.md#attainment-share_at_quota"


@pytest.mark.parametrize("bad", ["share", "Quality.share", "quality.", ".share", "quality.share\n", "a.b.c"])
def test_any_other_id_is_refused(bad):
    with pytest.raises(ValueError, match=r"not of the form domain\.name"):
        metric(id=bad)


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_metric_with_an_empty_text_is_refused_and_the_field_named(blank):
    with pytest.raises(ValueError, match="leaves clock empty"):
        metric(clock=blank)


@pytest.mark.parametrize("told", [{"value": float("nan")}, {"value": 1.0, "low": float("-inf"), "high": 2.0}])
def test_a_reading_that_is_no_number_is_refused(told):
    with pytest.raises(ValueError, match="not finite; state None for what is unknown"):
        Reading(metric(), **told)


def test_half_a_range_is_refused():
    with pytest.raises(ValueError, match="half a range"):
        Reading(metric(), 0.5, low=0.4)
