import pytest

from salesops_lib.core import errors
from salesops_lib.core.errors import nearest


def test_every_user_mistake_is_a_user_error():
    kinds = [errors.TableError, errors.ParameterError, errors.PolicyError, errors.PeriodError]
    assert all(issubclass(kind, errors.UserError) for kind in kinds)


def test_a_misspelt_name_is_answered_with_the_nearest_and_all_options_sorted():
    assert nearest("perod", ["period", "as_of"]) == "Did you mean 'period'? It takes: as_of, period."


def test_a_name_like_no_other_gets_no_guess():
    assert nearest("zzz", ["period", "as_of"]) == "It takes: as_of, period."


def test_where_there_is_no_option_it_says_so():
    assert nearest("period", []) == "It takes: nothing."


@pytest.mark.parametrize("options", [iter(["b", "a"]), ("a", "b"), {"a": 1, "b": 2}])
def test_options_may_be_any_iterable(options):
    assert nearest("a", options) == "Did you mean 'a'? It takes: a, b."
