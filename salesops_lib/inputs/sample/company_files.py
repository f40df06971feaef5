"""The small files of the sample company: company.yaml, plan rates, compensation plans, an empty ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

from salesops_lib.inputs.sample.calendar_fx import COMPANY_ZONE, CURRENCIES, HOLIDAYS, PLAN_RATES
from salesops_lib.inputs.sample.quotas import COMPANY

PLANS = Path(__file__).parent / "plans"
"""Compensation plans of three fiscal years, and proposals for the fourth under ``proposed/``."""
ROUTING = Path(__file__).with_name("routing.yaml")
"""Who gets a lead."""
_COMPANY = """\
schema_version: 1
name: {name}
reporting_currency: USD
time_zone: {zone}
working_days: [Mon, Tue, Wed, Thu, Fri]
holidays: [{holidays}]
fiscal_calendar: {{kind: months, first_month: 2, named_by: end}}
crm_link: "https://crm.example.com/{{table}}/{{id}}"
"""


def write_files(out: Path) -> None:
    """Write everything of a company folder that is no table."""
    for folder in ("tables", "policy", "ledger"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    company = _COMPANY.format(name=COMPANY, zone=COMPANY_ZONE, holidays=", ".join(HOLIDAYS))
    (out / "company.yaml").write_text(company, encoding="utf-8")
    (out / "policy" / "plan_rates.yaml").write_text(_plan_rates(), encoding="utf-8")
    shutil.copyfile(ROUTING, out / "policy" / "routing.yaml")
    (out / "ledger" / ".gitkeep").write_text("", encoding="utf-8")
    shutil.copytree(PLANS, out / "plans", dirs_exist_ok=True)


def _plan_rates() -> str:
    lines = [
        "# Rates of the year's plan: quotas and goals are converted at these, deals at the day's rate.\n"
    ]
    for position, currency in enumerate(CURRENCIES[1:], start=1):
        lines.append(
            f"{currency.lower()}:\n"
            f"  description: Plan rate of {currency} for the fiscal year that starts on the date.\n"
            f"  unit: USD per {currency}\n"
            f"  source: plan of the fiscal year, approved by the head of sales and finance\n"
            f"  values:\n"
        )
        for year, known in PLAN_RATES.items():
            lines.append(f"    20{int(year[2:]) - 1:02d}-02-01: {known[position]}\n")
    return "".join(lines)
