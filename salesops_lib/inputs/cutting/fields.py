"""Cells an audience may not see: hidden columns, names, pay; and free texts that repeat one of them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from salesops_lib.core.contracts import Table
from salesops_lib.core.suppression import withheld_groups

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

WITHHELD = "[withheld]"
PAY = ("target_cash", "base_salary")
"""Columns of ``plan_assignments`` that are somebody's pay."""
FREE = {
    "opportunities": ("name", "next_step", "loss_reason"),
    "forecast_submissions": ("note",),
    "line_items": ("approved_by", "reason"),
    "leads": ("landing_page", "reason"),
    "accounts": ("name",),
}
"""Columns people type into; columns no contract declares count as such too."""

_MIN_PAY = 1000  # smaller numbers stand in texts for a hundred other reasons
_SEPARATORS = "[ ,.'_\u00a0\u2009\u202f\u2019]"
_NUMBER = re.compile(
    r"(?<![\w.,])(?:[A-Za-z]{3})?"  # USD183,457 and 183457EUR are amounts too
    rf"(\d{{1,3}}(?:{_SEPARATORS}\d{{3}})+|\d{{1,2}}(?:,\d\d)+,\d{{3}}|\d+)(?:[.,](\d{{1,3}})(?!\d))?"
    r"(?:\s?([kKmM])(?:[A-Za-z]{3})?(?!\w)|[A-Za-z]{3}(?!\w)|(?!\w))"
)
_SCALE = {"k": (1_000, 0), "m": (1_000_000, 2)}  # 0.2M is everybody's: two digits at least name one
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # scripts that write words together


def emptied(rows: pa.Table, contract: Table, columns: Collection[str]) -> pa.Table:
    """The rows with some columns empty."""
    import pyarrow as pa

    for column in [c for c in columns if c in rows.column_names]:
        position = rows.column_names.index(column)
        rows = rows.set_column(position, column, pa.nulls(rows.num_rows, rows.column(column).type))
    return rows


def mean_pay(now: pd.DataFrame, days: Iterable[pd.DataFrame], smallest: int) -> tuple[pd.DataFrame, int]:
    """Pay as the mean of role and currency; empty where the group, a total, or another day would tell one's.

    Parameters
    ----------
    now
        ``plan_assignments`` in force: ``rep_id``, ``currency``, ``role``, the columns of :data:`PAY`.
    days
        The same as it was on the days on which a mean may change, oldest first: the same days for every
        report, or the difference of two would tell who came between them.
    smallest
        Fewest people in a group that is shown.

    Returns
    -------
    The rows of ``now`` with their pay replaced, to whole hundreds, and the number of groups withheld.
    The groups of one currency and column have one total;
    :func:`salesops_lib.core.suppression.withheld_groups` says which go. A mean stays as it was until the pay
    or the place of ``smallest`` people of its group has changed: two reports subtracted then tell the pay of
    at least so many together.
    """
    made, count, days = now.copy(), 0, list(days)
    group = made["role"].fillna("").astype("object")
    currency = made["currency"].fillna("").astype("object")
    for column in PAY:
        means = _steady_means(days, column, smallest)
        amounts = made[column].astype("float64")
        told = [means.get(key, math.nan) for key in zip(currency, group, strict=True)]
        shown = amounts.mask(amounts.notna(), told)
        for one in sorted(set(currency)):
            known = (currency == one) & amounts.notna()
            sizes = made.loc[known, "rep_id"].groupby(group[known]).nunique().to_dict()
            gone = withheld_groups(sizes, smallest)
            gone |= {name for name in sizes if (one, name) not in means}
            count += len(gone)
            shown = shown.mask((currency == one) & (group.isin(gone) | amounts.isna()))
        made[column] = shown
    return made, count


def _steady_means(days: Sequence[pd.DataFrame], column: str, smallest: int) -> dict[tuple[str, str], float]:
    """The mean of each currency and role as of the last day on which enough of its people had changed."""
    stands: dict[tuple[str, str], dict[str, float]] = {}
    for day in days:
        keys = [day["currency"].fillna("").astype("object"), day["role"].fillna("").astype("object")]
        for key, rows in day[day[column].notna()].groupby(keys):
            pay = rows.groupby("rep_id")[column].mean().astype("float64").to_dict()
            was = stands.get(key, {})
            changed = [rep for rep in pay.keys() | was.keys() if pay.get(rep) != was.get(rep)]
            if len(pay) >= smallest and len(changed) >= smallest:
                stands[key] = pay
    return {key: round(sum(pay.values()) / len(pay), -2) for key, pay in stands.items()}


