"""Statements to print: one HTML page each, complete in itself, every text escaped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from html import escape

from salesops_lib.compensation.close.payslip import Statement
from salesops_lib.compensation.engine.counted import TOTALS

_STYLE = """
@page { size: A4 landscape; margin: 14mm }
body { font: 10pt/1.45 "DejaVu Sans", Arial, sans-serif; color: #111827; margin: 0 auto; max-width: 1000px;
  padding: 0 4mm }
.statement { break-after: page; page-break-after: always; padding: 6mm 0 }
.statement:last-child { break-after: auto; page-break-after: auto }
h1 { font-size: 16pt; margin: 0 0 1mm } h2 { font-size: 12pt; margin: 6mm 0 1mm }
.paid { font-size: 20pt; font-weight: bold; margin: 3mm 0 1mm } .note { color: #4b5563; margin: 0 }
table { border-collapse: collapse; width: 100% } .sums { width: auto; min-width: 50% }
.scroll { overflow-x: auto }
th, td { border-bottom: 1px solid #d1d5db; padding: 1mm 2mm; text-align: left; vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
tr.total td { font-weight: bold; border-top: 2px solid #111827 }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{style}</style></head><body>{body}</body></html>
"""
_HOW = (
    "Every line can be done again by hand: its arithmetic stands beside it. ≈ marks a figure shown to six "
    "decimals; the sum uses all of them. Lines are differences of rounded running totals, so one may differ "
    "by a cent from rounding it alone."
)
_ASK = (
    "Wrong or unclear? Say so within five business days: name the line{example}, what you expected and the "
    "rule you rely on. You get an answer within five business days, and what follows from it with the next "
    "statement."
)

_COUNTS = (
    "The last row of a measure is what the rows above it come to, where the arithmetic of a line starts "
    "from: their sum; a ratio, Σ counts ÷ Σ of; or the last score. A report is at quota where what he is "
    "credited with is at least his quota."
)


def statement_page(company: str, statement: Statement) -> str:
    """One statement as a page."""
    return _page(f"{statement.period}, {statement.rep_id}", _body(company, statement))


def all_pages(company: str, made: Iterable[Statement]) -> str:
    """All statements in one file, a printed page each: for who signs them, not for payees."""
    bodies = [_body(company, statement) for statement in made]
    return _page("All statements", "".join(bodies))


def statement_file(statement: Statement, ending: str) -> str:
    """``statement_R017.html``; other characters become ``-``, a short hash keeps the name unique.

    A payee who is paid in several currencies has a file for each: ``statement_R017_EUR.html``.
    """
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", statement.rep_id).strip("-")[:60]
    if safe != statement.rep_id:
        safe = f"{safe}-{hashlib.sha256(statement.rep_id.encode()).hexdigest()[:8]}"
    more = "" if statement.alone else f"_{statement.currency}"
    return f"statement_{safe}{more}{ending}"


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=escape(title), style=_STYLE, body=body)


def _body(company: str, s: Statement) -> str:
    head = (
        f'<p class="note">{escape(company)} · {escape(s.status)} · data as known on {escape(s.as_of)}</p>'
        f"<h1>Statement {escape(s.period)}</h1><p>{escape(s.name)} ({escape(s.rep_id)})</p>"
        f'<p class="paid">{s.paid:,.2f} {escape(s.currency)}</p><p class="note">paid for this period</p>'
    )
    moves = _sums([*s.moves, ("Paid", s.paid)], s.currency, total=True)
    more = f"<h2>Balances and year to date</h2>{_sums([*s.balances, *s.year], s.currency)}"
    return (
        f'<section class="statement">{head}<h2>How it adds up</h2>{moves}<h2>Line by line</h2>{_lines(s)}'
        f'<p class="note">{_HOW}</p>{_deals(s)}{_measures(s)}{_counted(s)}{_held(s)}{_terms(s)}{more}'
        f"<h2>Questions</h2><p>{_ask(s)}</p></section>\n"
    )


def _ask(s: Statement) -> str:
    """How to ask, with the whole id of the first line: that is what the desk enters."""
    example = f" (line 1 is {s.lines['line_id'].iloc[0]})" if len(s.lines) else ""
    return escape(_ASK.format(example=example))


def _sums(rows, currency: str, *, total: bool = False) -> str:
    made = [
        f"<tr{' class=total' if total and k == len(rows) - 1 else ''}><td>{escape(words)}</td>"
        f'<td class="number">{_signed(amount)}</td></tr>'
        for k, (words, amount) in enumerate(rows)
    ]
    head = f'<tr><th></th><th class="number">{escape(currency)}</th></tr>'
    return f'<table class="sums">{head}{"".join(made)}</table>'


def _lines(s: Statement) -> str:
    heads = ("Line", "Date", "For", "Deal", "Plan", "Credit rule", "Tier", "Measure before → after",
             "Arithmetic")  # fmt: skip
    rows = []
    for row in s.lines.to_dict("records"):
        number = str(row["line_id"]).rsplit("/", 1)[-1]
        texts = ("date", "what", "deal_id", "plan", "rule", "tier")
        way = f"{row['before']} → {row['after']}" if row["before"] != "" else row["after"]
        cells = [number, *(row[c] for c in texts), way, row["arithmetic"]]
        texts = "".join(f"<td>{escape(str(c))}</td>" for c in cells)
        rows.append(f'<tr>{texts}<td class="number">{_signed(row["amount"])}</td></tr>')
    total = sum((row for row in s.lines["amount"]), start=s.paid - s.paid)
    summed = f'<td colspan="9">Sum of the lines</td><td class="number">{_signed(total)}</td>'
    rows.append(f'<tr class="total">{summed}</tr>')
    names = "".join(f"<th>{h}</th>" for h in heads)
    table = f'<table><tr>{names}<th class="number">{escape(s.currency)}</th></tr>{"".join(rows)}</table>'
    return f'<div class="scroll">{table}</div>'


def _deals(s: Statement) -> str:
    """From a deal as the CRM has it to what counts: currency, rate, a year of the term, the payee's share."""
    if s.deals.empty:
        return ""
    heads = {
        "deal_id": "Deal", "closed": "Closed", "amount": "Amount in the CRM", "rate": "Rate",
        "converted": f"In {s.deals['into'].iloc[0]}", "yearly": "A year of it", "share": "Your share",
    }  # fmt: skip
    heads = {c: h for c, h in heads.items() if c != "yearly" or s.deals["yearly"].ne("").any()}
    numbers = list(heads)[2:]
    rows = "".join(
        f"<tr><td>{escape(str(r['deal_id']))}</td><td>{escape(str(r['closed']))}</td>"
        + "".join(f'<td class="number">{escape(str(r[c]))}</td>' for c in numbers) + "</tr>"
        for r in s.deals.to_dict("records")
    )  # fmt: skip
    names = "".join(
        f"<th{' class=number' if c in numbers else ''}>{escape(h)}</th>" for c, h in heads.items()
    )
    return f"<h2>The deals behind the lines</h2><table><tr>{names}</tr>{rows}</table>"


def _measures(s: Statement) -> str:
    if s.measures.empty:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(r['measure']).replace('_', ' '))}</td><td>{escape(str(r['window']))}</td>"
        + "".join(f'<td class="number">{escape(_known(r[c]))}</td>' for c in ("value", "quota"))
        + f'<td class="number">{escape(_share(r["attainment"]))}</td></tr>'
        for r in s.measures.to_dict("records")
    )
    names = "<th>Measure</th><th>Window</th>" + "".join(
        f'<th class="number">{h}</th>' for h in ("So far", "Quota", "Attainment")
    )
    return f"<h2>Where your measures stand</h2><table><tr>{names}</tr>{rows}</table>"


