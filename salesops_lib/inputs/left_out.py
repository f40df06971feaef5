"""Tables a run does without because their data failed the gate, named by the runner's environment.

The runner decides (``gate.py``), the kernel obeys: such a table is as if it were not there, and the report
says so with its limits.
"""

from __future__ import annotations

import json
import os

from salesops_lib.core.errors import UserError

LEFT_OUT = "SALESOPS_LEFT_OUT"


def left_out() -> dict[str, str]:
    """Why each table is left out, by name; empty where none is.

    Raises UserError where the variable holds something else: then nothing opens.
    """
    text = os.environ.get(LEFT_OUT, "")
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"${LEFT_OUT} names no tables; unset it, salesops run --due sets it")
    return {str(name): str(why) for name, why in found.items()}


def sentences(tables: dict[str, str]) -> list[str]:
    """A sentence per table, for a report's limits."""
    return [f"Table {name} is left out: {why}." for name, why in sorted(tables.items())]
