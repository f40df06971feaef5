"""Cells an audience may not see: hidden columns, names, pay; and free texts that repeat one of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
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
_SEPARATORS = "[ ,.'\u00a0\u202f\u2019]"
_NUMBER = re.compile(
    rf"(?<![\w.,])(\d{{1,3}}(?:{_SEPARATORS}\d{{3}})+|\d+)(?:[.,](\d{{1,2}})(?!\d))?\s?([kK](?!\w))?(?!\w)"
)


def emptied(rows: pa.Table, contract: Table, columns: Collection[str]) -> pa.Table:
    """The rows with some columns empty."""
    import pyarrow as pa

    for column in [c for c in columns if c in rows.column_names]:
        position = rows.column_names.index(column)
        rows = rows.set_column(position, column, pa.nulls(rows.num_rows, rows.column(column).type))
    return rows


def mean_pay(assigned: pd.DataFrame, roles: dict[str, str], smallest: int) -> tuple[pd.DataFrame, int]:
    """Pay as the mean of role and currency; empty where the group, or a total, would tell one person's.

    Parameters
    ----------
    assigned
        ``plan_assignments`` in force on one day: ``rep_id``, ``currency``, the columns of :data:`PAY`.
    roles
        Role by rep_id on that day.
    smallest
        Fewest people in a group that is shown.

    Returns
    -------
    The rows with their pay replaced, to whole hundreds, and the number of groups withheld. The groups of one
    currency and column have one total; :func:`salesops_lib.core.suppression.withheld_groups` says which go.
    """
    made, count = assigned.copy(), 0
    group = made["rep_id"].map(roles).fillna("").astype("object")
    currency = made["currency"].fillna("").astype("object")
    for column in PAY:
        amounts = made[column].astype("float64")
        shown = amounts.groupby([currency, group]).transform("mean").round(-2)
        for one in sorted(set(currency)):
            known = (currency == one) & amounts.notna()
            sizes = made.loc[known, "rep_id"].groupby(group[known]).nunique().to_dict()
            gone = withheld_groups(sizes, smallest)
            count += len(gone)
            shown = shown.mask((currency == one) & (group.isin(gone) | amounts.isna()))
        made[column] = shown
    return made, count


class Censor:
    """Replaces what may not be read: full names in all texts; in free texts their parts, ids, pay too."""

    def __init__(self, names: Collection[str], ids: Collection[str], amounts: Collection[float]) -> None:
        full = {_plain(name) for name in names if name and _plain(name)}
        parts = {part for name in full for part in re.findall(r"[^\W\d_]{3,}", name)}
        marks = {i for i in ids if i and (len(i) > 3 or re.search(r"[^\W\d_]", i))}
        self._names = _any_of(full | {_turned(name) for name in full if " " in name})
        self._free = _any_of(full | parts | {_plain(mark) for mark in marks})
        self._pay = {round(float(a)) for a in amounts if a == a and abs(a) >= _MIN_PAY}

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
        pattern = self._free if free else self._names
        said = pattern.sub(WITHHELD, plain) if pattern else plain
        if free and self._pay:
            said = _NUMBER.sub(self._number, said)
        return text if said == plain else said

    def _number(self, found: re.Match) -> str:
        whole = int(re.sub(r"\D", "", found[1]))
        if found[3]:
            tenths = float(f"{whole}.{found[2] or 0}")
            near = any(round(pay / 1000, len(found[2] or "")) == tenths for pay in self._pay)
            return WITHHELD if near else found[0]
        cents = float(f"{whole}.{found[2] or 0}")
        return WITHHELD if {whole, round(cents)} & self._pay else found[0]


def _any_of(words: Collection[str]) -> re.Pattern | None:
    """One pattern for whole words, whatever their case and the blanks within; None for none."""
    longest = sorted({w for w in words if w}, key=lambda w: (-len(w), w))
    told = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest)
    return re.compile(rf"(?<![^\W_])(?:{told})(?![^\W_])", re.IGNORECASE) if told else None


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _turned(name: str) -> str:
    """Doe, Jane for Jane Doe."""
    first, _, last = name.rpartition(" ")
    return f"{last}, {first}"
