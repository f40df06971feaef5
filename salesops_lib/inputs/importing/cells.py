"""One cell of text as SQL: a number, a truth value, a text that Excel damaged, a literal."""

from __future__ import annotations

MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
TYPES = {
    "text": "VARCHAR", "date": "DATE", "datetime": "TIMESTAMP", "bool": "BOOLEAN", "count": "BIGINT",
    "money": "DOUBLE", "number": "DOUBLE", "ratio": "DOUBLE", "days": "DOUBLE",
}  # fmt: skip
YES, NO = ("true", "yes", "y", "1", "t"), ("false", "no", "n", "0", "f")


def bare(text: str) -> str:
    """SQL: a number's text without blanks, currency signs and codes, and percent."""
    return f"regexp_replace({text}, '(?i)[\\s\\p{{Sc}}''\u00a0\u202f%]|\\b[A-Z]{{3}}\\b', '', 'g')"


def number(text: str, decimal: str) -> str:
    """SQL: text as a number: currency signs, thousands, percent, parentheses or a trailing minus.

    ``1,23`` with a decimal point is no number (two digits cannot follow a thousands comma) and stays unread.
    """
    own = bare(text)
    signed = (
        f"CASE WHEN {own} LIKE '(%)' THEN concat('-', substr({own}, 2, length({own}) - 2)) "
        f"WHEN {own} LIKE '%_-' THEN concat('-', substr({own}, 1, length({own}) - 1)) ELSE {own} END"
    )
    group, point = (",", ".") if decimal == "." else (".", ",")
    form = f"[+-]?(\\d+|\\d{{1,3}}(\\{group}\\d{{3}})+)?(\\{point}\\d+)?"
    plain = f"replace(replace({signed}, '{group}', ''), '{point}', '.')"
    slow = f"CASE WHEN regexp_full_match({signed}, '{form}') THEN try_cast({plain} AS DOUBLE) END"
    slow = f"CASE WHEN contains({text}, '%') THEN {slow} / 100 ELSE {slow} END"
    quick = f"try_cast({text} AS DOUBLE)"
    guard = f"isfinite({quick})" if decimal == "." else f"NOT contains({text}, '.') AND isfinite({quick})"
    return f"coalesce(CASE WHEN {guard} THEN {quick} END, CASE WHEN {text} IS NOT NULL THEN {slow} END)"


def truth(text: str) -> str:
    """SQL: text as true or false."""
    yes, no = (", ".join(quoted(w) for w in words) for words in (YES, NO))
    return f"CASE WHEN lower({text}) IN ({yes}) THEN TRUE WHEN lower({text}) IN ({no}) THEN FALSE END"


def quoted(text: str) -> str:
    """A SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def undamaged(text: str, order: str) -> str:
    """``01-May``, which Excel made of 1-5 (dmy) or 5-1 (mdy), back to the text that was typed."""
    parts = f"string_split({text}, '-')"
    month = f"list_position(['{MONTHS.replace('|', chr(39) + ', ' + chr(39))}'], {parts}[2])"
    pair = f"ltrim({parts}[1], '0')", month
    first, second = pair if order == "dmy" else pair[::-1]
    return (
        f"CASE WHEN regexp_full_match({text}, '\\d{{1,2}}-({MONTHS})') THEN concat({first}, '-', "
        f"{second}) ELSE {text} END"
    )


def lone(text: str, separator: str) -> str:
    """SQL: the one text that a list names, once or several times; missing where it names several."""
    parts = f"list_distinct(string_split_regex({text}, '\\s*[{separator}][{separator}\\s]*'))"
    parts = f"list_filter({parts}, lambda part: part <> '')"
    return f"CASE WHEN len({parts}) = 1 THEN {parts}[1] END"


def period_of(day: str) -> str:
    """SQL: the fiscal quarter a day lies in."""
    return f'(SELECT name FROM fiscal WHERE {day} >= fiscal."start" AND {day} < fiscal."end")'


def period_start(period: str) -> str:
    """SQL: the first day of a fiscal quarter."""
    return f'(SELECT min(fiscal."start") FROM fiscal WHERE name = {period})'
