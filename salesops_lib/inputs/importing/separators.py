"""Point or comma: which of them is the decimal sign of a money column, where its values leave no choice."""

from __future__ import annotations

from salesops_lib.inputs.importing.cells import bare
from salesops_lib.inputs.importing.facts import Facts
from salesops_lib.inputs.importing.mapping import MappingError
from salesops_lib.inputs.importing.reading import Source

# A value of one separator and three digits (1.234) is either thousands or three decimals; others prove one.
_STATS = """
WITH cells AS (
        SELECT {text} AS v, {bare} AS b, {number} AS n FROM "{table}"
        WHERE contains({text}, ',') OR contains({text}, '.')),
     bared AS (SELECT v, n, regexp_replace(b, '[()+-]', '', 'g') AS b FROM cells),
     marked AS (
        SELECT v, n, b, regexp_full_match(b, '[1-9]\\d{{0,2}}[.,]\\d{{3}}') AS either,
            regexp_full_match(b, '{point}') AS point, regexp_full_match(b, '{comma}') AS comma
        FROM bared)
SELECT min(n) FILTER (either), arg_min(v, n) FILTER (either),
       count(*) FILTER (point AND NOT either), count(*) FILTER (comma AND NOT either),
       count(*) FILTER (either AND contains(b, '.')),
       count(*) FILTER (comma AND contains(b, '.') AND contains(b, ','))
FROM marked
"""


def proven_decimal(source: Source, facts: Facts, text: str, where: str) -> str | None:
    """The decimal sign that a money column proves; None where its values read alike or the default serves.

    The default also serves where every doubtful value has a comma (8,000): money has no three decimals, and
    a decimal comma is rare where nothing else shows one. A point before three digits (1.234) is different:
    it is how much of Europe writes thousands.

    Raises MappingError where values such as 1.234 could be thousands or decimals and no other value proves
    which, or where others prove both; it names the first and what to declare.
    """
    if _plain(facts, text):
        return None
    forms = {"point": _form(".", ","), "comma": _form(",", ".")}
    asked = _STATS.format(text=text, bare=bare(text), number=source.number, table=source.table, **forms)
    row, sample, point, comma, pointed, grouped = source.facts.con.execute(asked).fetchone()
    if row is None:  # no doubtful value: 1.234,56 proves the comma by itself, 1,23 alone does not
        return "," if grouped and not point else None
    if not (point or comma or pointed):
        return None
    if bool(point) == bool(comma):
        both = (
            f"{point} values have a decimal point and {comma} a decimal comma" if point
            else "no other value proves the decimal sign"
        )  # fmt: skip
        raise MappingError(
            f"{where} is ambiguous: {both}, so row {row} '{sample}' could be thousands or decimals; "
            f"declare \"decimal: '.'\" or \"decimal: ','\" for it in the mapping"
        )
    return "." if point else ","


def _plain(facts: Facts, text: str) -> bool:
    """Whether no cell has a comma and any cell with a point proves it decimal: the usual export, one scan."""
    comma, pointed, proof = facts.get(
        f"bool_or(contains({text}, ','))",
        f"bool_or(contains({text}, '.'))",
        f"bool_or(contains({text}, '.') AND substr({text}, -4, 1) <> '.' AND try_cast({text} AS DOUBLE) "
        "IS NOT NULL)",
    )
    return not comma and (proof or not pointed)


def _form(point: str, group: str) -> str:
    """A number with this decimal sign: with decimals, or with more than one group of thousands."""
    whole = f"(\\d+|\\d{{1,3}}(\\{group}\\d{{3}})+)"
    return f"{whole}?\\{point}\\d+|\\d{{1,3}}(\\{group}\\d{{3}}){{2,}}"
