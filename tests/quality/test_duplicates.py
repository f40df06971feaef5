import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.quality.duplicates import candidates, name_key, near_names


def key(*names: str | None) -> list:
    table = ibis.memtable(pd.DataFrame({"n": pd.Series(names, dtype=object)}), schema={"n": "string"})
    return [k if isinstance(k, str) else None for k in table.select(k=name_key(table.n)).execute()["k"]]


SPELLINGS = """
Acme Foods|ACME-FOODS|The Acme Foods, Inc.|Acme Foods Ltd|acmefoods|Ácme  Foods Co. Ltd.|Acme Foods S.A.
Acme Foods & Co"""
OTHERS = "Acme Food|Acme Foods Holding|Acme Foods Group|Acme Foods 2|Cofoods|Theacme Foods"


@pytest.mark.parametrize("name", SPELLINGS.strip().replace("\n", "|").split("|"))
def test_spellings_of_one_name_share_a_key(name):
    assert key(name) == ["acmefoods"]


@pytest.mark.parametrize("other", OTHERS.split("|"))
def test_other_names_keep_another_key(other):
    assert key(other) != ["acmefoods"]


def test_legal_forms_are_cut_only_as_last_words():
    assert key("Company Co", "SA Metals", "Spa World") == ["company", "sametals", "spaworld"]


def test_names_in_other_scripts_are_kept_apart():
    made = key("東京電機", "大阪電機", "Ромашка")
    assert len(set(made)) == 3 and None not in made


def test_a_name_of_nothing_but_a_form_or_signs_is_its_own_key_and_a_missing_one_has_none():
    assert key("Inc", "***", None, "") == ["inc", "***", None, None]


def near(*names: tuple) -> list[tuple]:
    frame = pd.DataFrame(names, columns=["account_id", "name_key", "country"], dtype=object)
    return sorted(near_names(frame).itertuples(index=False, name=None))


@pytest.mark.parametrize(
    "other", ["greenline", "greenlinex", "greenlime", "greenlnie", "greenlin", "reenline"]
)
def test_one_letter_more_less_other_or_swapped_is_near(other):
    found = near(("a", "greenline", "US"), ("b", other, "US"))
    assert found == ([] if other == "greenline" else [("b", "a")])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "greenline", "US"), ("b", "greenlimx", "US")),  # two letters
        (("a", "account0001", "US"), ("b", "account0002", "US")),  # numbered, not misspelt
        (("a", "acmeinc", "US"), ("b", "acmeinx", "US")),  # too short to tell
        (("a", "greenline", "US"), ("b", "greenlime", "FR")),  # another country
        (("a", "greenline", "US"), ("b", None, "US")),
    ],
)
def test_what_is_not_near(one, other):
    assert near(one, other) == []


def test_a_missing_country_may_be_the_same():
    assert near(("a", "greenline", "US"), ("b", "greenlime", None)) == [("b", "a")]


def edits(a: str, b: str) -> int:
    """Levenshtein's distance with swaps of neighbours, the slow textbook table."""
    grid = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            best = min(grid[i - 1, j] + 1, grid[i, j - 1] + 1, grid[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, grid[i - 2, j - 2] + 1)
            grid[i, j] = best
    return grid[len(a), len(b)]


@settings(deadline=None)
@given(st.lists(st.text("ab", min_size=8, max_size=10), min_size=2, max_size=6, unique=True))
def test_near_names_are_those_the_slow_comparison_finds(names):
    frame = pd.DataFrame({"account_id": names, "name_key": names, "country": None})
    slow = {max(a, b) for a in names for b in names if a < b and edits(a, b) == 1}
    assert set(near_names(frame)["account_id"]) == slow


def test_candidates_name_the_account_to_keep_and_what_hangs_on_the_other():
    accounts = pd.DataFrame(
        {
            "account_id": ["a", "b", "c", "d"],
            "name": ["Acme Foods", "ACME FOODS Inc", "Greenline", "Greenlime"],
            "country": ["US", None, "US", "US"],
            "name_key": ["acmefoods", "acmefoods", "greenline", "greenlime"],
            "name_country": ["US", "US", "US", "US"],
            "name_number": [0, 1, 0, 0],
        }
    )
    found = candidates(accounts, pd.Series({"b": 70.0}))
    assert found[["account_id", "same_as", "kept_name", "match"]].to_numpy().tolist() == [
        ["b", "a", "Acme Foods", "same name"],
        ["d", "c", "Greenline", "one letter apart"],
    ]
    assert found["deals_base"].iloc[0] == 70.0
    assert pd.isna(found["deals_base"].iloc[1])


def test_without_accounts_there_is_no_candidate():
    columns = ["account_id", "name", "country", "name_key", "name_country", "name_number"]
    assert len(candidates(pd.DataFrame(columns=columns, dtype=object))) == 0
