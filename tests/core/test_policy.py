from datetime import date, datetime

import pytest

from salesops_lib.core.errors import PolicyError
from salesops_lib.core.policy import Policy


def policy(values=None, **changes) -> Policy:
    entry = {"description": "d", "unit": "ratio", "source": "log", "values": values or FLOOR} | changes
    return Policy("attainment", {"team_floor": entry})


FLOOR = {date(2025, 2, 1): 0.80, date(2026, 2, 1): 0.85}


@pytest.mark.parametrize(
    ("on", "value", "since"),
    [
        (date(2025, 2, 1), 0.80, date(2025, 2, 1)),
        (date(2026, 1, 31), 0.80, date(2025, 2, 1)),
        (date(2026, 2, 1), 0.85, date(2026, 2, 1)),
        (date(2030, 1, 1), 0.85, date(2026, 2, 1)),
    ],
)
def test_a_value_holds_from_its_day_until_the_next(on, value, since):
    found = policy().value("team_floor", on)
    assert (found.value, found.since) == (value, since)


def test_the_order_of_the_days_in_the_file_does_not_matter():
    turned = dict(reversed(FLOOR.items()))
    assert policy(turned).value("team_floor", date(2026, 5, 1)).value == 0.85


def test_a_value_is_cited_with_its_key_and_day():
    assert policy().value("team_floor", date(2026, 3, 1)).cited == "attainment.team_floor since 2026-02-01"


def test_a_day_before_the_first_value_is_refused_not_extrapolated():
    with pytest.raises(PolicyError, match=r"no value on 2025-01-31; its first is of 2025-02-01"):
        policy().value("team_floor", date(2025, 1, 31))


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(PolicyError, match=r"no value 'team_flor'. Did you mean 'team_floor'\?"):
        policy().value("team_flor", date(2026, 1, 1))


@pytest.mark.parametrize("field", ["description", "unit", "source", "values"])
def test_a_missing_field_is_refused_by_name(field):
    entry = {"description": "d", "unit": "ratio", "source": "log", "values": FLOOR}
    del entry[field]
    with pytest.raises(PolicyError, match=f"attainment.team_floor' lacks {field}"):
        Policy("attainment", {"team_floor": entry})


@pytest.mark.parametrize("number", [True, "0.8", None, float("nan"), float("inf")])
def test_what_is_no_finite_number_is_refused(number):
    with pytest.raises(PolicyError, match="give a number"):
        policy({date(2025, 1, 1): number})


@pytest.mark.parametrize("day", ["2025-01-01", 2025, datetime(2025, 1, 1, 9)])
def test_what_is_no_plain_day_is_refused(day):
    with pytest.raises(PolicyError, match="write it as 2026-02-01"):
        policy({day: 0.8})


@pytest.mark.parametrize("values", [{}, [0.8], 0.8])
def test_values_without_a_day_are_refused(values):
    with pytest.raises(PolicyError, match="no dated value"):
        Policy("attainment", {"team_floor": {"description": 1, "unit": 1, "source": 1, "values": values}})


def test_an_entry_or_a_file_that_is_no_mapping_is_refused():
    with pytest.raises(PolicyError, match="is not a mapping; give description"):
        Policy("attainment", {"team_floor": 0.8})
    with pytest.raises(PolicyError, match="policy 'attainment' is no mapping"):
        Policy("attainment", None)
