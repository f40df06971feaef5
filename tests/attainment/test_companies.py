"""Whole reports of made companies: a right number or an honest unknown; a past report reruns identically.

The notebook's cells run in this process, as Papermill would run them: same code, same bundle, no kernel.
"""

import contextlib
import io
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.errors import TableError
from salesops_lib.publish.bundle import Report

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
COMPANY = """\
schema_version: 1
name: Made
reporting_currency: USD
time_zone: America/New_York
fiscal_calendar: {calendar}
"""
MONTHS = "{kind: months, first_month: 1, named_by: end}"
WEEKS = "{kind: 4-4-5, first_month: 1, ends_on: Sat, named_by: end}"
QUARTERS = [f"FY{y}-Q{q}" for y in (24, 25) for q in (1, 2, 3, 4)]


def run_notebook(name, folder, out, monkeypatch, *, draw=False, **parameters):
    """Execute `notebooks/name.ipynb` on a company folder; the bundle is written to `out` and returned.

    Charts are always built; only with `draw` are they turned into pictures, which costs most of the time.
    """
    out.mkdir(parents=True)
    if not draw:
        monkeypatch.setattr(Report, "chart", lambda self, axes, *, alt: None)
    monkeypatch.setenv("SALESOPS_BUNDLE_DIR", str(out))
    scope = {}
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), scope)
                if "parameters" in cell["metadata"].get("tags", ()):
                    scope.update({"data": str(folder), **parameters})
    return out


def findings_of(bundle):
    """Findings by code, as stored."""
    found = {}
    for record in json.loads((bundle / "findings.json").read_text(encoding="utf-8")):
        found.setdefault(record["code"], []).append(record)
    return found


def manifest_of(bundle):
    return json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))


