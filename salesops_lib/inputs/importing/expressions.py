"""A column of the mapping becomes two SQL expressions: the source text that counts, and its typed value.

Where the text is there and the value is not, the cell could not be read: ``convert`` reports it by row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from salesops_lib.inputs.importing import cells, dates
from salesops_lib.inputs.importing.cells import TYPES, number, quoted, truth, undamaged
from salesops_lib.inputs.importing.facts import Facts
from salesops_lib.inputs.importing.mapping import ColumnMap, Condition, Lookup, Mapping, MappingError
from salesops_lib.inputs.importing.reading import Source, column
from salesops_lib.inputs.importing.separators import proven_decimal

ONCE = "__once"


@dataclass(frozen=True)
class Expression:
    """``text``: SQL of the cleaned source text. ``value``: SQL of the typed value."""

    text: str
    value: str


@dataclass
class Compiler:
    """Turns the columns of one source file into SQL. Collects the joins and the sentinel cells met."""

    con: duckdb.DuckDBPyConnection
    mapping: Mapping
    source: Source
    company_zone: str
    lookups: dict[str, str]  # file or table name -> DuckDB table holding it
    table: str = ""  # of ours
    name: str = ""  # our column at work
    where: str = ""
    days: dict[tuple[str, str], dates.DayRead] = field(default_factory=dict)  # by our and the source column
    joins: list[str] = field(default_factory=list)
    # column, text, joined value, lookup
    matched: list[tuple[str, str, str, Lookup]] = field(default_factory=list)
    sentinels: list[tuple[str, str, list[str]]] = field(default_factory=list)  # column, source column, texts
    # column, source column, repair order
    damaged: list[tuple[str, str, str | None]] = field(default_factory=list)
    lists: dict[str, str] = field(default_factory=dict)  # our column -> separator of its lists
    once: dict[str, str] = field(default_factory=dict)  # SQL that several values share -> its column's name
    facts: Facts | None = None  # the source's own, unless this is a rehearsal

    def __post_init__(self) -> None:
        self.facts = self.facts or self.source.facts

    def column(
        self, name: str, spec: ColumnMap, kind: str, others: dict[str, ColumnMap]
    ) -> Expression | None:
        """The expression of our column ``name``, or None where the file has nothing for it."""
        self.name = name
        self.where = f"table of file '{self.source.file}', our column '{name}',"
        if spec.period_start:
            period = self.column("period", others["period"], "text", others)
            return None if period is None else self._typed_day(cells.period_start(period.value), kind)
        return self._nested(name, spec, kind)

    def condition(self, test: Condition) -> str | None:
        """SQL of a row test; None where the file lacks the column."""
        name = column(self.source, test.column, required=False, where="")
        if name is None:
            return None
        if test.absent_from is not None:
            file, _, other = test.absent_from.partition(":")
            if file not in self.lookups:
                return None
            return (
                f'{_clean(name)} NOT IN (SELECT trim("{other}") FROM "{self.lookups[file]}" WHERE '
                f'"{other}" IS NOT NULL)'
            )
        words = ", ".join(quoted(v) for v in (test.is_ if test.is_ is not None else test.not_))
        return f"coalesce({_clean(name)}, '') {'IN' if test.is_ is not None else 'NOT IN'} ({words})"

    def _origin(self, name: str, spec: ColumnMap, kind: str) -> Expression | None:
        if spec.first_day:
            return Expression("NULL", f"CAST(NULL AS {TYPES[kind]})")  # filled once every table is read
        if spec.constant is not None:
            return Expression("NULL", f"CAST({quoted(spec.constant)} AS {TYPES[kind]})")
        if spec.from_ is not None:
            return self._leaf(name, spec, kind)
        if spec.first is not None:
            return self._first(name, spec, kind)
        if spec.when is not None:
            return self._when(name, spec, kind)
        if spec.period is not None:
            return self._period(spec)
        if spec.period_of is not None:
            day = self._nested(name, spec.period_of, "date")
            return None if day is None else Expression(day.text, cells.period_of(day.value))
        if spec.compose is not None:
            return self._composed(spec)
        parts = [c for n in spec.join if (c := column(self.source, [n], required=False, where=""))]
        joined = f"nullif(concat_ws(' ', {', '.join(_clean(p) for p in parts)}), '')"
        return Expression(joined, joined) if parts else None

    def _nested(self, name: str, spec: ColumnMap, kind: str) -> Expression | None:
        found = self._origin(name, spec, "text" if spec.lookup else kind)
        if found is None:
            return None
        if spec.lookup:
            found = self._looked_up(name, found, spec.lookup, kind)
        return self._finished(found, spec, kind)

    def _leaf(self, name: str, spec: ColumnMap, kind: str) -> Expression | None:
        source_column = column(self.source, spec.from_, required=spec.required, where=self.where)
        if source_column is None:
            return None
        text = _clean(source_column)
        missing = [*self.mapping.sentinels, *spec.sentinels]
        if missing:
            self.sentinels.append((name, source_column, missing))
            text = f"CASE WHEN {text} IN ({', '.join(quoted(m) for m in missing)}) THEN NULL ELSE {text} END"
        if spec.values:
            branches = " ".join(
                f"WHEN {quoted(k)} THEN {'NULL' if v is None else quoted(v)}" for k, v in spec.values.items()
            )
            text = f"CASE {text} {branches} ELSE {text} END"
        if kind == "text":
            self.damaged.append((name, source_column, spec.excel_text))
        return Expression(text, self._parsed(text, source_column, spec, kind))

    def _parsed(self, text: str, source_column: str, spec: ColumnMap, kind: str) -> str:
        if kind in {"date", "datetime"}:
            formats = [*spec.formats, *self.mapping.formats]
            order, where = (
                spec.order or self.mapping.dates,
                f"file '{self.source.file}', column '{source_column}'",
            )
            found = dates.read_order(self.source, self.facts, text, order, formats, where)
            zone = spec.zone or self.mapping.zone
            local = self._once(dates.local(text, found))
            if kind == "datetime":
                return dates.stamp(text, local, found, zone)
            written = spec.as_written or self._midnights(text, source_column, found, zone)
            return dates.day(text, local, found, (zone, self.company_zone), as_written=written)
        if kind == "bool":
            return truth(text)
        if kind == "text":
            if spec.lone:
                self.lists[self.name] = spec.lone
                return cells.lone(text, spec.lone)
            return undamaged(text, spec.excel_text) if spec.excel_text else text
        value = self._once(number(text, self._decimal(text, source_column, spec, kind)))
        if kind == "count":
            return f"CASE WHEN {value} = floor({value}) THEN CAST({value} AS BIGINT) END"
        return value

    def _midnights(self, text: str, source_column: str, found: dates.DateColumn, zone: str) -> bool:
        """Whether a column's times of day are all midnight: dates in disguise, that no zone moves."""
        if self.facts.rehearsed:
            return False
        midnights, moved = dates.read_days(self.source, text, found, (zone, self.company_zone))
        if midnights or moved:
            column = f"{self.table}.{self.name}"
            self.days[column, source_column] = dates.DayRead(column, source_column, midnights, moved)
        return midnights > 0

    def _decimal(self, text: str, source_column: str, spec: ColumnMap, kind: str) -> str:
        """The decimal sign: declared, else proven by the column, else the mapping's default."""
        declared = spec.decimal or ("decimal" in self.mapping.model_fields_set and self.mapping.decimal)
        if declared or kind != "money" or self.source.encoding == "parquet":
            return declared or self.mapping.decimal
        where = f"file '{self.source.file}', column '{source_column}'"
        return proven_decimal(self.source, self.facts, text, where) or self.mapping.decimal

    def _once(self, sql: str) -> str:
        """A name for a part that a value needs more than once: the engine then computes it once a row."""
        return self.once.setdefault(sql, f"{ONCE}{len(self.once)}")

    def _first(self, name: str, spec: ColumnMap, kind: str) -> Expression | None:
        found: list[Expression] = []
        for choice in spec.first:
            if not (found and self._filled(found[-1].text)):  # else it would never be asked
                found += [e for e in [self._nested(name, choice, kind)] if e is not None]
        if len(found) < 2:
            return found[0] if found else None
        # An unreadable first choice stays unread and is reported; it does not fall through to the second.
        branches = " ".join(f"WHEN {e.text} IS NOT NULL THEN {e.value}" for e in found[:-1])
        text = f"coalesce({', '.join(e.text for e in found)})"
        return Expression(text, f"CASE {branches} ELSE {found[-1].value} END")

    def _filled(self, text: str) -> bool:
        """Whether every row has this text."""
        if text == "NULL" or apart(text):
            return False
        filled, rows = self.facts.get(f"count({text})", "count(*)")
        return rows is not None and filled == rows

    def _when(self, name: str, spec: ColumnMap, kind: str) -> Expression | None:
        branches = []
        for case in spec.when:
            test, then = self.condition(case), self._nested(name, case.then, kind)
            if test is not None and then is not None:
                branches.append((test, then))
        other = self._nested(name, spec.otherwise, kind) if spec.otherwise else None
        if not branches:
            return other
        other = other or Expression("NULL", f"CAST(NULL AS {TYPES[kind]})")
        text = " ".join(f"WHEN {t} THEN {e.text}" for t, e in branches)
        value = " ".join(f"WHEN {t} THEN {e.value}" for t, e in branches)
        return Expression(f"CASE {text} ELSE {other.text} END", f"CASE {value} ELSE {other.value} END")

    def _composed(self, spec: ColumnMap) -> Expression | None:
        """A stable id from columns; rows that share it are told apart by their rank in ``tie``."""
        parts = [c for n in spec.compose if (c := column(self.source, [n], required=False, where=""))]
        if len(parts) < len(spec.compose):
            return None
        base = f"substr(md5(concat_ws('|', {', '.join(_clean(p) for p in parts)})), 1, 16)"
        ties = [c for n in spec.tie if (c := column(self.source, [n], required=False, where=""))]
        if not ties:
            return Expression(base, base)
        rank = f"dense_rank() OVER (PARTITION BY {base} ORDER BY {', '.join(_clean(t) for t in ties)})"
        numbered = f"CASE WHEN {rank} = 1 THEN {base} ELSE concat({base}, '-', {rank}) END"
        return Expression(numbered, numbered)

    def _period(self, spec: ColumnMap) -> Expression | None:
        year = column(self.source, spec.period["year"], required=spec.required, where=self.where)
        quarter = column(self.source, spec.period["quarter"], required=spec.required, where=self.where)
        if year is None or quarter is None:
            return None
        text = f"concat_ws(' ', {_clean(year)}, {_clean(quarter)})"
        digits = (
            f"regexp_extract({_clean(year)}, '(\\d\\d)$', 1), regexp_extract({_clean(quarter)}, "
            "'([1-4])$', 1)"
        )
        made = f"format('FY{{}}-Q{{}}', {digits})"
        return Expression(text, f"CASE WHEN length({made}) = 7 THEN {made} END")

    def _looked_up(self, name: str, found: Expression, lookup: Lookup, kind: str) -> Expression:
        target = lookup.file or lookup.table
        if target not in self.lookups:
            return found
        held = self.lookups[target]
        have = [d[0] for d in self.con.execute(f'SELECT * FROM "{held}" LIMIT 0').description]
        match = next((c for c in lookup.match if c in have), None)
        take = next((c for c in lookup.take if c in have), None)
        if match is None or take is None:
            if lookup.file is None:
                return found
            raise MappingError(
                f"{self.where} looks up {lookup.match[0]} and {lookup.take[0]} in '{target}', "
                f"which has {', '.join(have[:8])}"
            )
        alias = f"__look{len(self.joins)}"
        rows = (
            f'SELECT trim("{match}") AS __k, min(trim("{take}")) AS __v FROM "{held}" WHERE '
            f'"{match}" IS NOT NULL GROUP BY 1'
        )
        text = found.value
        if lookup.accept:
            branches = " ".join(f"WHEN {quoted(k)} THEN {quoted(v)}" for k, v in lookup.accept.items())
            text = f"CASE {text} {branches} ELSE {text} END"
        self.joins.append(f"LEFT JOIN ({rows}) {alias} ON {alias}.__k = {text}")
        self.matched.append((name, found.value, f"{alias}.__k", lookup))
        kept = f"coalesce({alias}.__v, {text})" if lookup.unmatched == "keep" else f"{alias}.__v"
        if kind in {"date", "datetime"}:
            kept = f"CAST(try_cast({kept} AS TIMESTAMP) AS {TYPES[kind]})"
        elif kind != "text":
            kept = number(kept, self.mapping.decimal)
        return Expression(found.text, kept)

    def _finished(self, found: Expression, spec: ColumnMap, kind: str) -> Expression:
        text, value = found.text, found.value
        if kind == "ratio" and spec.scale != 1.0:
            value = f"CASE WHEN contains({text}, '%') THEN {value} ELSE {value} * {spec.scale!r} END"
        elif spec.scale != 1.0:
            value = f"{value} * {spec.scale!r}"
        if spec.invert:
            value = f"1.0 / nullif({value}, 0)"
        if spec.plus_days:
            value = f"CAST({value} + INTERVAL {spec.plus_days} DAY AS {TYPES[kind]})"
        if spec.zero_is_missing:
            text = f"CASE WHEN {value} = 0 THEN NULL ELSE {text} END"
            value = f"nullif({value}, 0)"
        return Expression(text, value)

    def _typed_day(self, day: str, kind: str) -> Expression:
        if kind == "datetime":
            day = f"timezone('UTC', timezone('{self.company_zone}', CAST({day} AS TIMESTAMP)))"
        return Expression("NULL", day)


def apart(text: str) -> bool:
    """Whether SQL of a text needs a query of its own: it names a part of ``once``, or ranks rows."""
    return ONCE in text or " OVER (" in text


def _clean(name: str) -> str:
    """SQL: the cell; staging has trimmed it already."""
    return f'"{name}"'
