"""No group below the limit is shown, and none of them can be worked out from the total."""

from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.core.suppression import withheld_groups


def test_a_small_group_takes_the_next_smallest_with_it():
    # By hand: of 20 people the total minus 9 and 6 would tell the pay of the 5 shown less the 2; so 6 go too.
    assert withheld_groups({"a": 9, "b": 2, "c": 6}, 5) == {"b", "c"}


def test_two_small_groups_of_too_few_people_take_a_third():
    # 1 + 2 people: the total tells the pay of three.
    assert withheld_groups({"a": 1, "b": 2, "c": 5, "d": 8}, 5) == {"a", "b", "c"}


def test_small_groups_that_are_many_together_go_alone():
    assert withheld_groups({"a": 3, "b": 4, "c": 8}, 5) == {"a", "b"}


def test_groups_of_enough_people_are_all_shown():
    assert withheld_groups({"a": 5, "b": 8, "empty": 0}, 5) == set()


@settings(max_examples=60, derandomize=True)
@given(st.dictionaries(st.integers(0, 9), st.integers(0, 12), max_size=8), st.integers(1, 8))
def test_the_rest_behind_a_total_is_nobody_or_enough_people_in_two_groups(sizes, smallest):
    gone = withheld_groups(sizes, smallest)
    shown = {g: n for g, n in sizes.items() if n and g not in gone}
    rest = sum(sizes[g] for g in gone)
    assert all(n >= smallest for n in shown.values())
    assert not gone or not shown or (len(gone) > 1 and rest >= smallest)
