"""Kinds of statement lines as payroll codes."""

from __future__ import annotations

CODES = {
    "commission": "COMM", "adjustment": "COMM", "cap": "COMM", "carry": "COMM", "bonus": "BONUS",
    "spiff": "SPIFF", "pool": "POOL", "hold": "HOLD", "release": "HOLD", "clawback": "CLAW",
    "cancelled": "CLAW", "overpayment": "CLAW", "draw": "DRAW", "draw_recovery": "DRAW",
    "correction": "CORR", "dispute": "DISPUTE", "carried": "CARRY",
}  # fmt: skip
"""Kind of line → payroll code."""
