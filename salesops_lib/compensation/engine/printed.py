"""Pay for the terminal and for other programs."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import groupby

from salesops_lib.compensation.engine.lines import EARNINGS
from salesops_lib.compensation.engine.pay import Paid
from salesops_lib.compensation.engine.rounding import amount, money
from salesops_lib.compensation.engine.tables import lines_table, measures_table, payments_table


def as_text(paid: Paid) -> str:
    """Statements by holder and pay period, totals by part, notes."""
    plans = paid.paying.versions.plans
    versions = ", ".join(f"v{p.version} from {p.start}" for p in plans)
    told = [f"{plans[0].id} ({versions}), {plans[0].currency}"]
    table = lines_table(paid).to_dict("records")
    payments = {(p.rep, paid.paying.windows.name(p.period)): p for p in paid.payments}
    for (rep, period), rows in groupby(table, key=lambda r: (r["rep_id"], r["period"])):
        told += ["", f"{rep}  {period}"]
        told += [_line(row) for row in rows]
        payment = payments[rep, period]
        told.append(f"  {'paid':<60}{money(payment.paid):>16}")
        told += _balances(payment)
    told += ["", "Earned by part"]
    told += [f"  {part:<60}{money(cents):>16}" for part, cents in _by_part(paid).items()]
    told.append(f"  {'paid':<60}{money(sum(p.paid for p in paid.payments)):>16}")
    told += ["", *(f"note: {note}" for note in paid.notes)] if paid.notes else []
    return "\n".join(told)


def _line(row: dict) -> str:
    deal = f" {row['deal_id']}" if row["deal_id"] else ""
    rule = f" [{row['rule']}]" if row["rule"] else ""
    head = f"{row['date']} {row['kind']} {row['part']}{deal}{rule}"
    return f"  {head:<60}{money(int(row['amount'].scaleb(2))):>16}  {row['arithmetic']}".rstrip()


def _balances(payment) -> list[str]:
    named = (
        ("held", payment.held_balance), ("overpaid, to come back", payment.overpaid_balance),
        ("draw to recover", payment.draw_balance), ("draw forgiven", payment.forgiven),
    )  # fmt: skip
    return [f"  {'  ' + name:<60}{money(cents):>16}" for name, cents in named if cents]


def _by_part(paid: Paid) -> dict[str, int]:
    """Cents earned by component, SPIFF and pool, caps and clawbacks apart."""
    found: dict[str, int] = defaultdict(int)
    for line in paid.lines:
        if line.kind in EARNINGS:
            found[line.part if line.kind != "cap" else f"cap of {line.part}"] += line.cents
    return dict(sorted(found.items()))


def as_json(paid: Paid) -> str:
    """One object: plan, lines, payments, measures, totals, notes; money and exact numbers as text."""
    plans = paid.paying.versions.plans
    content = {
        "plan": plans[0].id,
        "versions": [p.version for p in plans],
        "currency": plans[0].currency,
        "lines": lines_table(paid).to_dict("records"),
        "payments": payments_table(paid).to_dict("records"),
        "measures": measures_table(paid).to_dict("records"),
        "totals": {
            "earned": {part: amount(cents) for part, cents in _by_part(paid).items()},
            "earned_total": amount(sum(p.earned for p in paid.payments)),
            "paid_total": amount(sum(p.paid for p in paid.payments)),
            "by_holder": {
                rep: amount(sum(p.paid for p in of_rep))
                for rep, of_rep in groupby(sorted(paid.payments, key=lambda p: p.rep), key=lambda p: p.rep)
            },
        },
        "notes": list(paid.notes),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)
