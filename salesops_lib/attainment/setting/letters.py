"""Quota letters: one printable HTML page per rep, with that rep's own figures and nobody else's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import pandas as pd

from salesops_lib.attainment.setting.basis import NO_REGION, NO_TEAM
from salesops_lib.attainment.setting.plan import QuotaPlan
from salesops_lib.attainment.setting.potential import PARTS

_STYLE = """
@page { size: A4; margin: 20mm }
body { font: 11pt/1.45 "DejaVu Sans", Arial, sans-serif; color: #111827; margin: 0 auto; max-width: 170mm }
.letter { break-after: page; page-break-after: always; padding: 8mm 0 }
.letter:last-child { break-after: auto; page-break-after: auto }
h1 { font-size: 17pt; margin: 0 0 1mm } h2 { font-size: 12pt; margin: 7mm 0 2mm }
.quota { font-size: 22pt; font-weight: bold; margin: 4mm 0 1mm }
.note { color: #4b5563; margin: 0 }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #d1d5db; padding: 1.5mm 2mm; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.sign td { border-bottom: 1px solid #111827; padding-top: 12mm; width: 33% } .sign th { border: 0 }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{style}</style></head><body>{body}</body></html>
"""
_LETTER = """<section class="letter">
<p class="note">{company} · as known on {as_of}</p>
<h1>Quota {year}</h1>
<p>{name} ({rep})<br>{place}</p>
<p class="quota">{quota:,.2f} {currency}</p>
<p class="note">credited bookings, {days}</p>
<h2>By quarter</h2>
<table><tr><th>Quarter</th><th>From</th><th class="number">Ramp</th>
<th class="number">Quota, {currency}</th></tr>
{quarters}</table>
<h2>What it is made of</h2>
<table><tr><th>Part</th><th class="number">Weight</th><th class="number">Your figure</th></tr>
{parts}</table>
{notes}
<h2>How it counts</h2>
<p>Attainment is your credited bookings ÷ your quota, by close date. Months in which you are still
ramping ask for less. If your role or territory changes,
your quota is restated from that day on, in writing.</p>
<p>Questions go to your manager within ten business days; what stays open goes to sales operations.</p>
<table class="sign"><tr><td></td><td></td><td></td></tr>
<tr><th>Rep</th><th>Manager</th><th>Date</th></tr></table>
</section>
"""
_QUARTER = (
    '<tr><td>{period}</td><td>{start}</td><td class="number">{ramp:.0%}</td>'
    '<td class="number">{quota:,.2f}</td></tr>\n'
)
_PART = '<tr><td>{words}</td><td class="number">{weight:.0%}</td><td class="number">{shown}</td></tr>\n'
_NOWHERE = {NO_TEAM, NO_REGION}
_WORDS = {
    "potential": ("Potential of the accounts you hold", "held_base"),
    "history": ("Your bookings of the last four quarters", "last_booked_base"),
    "pipeline": ("Your open deals", "open_base"),
}


@dataclass(frozen=True)
class Letterhead:
    """What every letter says alike: company, currency, and the day the figures were known."""

    company: str
    currency: str
    as_of: str


def letters(quotas: QuotaPlan, head: Letterhead) -> dict[str, str]:
    """File name → page: ``quota_letters.html`` with one page per rep, and one file for each.

    Empty without quotas. All text is escaped; a page needs nothing from elsewhere. A file's name comes from
    the rep's id, made safe and unique.
    """
    if not quotas.ready:
        return {}
    quarters = quotas.proposed.quarters.merge(quotas.plan.quarters[["period", "start_date"]], on="period")
    by_rep = dict(list(quarters.groupby("rep_id", sort=False)))
    pages = {
        row["rep_id"]: _letter(row, by_rep[row["rep_id"]], quotas, head)
        for row in quotas.proposed.reps.sort_values("rep_id").to_dict("records")
    }
    title = f"Quota {quotas.plan.name}"
    files = {letter_file(rep): _page(f"{title}, {rep}", page) for rep, page in pages.items()}
    return {"quota_letters.html": _page(f"{title}, all letters", "".join(pages.values()))} | files


def letter_file(rep_id: str) -> str:
    """``quota_letter_R017.html``; other characters become ``-`` and a short hash keeps the name unique."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", str(rep_id)).strip("-")[:60]
    if safe != rep_id:
        safe = f"{safe}-{hashlib.sha256(str(rep_id).encode()).hexdigest()[:8]}"
    return f"quota_letter_{safe}.html"


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=escape(title), style=_STYLE, body=body)


def _letter(row: Mapping, quarters: pd.DataFrame, quotas: QuotaPlan, head: Letterhead) -> str:
    plan, currency = quotas.plan, escape(head.currency)
    place = [row[c] for c in ("role", "team", "region") if pd.notna(row[c]) and row[c] not in _NOWHERE]
    last = (plan.quarters["end_date"].iloc[-1] - pd.Timedelta(days=1)).date()
    lines = [
        _QUARTER.format(
            period=escape(q["period"]),
            start=q["start_date"].date(),
            ramp=q["ramp_share"],
            quota=q["quota_base"],
        )
        for q in quarters.to_dict("records")
    ]
    return _LETTER.format(
        company=escape(head.company),
        as_of=escape(head.as_of),
        year=escape(plan.name),
        name=escape(str(row["name"])),
        rep=escape(str(row["rep_id"])),
        place=escape(", ".join(map(str, place))),
        quota=row["quota_base"],
        currency=currency,
        days=f"{plan.start.isoformat()} to {last}",
        quarters="".join(lines),
        parts="".join(_part(row, part, currency) for part in PARTS if row[f"{part}_weight"] > 0),
        notes=_notes(row, escape(plan.name)),
    )


def _part(row: Mapping, part: str, currency: str) -> str:
    words, column = _WORDS[part]
    value = row[column]
    shown = f"{value:,.0f} {currency}" if pd.notna(value) else "–"
    return _PART.format(words=words, weight=row[f"{part}_weight"], shown=shown)


def _notes(row: Mapping, year: str) -> str:
    said = []
    if row["effective_share"] < 0.999:
        said.append(f"You are still ramping: {row['effective_share']:.0%} of a full quota counts in {year}.")
    if row["capped"]:
        said.append("Your parts gave more; the quota was cut to the house limit for your role and segment.")
    if pd.notna(row["last_quota_base"]) and row["last_quota_base"] > 0:
        said.append(f"Your quota of the last four finished quarters was {row['last_quota_base']:,.0f}.")
    return f"<p>{' '.join(said)}</p>" if said else ""
