"""Columns that several tables share, so that they are declared in the same words everywhere."""

from __future__ import annotations

from salesops_lib.core.contracts import Column

LATEST_DAY = "2200-01-01"
EARLIEST_DAY = "1900-01-02"
"""A day outside these is a sentinel, not a date: an unknown is empty, never 1900-01-01."""


def recorded_at(required: bool = False) -> Column:
    """When the company learnt the row; a table that cannot do without it asks for it."""
    return Column(
        "recorded_at",
        "datetime",
        "When the company learnt this row.",
        required=required,
        nullable=not required,
    )


def key(name: str, meaning: str, kind: str = "text", **options) -> Column:
    """A column of the key: always there, never empty."""
    return Column(name, kind, meaning, nullable=False, **options)


def text(name: str, meaning: str, **options) -> Column:
    """An optional text."""
    return Column(name, "text", meaning, required=False, **options)


def money(name: str, meaning: str, **options) -> Column:
    """An optional amount of money."""
    return Column(name, "money", meaning, required=False, **options)


def day(name: str, meaning: str, **options) -> Column:
    """An optional business day in the company's zone."""
    return Column(name, "date", meaning, required=False, **options)


def stamp(name: str, meaning: str, **options) -> Column:
    """An optional moment in UTC that is unknown before itself."""
    return Column(name, "datetime", meaning, required=False, **{"known_at": name, **options})


def optional(name: str, kind: str, meaning: str, **options) -> Column:
    """An optional column of any other kind."""
    return Column(name, kind, meaning, required=False, **options)


def ended(meaning: str) -> Column:
    """The end of a half-open interval; empty, or after the day read, means still."""
    return Column("end_date", "date", meaning, required=False, known_at="end_date")