def starts(period):
    """First day of a period of calendar years, and the day after the last."""
    year, part = 2000 + int(period[2:4]), period[5:]
    first = 3 * (int(part[1]) - 1) + 1 if part[0] == "Q" else int(part[1:])
    after = first + (3 if part[0] == "Q" else 1)
    return date(year, first, 1), date(year + after // 13, (after - 1) % 12 + 1, 1)


def write(folder, *, calendar=MONTHS, **tables):
    (folder / "tables").mkdir(parents=True)
    (folder / "company.yaml").write_text(COMPANY.format(calendar=calendar), encoding="utf-8")
    for name, rows in tables.items():
        if rows is not None:
            pd.DataFrame(rows).to_csv(folder / "tables" / f"{name}.csv", index=False)
    return folder


def deals(reps, periods, *, each=3, until=date(2025, 11, 20), seed=1):
    drawn = np.random.default_rng(seed)
    rows = []
    for rep in reps:
        for period in periods:
            first, after = starts(period)
            for k in range(each):
                day = first + timedelta(days=int((after - first).days * (k + 0.5) / each))
                amount = round(float(drawn.lognormal(9, 0.3)), 2)
                won = {"stage": "Closed Won", "is_closed": True, "is_won": True, "currency": "USD"}
                row = {"opportunity_id": f"{rep}-{period}-{k}", "account_id": "A1", "owner_id": rep, **won}
                row |= {"created_date": first, "close_date": day, "recorded_at": f"{day}T15:00:00Z"}
                if day <= until:
                    rows.append({**row, "amount": amount, "amount_base": amount})
    return rows


def quotas(holders, periods, *, level="rep", amount=25_000.0, measure="bookings"):
    return [
        {"holder_id": h, "level": level, "period": p, "measure": measure, "quota_base": amount}
        | {"recorded_at": f"{starts(p)[0] - timedelta(days=20)}T12:00:00Z", "currency": "USD"}
        for h in holders
        for p in periods
    ]


def spells(reps):
    return [
        {"rep_id": r, "start_date": "2022-01-01", "end_date": None, "name": f"Rep {r}", "role": "AE"}
        | {"team": "North" if i % 2 else "South", "region": "AMER"}
        for i, r in enumerate(reps)
    ]


REPS = [f"R{i}" for i in range(6)]


@pytest.fixture
def reported(tmp_path, monkeypatch):
    """A function: the bundle of the attainment report on the tables given."""

    def report(name="made", parameters=None, **tables):
        folder = write(tmp_path / name, **tables)
        return run_notebook("attainment", folder, tmp_path / f"{name}-out", monkeypatch, **(parameters or {}))

    return report


def table(bundle, name):
    return pd.read_csv(bundle / "tables" / f"{name}.csv")


def company_row(bundle):
    return table(bundle, "attainment").query("level == 'company'").iloc[0]


def test_one_rep_has_attainment_and_no_percentage_of_reps(reported):
    bundle = reported(
        opportunities=deals(["R1"], QUARTERS), quotas=quotas(["R1"], QUARTERS), reps=spells(["R1"])
    )
    booked = sum(d["amount_base"] for d in deals(["R1"], QUARTERS) if d["close_date"] >= date(2025, 10, 1))
    assert company_row(bundle)["credited_base"] == pytest.approx(booked)
    assert table(bundle, "participation")["share"].isna().all()
    found = findings_of(bundle)
    assert {
        f["severity"] for code in ("F-ATTN-SHARE", "F-ATTN-SKEW", "F-ATTN-HUMPS") for f in found[code]
    } == {"UNKNOWN"}
    assert "F-ATTN-TEAMFIT" not in found


def test_without_reps_and_credits_a_deal_counts_whole_for_its_owner_and_the_limits_say_so(reported):
    bundle = reported(opportunities=deals(REPS, QUARTERS), quotas=quotas(REPS, QUARTERS))
    assert set(table(bundle, "attainment")["level"]) == {"rep", "company"}
    said = " ".join(manifest_of(bundle)["limits"])
    assert "No credits table" in said
    assert "No role spells" in said


def test_team_quotas_alone_leave_reps_without_attainment_and_judge_the_teams(reported):
    bundle = reported(
        opportunities=deals(REPS, QUARTERS),
        quotas=quotas(["North", "South"], QUARTERS, level="team", amount=75_000.0),
        reps=spells(REPS),
    )
    rows = table(bundle, "attainment").set_index(["level", "holder_id"])
    assert rows.loc["rep", "attainment"].isna().all()
    assert rows.loc["team", "attainment"].notna().all()
    assert company_row(bundle)["quota_source"] == "sum_of_teams"
    assert company_row(bundle)["quota_base"] == 150_000
    assert [c["value"] for c in manifest_of(bundle)["headline"]][2] == "–"


@pytest.mark.parametrize("calendar", [MONTHS, WEEKS], ids=["months", "4-4-5"])
def test_quarters_of_either_calendar_hold_every_deal_once(reported, calendar):
    made = deals(REPS, QUARTERS)
    bundle = reported(calendar=calendar, opportunities=made, quotas=quotas(REPS, QUARTERS), reps=spells(REPS))
    # FY25-Q4 opens on 2025-10-01, or, in weeks that end on the Saturday nearest 31 December, on 2025-09-28.
    first = date(2025, 10, 1) if calendar == MONTHS else date(2025, 9, 28)
    mine = [d["amount_base"] for d in made if d["close_date"] >= first]
    assert company_row(bundle)["credited_base"] == pytest.approx(sum(mine))


def test_monthly_quotas_are_reported_by_month(reported):
    months = [f"FY{y}-M{m:02d}" for y in (24, 25) for m in range(1, 13)]
    bundle = reported(
        opportunities=deals(REPS, months, each=4),
        quotas=quotas(REPS, months, amount=32_000.0),
        reps=spells(REPS),
    )
    assert manifest_of(bundle)["period"] == "FY25-M11"
    assert company_row(bundle)["quota_base"] == 6 * 32_000
    assert table(bundle, "pacing_coverage").query("level == 'rep'")["n"].item() == 6 * 18


def test_a_measure_without_values_is_refused_and_not_filled_with_bookings(reported):
    with pytest.raises(TableError, match="measure 'arr': nothing says what counts towards it"):
        reported(opportunities=deals(REPS, QUARTERS), quotas=quotas(REPS, QUARTERS, measure="arr"))


def test_a_measure_of_events_counts_its_events(reported):
    events = [
        {"event_id": f"E{r}{p}", "holder_id": r, "measure": "meetings", "at": f"{starts(p)[0]}T17:00:00Z"}
        | {"value": 5 + i, "recorded_at": f"{starts(p)[0]}T18:00:00Z"}
        for i, r in enumerate(REPS)
        for p in QUARTERS
    ]
    bundle = reported(
        opportunities=deals(REPS, QUARTERS),
        quotas=quotas(REPS, QUARTERS, measure="meetings", amount=8.0),
        reps=spells(REPS),
        measure_events=events,
    )
    # By hand: 5 + 6 + 7 + 8 + 9 + 10 = 45 meetings on 6 × 8 = 48.
    assert company_row(bundle)["attainment"] == pytest.approx(45 / 48)


def test_quotas_that_start_in_mid_history_need_four_quarters_of_their_own(reported):
    late = QUARTERS[-3:]
    bundle = reported(opportunities=deals(REPS, QUARTERS), quotas=quotas(REPS, late), reps=spells(REPS))
    rows = table(bundle, "pacing").set_index("level")
    assert set(rows.loc["rep", "method"]) == {"insufficient"}
    assert findings_of(bundle)["F-ATTN-PACE"][0]["severity"] == "UNKNOWN"
    assert company_row(bundle)["attainment"] > 0


def test_three_hundred_reps_are_reported_whole(reported):
    many = [f"R{i:03d}" for i in range(300)]
    bundle = reported(
        parameters={"draw": True}, opportunities=deals(many, QUARTERS, each=2), reps=spells(many),
        quotas=quotas(many, QUARTERS, amount=16_000.0),
    )  # fmt: skip
    bars = table(bundle, "attainment_histogram").query("grouping == 'all'")
    assert bars["reps"].sum() == 300
    assert len(table(bundle, "rep_standing")) == 300


def later(folder):
    """Add what the company learnt after 2025-08-15: a reorganisation, restated quotas, credits, deals."""
    stamp = "2025-10-02T12:00:00Z"
    tables = folder / "tables"
    reps = pd.read_csv(tables / "reps.csv")
    moved = reps.assign(recorded_at=stamp, end_date="2025-07-15")
    placed = reps.assign(recorded_at=stamp, start_date="2025-07-15", team="Moved", region="EMEA")
    pd.concat([reps, moved, placed]).to_csv(tables / "reps.csv", index=False)
    plan = pd.read_csv(tables / "quotas.csv")
    again = plan.assign(quota_base=plan["quota_base"] * 3, recorded_at=stamp, parent_id="Moved")
    pd.concat([plan, again]).to_csv(tables / "quotas.csv", index=False)
    won = pd.read_csv(tables / "opportunities.csv")
    grown = won.assign(amount=won["amount"] * 2, amount_base=won["amount_base"] * 2, recorded_at=stamp)
    lost = won.iloc[:5].assign(is_won=False, stage="Closed Lost", recorded_at="2025-10-03T12:00:00Z")
    pd.concat([won, grown, lost]).to_csv(tables / "opportunities.csv", index=False)
    shares = pd.read_csv(tables / "credits.csv")
    pd.concat([shares, shares.assign(share=0.2, recorded_at=stamp)]).to_csv(
        tables / "credits.csv", index=False
    )


def test_a_past_report_reruns_to_the_byte_after_a_later_reorganisation_or_restatement(tmp_path, monkeypatch):
    made = deals(REPS, QUARTERS)
    shares = [
        {"opportunity_id": d["opportunity_id"], "rep_id": r, "credit_type": "direct", "share": s}
        | {"recorded_at": d["recorded_at"]}
        for d in made[::7]
        for r, s in ((d["owner_id"], 0.5), ("R9", 0.5))
    ]
    reps = [{**r, "recorded_at": "2022-01-01T00:00:00Z"} for r in spells([*REPS, "R9"])]
    folder = write(
        tmp_path / "acme", opportunities=made, quotas=quotas(REPS, QUARTERS), reps=reps, credits=shares
    )
    planned = {"as_of": "2025-08-15", "draws": 100}
    first = run_notebook("attainment", folder, tmp_path / "first", monkeypatch, as_of="2025-08-15")
    plan = run_notebook("quota_setting", folder, tmp_path / "plan", monkeypatch, **planned)
    later(folder)
    second = run_notebook("attainment", folder, tmp_path / "second", monkeypatch, as_of="2025-08-15")
    again = run_notebook("quota_setting", folder, tmp_path / "again", monkeypatch, **planned)
    for path in sorted((plan / "tables").iterdir()):
        assert path.read_bytes() == (again / "tables" / path.name).read_bytes(), path.name
    names = sorted(p.name for p in (first / "tables").iterdir())
    assert names == sorted(p.name for p in (second / "tables").iterdir())
    assert len(names) >= 15
    for name in names:
        assert (first / "tables" / name).read_bytes() == (second / "tables" / name).read_bytes(), name
    assert (first / "findings.json").read_bytes() == (second / "findings.json").read_bytes()
    now = run_notebook("attainment", folder, tmp_path / "now", monkeypatch, as_of="2025-11-20")
    assert "Moved" in set(table(now, "attainment")["team"])  # and the later rows are real
