"""Tiny company folders: one factory, vary only what matters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

COMPANY = """\
schema_version: 1
name: Tiny
reporting_currency: USD
time_zone: America/New_York
fiscal_calendar: {kind: months, first_month: 2, named_by: end}
"""

OPPORTUNITIES = """\
opportunity_id,account_id,owner_id,created_date,close_date,recorded_at,stage,is_closed,is_won,amount,currency,amount_base
A,,,2025-01-02,2025-03-31,2025-01-02T15:00:00Z,Qualification,false,false,100,USD,100
A,,,2025-01-02,2025-03-20,2025-03-20T15:00:00Z,Closed Won,true,true,120,USD,120
B,,,2025-02-10,2025-04-30,2025-02-10T15:00:00Z,Proposal,false,false,50,EUR,55
"""


@pytest.fixture
def make_company(tmp_path: Path):
    """A function that writes a company folder: tables as CSV text by name, ``company`` and ``imports``."""

    def make(
        tables: dict[str, str] | None = None, *, company: str = COMPANY, imports=None, name="tiny"
    ) -> Path:
        root = tmp_path / name
        (root / "tables").mkdir(parents=True, exist_ok=True)
        (root / "company.yaml").write_text(company, encoding="utf-8")
        for table, text in ({"opportunities": OPPORTUNITIES} | (tables or {})).items():
            (root / "tables" / f"{table}.csv").write_text(text, encoding="utf-8")
        if imports is not None:
            (root / "import.json").write_text(json.dumps({"imports": imports}), encoding="utf-8")
        return root

    return make
