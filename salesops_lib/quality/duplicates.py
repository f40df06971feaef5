"""Accounts that stand twice: names made comparable, exact matches on them, and matches one letter apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import ibis.expr.types as ir

_ACCENTED = "àáâãäåçèéêëìíîïñòóôõöøùúûüýÿ"
_PLAIN = "aaaaaaceeeeiiiinoooooouuuuyy"
_FORMS = (
    "incorporated|inc|corporation|corp|company|co|limited|ltd|llc|llp|lp|plc|gmbh|ag|kg|kgaa|sa|sas|sarl|srl|spa|"
    "bv|nv|ab|as|asa|oy|oyj|aps|pty|pte|pvt|kk|sro|zoo|doo"
)
_SHORTEST = 8  # letters of a key before one letter of difference means the same name
_MOST_NAMES = 200_000  # beyond, near names are not searched


def name_key(name: ir.StringValue) -> ir.StringValue:
    """A name without case, accents, punctuation, spaces, a leading "the" and trailing legal forms.

    ``The Acme-Foods, Inc.`` and ``ACME FOODS`` share ``acmefoods``; other scripts are kept as they are.
    A name of nothing but a legal form is its own key.
    """
    plain = name.lower().translate(_ACCENTED, _PLAIN).re_replace(r"[.'’]", "")
    spaced = plain.replace("&", " and ").re_replace(r"[!-/:-@\[-`{-~\s]+", " ").strip()
    bare = spaced.re_replace(r"^the ", "").re_replace(rf"( and)?( ({_FORMS}))+$", "")
    key = bare.replace(" ", "").nullif("")
    return key.fill_null(spaced.nullif("")).fill_null(name.nullif(""))


def near_names(keys: pd.DataFrame) -> pd.DataFrame:
    """Pairs of accounts whose keys differ by one letter put in, left out, changed or swapped.

    ``keys`` has ``account_id``, ``name_key`` (missing is skipped) and ``country``; a pair needs 8 letters,
    the same digits, and countries that agree or are missing. Each name is compared with those it shares a
    one-letter deletion with, so the work grows with the rows, not with their square. Returns ``account_id``
    and ``same_as``, the smaller id second; empty above 200,000 names.
    """
    named = keys[keys["name_key"].notna() & (keys["name_key"].str.len() >= _SHORTEST)]
    if len(named) > _MOST_NAMES:
        return pd.DataFrame({"account_id": [], "same_as": []}, dtype=object)
    blocks: dict[str, set[str]] = {}
    for key in named["name_key"].unique():
        for shorter in {key, *(key[:i] + key[i + 1 :] for i in range(len(key)))}:
            blocks.setdefault(shorter, set()).add(key)
    pairs = {
        (a, b)
        for block in blocks.values()
        if 1 < len(block) <= 20
        for a in block
        for b in block
        if a < b and _one_apart(a, b)
    }
    return _accounts_of(pairs, named)


def _accounts_of(pairs: set[tuple[str, str]], named: pd.DataFrame) -> pd.DataFrame:
    kept = named.sort_values("account_id").drop_duplicates("name_key").set_index("name_key")
    found = []
    for a, b in sorted(pairs):
        one, other = kept.loc[a], kept.loc[b]
        countries = {c for c in (one["country"], other["country"]) if pd.notna(c)}
        if len(countries) < 2:
            first, second = sorted([one["account_id"], other["account_id"]])
            found.append({"account_id": second, "same_as": first})
    return pd.DataFrame(found, columns=["account_id", "same_as"], dtype=object).drop_duplicates("account_id")


def _one_apart(a: str, b: str) -> bool:
    """One letter put in, left out or changed, or two neighbours swapped; digits must be the same."""
    if [c for c in a if c.isdigit()] != [c for c in b if c.isdigit()]:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    swapped = rest_a[:2] == rest_b[:2][::-1] and rest_a[2:] == rest_b[2:]
    return swapped or rest_a[1:] == rest_b[1:] or rest_a[1:] == rest_b or rest_a == rest_b[1:]


def candidates(accounts: pd.DataFrame, worth: pd.Series | None = None) -> pd.DataFrame:
    """Accounts that seem to stand twice, the sure ones first; a row per surplus account.

    ``accounts`` holds ``account_id, name, country, name_key, name_country, name_number`` as
    :func:`salesops_lib.quality.preparation.prepared` adds them; ``worth`` the money of each account's deals
    by ``account_id``. Returns ``account_id, name, country, same_as, kept_name, match, deals_base``.
    """
    named = accounts[accounts["name_key"].notna()]
    group = ["name_key", "name_country"]
    kept = named[named["name_number"] == 0][[*group, "account_id"]].rename(columns={"account_id": "same_as"})
    # pandas joins missing keys to each other, as the numbering did.
    sure = named[named["name_number"] > 0].merge(kept, on=group)[["account_id", "same_as"]]
    near = near_names(named)
    near = near[~near["account_id"].isin(sure["account_id"])]
    found = pd.concat([sure.assign(match="same name"), near.assign(match="one letter apart")])
    by_id = accounts.drop_duplicates("account_id").set_index("account_id")
    found = found.assign(
        name=found["account_id"].map(by_id["name"]),
        country=found["account_id"].map(by_id["country"]),
        kept_name=found["same_as"].map(by_id["name"]),
        deals_base=found["account_id"].map(worth) if worth is not None else float("nan"),
    )
    columns = ["account_id", "name", "country", "same_as", "kept_name", "match", "deals_base"]
    order = ["match", "deals_base", "account_id"]
    return found.sort_values(order, ascending=[False, False, True], ignore_index=True)[columns]