def _counted(s: Statement) -> str:
    """The rows behind lines that name no deal, each measure's own, and what they come to."""
    if s.counted.empty:
        return ""
    ratio = s.counted["weight"].ne("1").any()
    numbers = ("Counts", *(("Of",) if ratio else ()))
    rows = []
    for r in s.counted.to_dict("records"):
        total = r["what"] in TOTALS
        texts = (r["measure"].replace("_", " "), r["window"], r["date"] or "", r["deal_id"],
                 f"{r['what']} by {r['through']}" if total else r["what"])  # fmt: skip
        of = ["" if r["weight"] == "1" else r["weight"]] if ratio else []
        cells = "".join(f"<td>{escape(str(c))}</td>" for c in texts)
        cells += "".join(f'<td class="number">{escape(c)}</td>' for c in (r["value"] or "–", *of))
        rows.append(f"<tr{' class=total' if total else ''}>{cells}</tr>")
    names = "".join(f"<th>{h}</th>" for h in ("Measure", "Window", "Date", "Deal or event", ""))
    names += "".join(f'<th class="number">{h}</th>' for h in numbers)
    return (
        f"<h2>What the bonus measures count</h2><table><tr>{names}</tr>{''.join(rows)}</table>"
        f'<p class="note">{_COUNTS}</p>'
    )


def _held(s: Statement) -> str:
    if s.held.empty:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(r['deal_id']))}</td><td>{r['since']}</td>"
        f'<td class="number">{_signed(r["amount"])}</td></tr>'
        for r in s.held.to_dict("records")
    )
    head = f'<tr><th>Deal</th><th>Since</th><th class="number">{escape(s.currency)}</th></tr>'
    return f'<h2>Held until the customer pays, deal by deal</h2><table class="sums">{head}{rows}</table>'


def _terms(s: Statement) -> str:
    """The plan in words: where target, base rate and tiers of the arithmetic come from."""
    if s.terms.empty:
        return ""
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(r[c]).replace('_', ' '))}</td>" for c in ("plan", "part", "words"))
        + "</tr>" for r in s.terms.to_dict("records")
    )  # fmt: skip
    head = "<tr><th>Plan</th><th>Part</th><th>In words</th></tr>"
    return f"<h2>How your plan pays</h2><table>{head}{rows}</table>"


def _known(text) -> str:
    return "–" if text is None or text != text else str(text)


def _share(text) -> str:
    """``≈0.121053`` as ``12.1 %``."""
    if text is None or text != text:
        return "–"
    return f"{float(str(text).lstrip('≈').replace(',', '')) * 100:,.1f} %"


def _signed(amount) -> str:
    return f"{amount:,.2f}".replace("-", "−")
