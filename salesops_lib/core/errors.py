"""Errors a person can mend: what is wrong, where, the first offender, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """The user's input is wrong. Printed as one line, exit code 2, never with a traceback."""


class TableError(UserError):
    """A table breaks its contract. Names table, column, row key, value and what to do."""


class ParameterError(UserError):
    """A notebook or command was given a parameter it does not take, or a value of the wrong type."""


class PolicyError(UserError):
    """A policy value is missing, undated, unsourced or of the wrong type."""


class PeriodError(UserError):
    """A period does not parse, or the fiscal calendar has no such period."""


def nearest(word: str, options: Iterable[str]) -> str:
    """``"Did you mean 'period'? It takes: as_of, period."``: the hint behind every unknown name."""
    options = sorted(options)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    meant = f"Did you mean '{close[0]}'? " if close else ""
    return f"{meant}It takes: {', '.join(options) or 'nothing'}."