class Censor:
    """Replaces what may not be read: full names in all texts; in free texts their parts, ids, pay too."""

    def __init__(self, names: Collection[str], ids: Collection[str], amounts: Collection[float]) -> None:
        full = {_plain(name) for name in names if name and _plain(name)}
        parts = {part for name in full for part in re.findall(r"[^\W\d_]{3,}", name)}
        marks = {i for i in ids if i and (len(i) > 3 or re.search(r"[^\W\d_]", i))}
        self._names = _any_of(full | {_turned(name) for name in full if " " in name})
        self._free = _any_of(full | parts | {_plain(mark) for mark in marks})
        self._pay = {float(a) for a in amounts if a == a and abs(a) >= _MIN_PAY}

    def table(self, rows: pa.Table, contract: Table, keep: Collection[str] = ()) -> pa.Table:
        """The rows with every text of a column that is no key, reference or fixed list gone through."""
        import pyarrow as pa

        for position, column in enumerate(rows.column_names):
            if column in keep or not pa.types.is_string(rows.column(column).type):
                continue
            declared = contract.by_name.get(column)
            if declared is not None and (column in contract.key or declared.values or declared.refers_to):
                continue
            free = declared is None or column in FREE.get(contract.name, ())
            coded = rows.column(column).combine_chunks().dictionary_encode()
            seen = [None if t is None else self.text(t, free=free) for t in coded.dictionary.to_pylist()]
            texts = pa.array(seen, pa.string()).take(coded.indices)
            rows = rows.set_column(position, column, texts)
        return rows

    def text(self, text: str, *, free: bool) -> str:
        """A text with :data:`WITHHELD` where it says what may not be read; unchanged where it does not."""
        plain = unicodedata.normalize("NFC", text)
        said = _replaced(self._free if free else self._names, plain)
        if free and self._pay:
            said = _NUMBER.sub(self._number, said)
        return text if said == plain else said

    def _number(self, found: re.Match) -> str:
        whole, decimals = found[1], found[2] or ""
        if found[3] and (small := re.fullmatch(r"(\d{1,3})[.,](\d{3})", whole)):  # 0.183M is no thousands
            whole, decimals = small[1], small[2]
        value = float(re.sub(r"\D", "", whole) + f".{decimals or 0}")
        scale, least = _SCALE[found[3].lower()] if found[3] else (1, 0)
        digits = len(decimals) if found[3] else 0
        asked = {value} if found[3] else {float(math.floor(value)), float(round(value))}
        near = digits >= least and any(asked & _rounded(pay / scale, digits) for pay in self._pay)
        return WITHHELD if near else found[0]


def _rounded(amount: float, digits: int) -> set[float]:
    """An amount as people shorten it: to the nearest, or cut off."""
    return {round(amount, digits), float(math.floor(amount * 10**digits) / 10**digits)}


def _replaced(pattern: re.Pattern | None, text: str) -> str:
    """A text without what the pattern finds in its letters, whatever accents they carry."""
    if pattern is None:
        return text
    bare, at = _bare(text)
    parts, last = [], 0
    for found in pattern.finditer(bare):
        parts += [text[last : at[found.start()]], WITHHELD]
        last = at[found.end()]
    return "".join([*parts, text[last:]]) if parts else text


def _bare(text: str) -> tuple[str, Sequence[int]]:
    """The letters of a text without accents, and the place of each in it (of its end too)."""
    if text.isascii():
        return text, range(len(text) + 1)
    told = [
        (letter, place)
        for place, mark in enumerate(text)
        for letter in unicodedata.normalize("NFD", mark)
        if not unicodedata.combining(letter)
    ]
    return "".join(letter for letter, _ in told), [*(place for _, place in told), len(text)]


def _any_of(words: Collection[str]) -> re.Pattern | None:
    """One pattern for whole words, whatever their case, accents and blanks within; None for none.

    Words of scripts without blanks are found within others.
    """
    longest = sorted({_bare(w)[0] for w in words if w}, key=lambda w: (-len(w), w))
    told = {
        unspaced: "|".join(
            r"\s+".join(map(re.escape, word.split()))
            for word in longest
            if bool(_UNSPACED.search(unicodedata.normalize("NFC", word))) is unspaced
        )
        for unspaced in (False, True)
    }
    forms = [rf"(?<![^\W_])(?:{told[False]})(?![^\W_])" if told[False] else "", told[True]]
    wanted = "|".join(form for form in forms if form)
    return re.compile(wanted, re.IGNORECASE) if wanted else None


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _turned(name: str) -> str:
    """Doe, Jane for Jane Doe."""
    first, _, last = name.rpartition(" ")
    return f"{last}, {first}"
