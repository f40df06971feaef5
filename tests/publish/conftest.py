"""Made bundles: what a runner would have written, with hostile names where CRM data would stand."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from datetime import date

import nbformat
import nbformat.v4 as nbf
import pandas as pd
import pytest

from salesops_lib.core.contracts import Column, Table
from salesops_lib.core.findings import Interval, Rule, ordered
from salesops_lib.core.metrics import Metric
from salesops_lib.core.policy import PolicyValue
from salesops_lib.publish.formatting import csv_safe, findings_html, html_table

HOSTILE = (
    "<script>document.title='PWN'</script>",
    "=cmd()|calc",
    "$5_$",
    "<img src=x onerror=\"document.title='PWN'\">",
    "</td></table><iframe src='https://evil.example/'></iframe>",
    "[x](javascript:document.title='PWN') `{{7*7}}` {% raw %}",
    "\"><svg onload=document.title='PWN'>",
)
TABLE = Table(
    "made_attainment",
    "holder × period",
    ("holder_id", "period"),
    (
        Column("holder_id", "text", "Who holds the quota"),
        Column("period", "text", "Fiscal period"),
        Column("quota_base", "money", "Quota, prorated"),
        Column("attainment", "ratio", "Credited over quota"),
        Column("start_date", "date", "First day in the seat"),
        Column("deals", "count", "Deals won"),
    ),
)


def _metric() -> Metric:
    plain = dict.fromkeys(Metric.__dataclass_fields__, "One sentence.")
    return Metric(**plain | {"id": "attainment.team", "unit": "ratio", "good_direction": "up"})


def _rule(code: str, title: str) -> Rule:
    return Rule(
        code=code,
        metric=_metric(),
        title=title,
        policy="team_floor",
        keep="above",
        min_n=5,
        owner="regional sales director",
        due="within two weeks",
        due_days=14,
        playbook="how-to/analytics/review-attainment.md",
    )


def made_findings(as_of: date, names=HOSTILE, shift: float = 0.0) -> list:
    """One finding of each severity plus one per name; ``shift`` moves the values between runs."""
    limit = PolicyValue("attainment.team_floor", 0.8, "ratio", date(2025, 2, 1), "decision log", "floor")
    wanted = [
        ("F-ATTN-TEAM", "Team below its floor", "EMEA", 0.61, (0.55, 0.67), 1_240_000.0, 40),
        ("F-ATTN-TEAM", "Team below its floor", "APAC", 0.77, (0.70, 0.84), 410_000.0, 32),
        ("F-ATTN-TEAM", "Team below its floor", "AMER", 0.93, (0.88, 0.97), None, 51),
        ("F-ATTN-RAMP", "New hires behind the ramp", "all", None, None, None, 2),
        *(("F-ATTN-NAME", name, name, 0.5, (0.4, 0.6), 1_000.0 + i, 9) for i, name in enumerate(names)),
    ]
    return [
        _rule(code, title).judge(
            scope={"team": team, "period": f"FY26-Q{1 + (as_of.month + 10) % 12 // 3}"},
            value=None if value is None else value + shift,
            n=n,
            limit=limit,
            as_of=as_of,
            statement=f"{team} stands at {value} of its quota with a third of the quarter to go.",
            recommendation=f"Move two deals of {team} forward or lower the quota in writing.",
            interval=None if ends is None else Interval(ends[0] + shift, ends[1] + shift, 0.9, "bootstrap"),
            money_at_stake=stake,
            currency="USD",
        )
        for code, title, team, value, ends, stake, n in wanted
    ]


def made_frame(names=HOSTILE) -> pd.DataFrame:
    """Twenty-odd rows, the first ones with hostile names; one quota missing."""
    holders = [*names, *(f"Rep {i:03d}" for i in range(1, 15))]
    n = len(holders)
    return pd.DataFrame(
        {
            "holder_id": holders,
            "period": "FY26-Q4",
            "quota_base": [None, *(100_000.0 + 12_345.5 * i for i in range(1, n))],
            "attainment": [None, *(0.3 + 0.05 * i for i in range(1, n))],
            "start_date": pd.Timestamp("2024-02-01"),
            "deals": range(n),
        }
    )


def png(width: int = 1200, height: int = 420) -> bytes:
    """A grey PNG of the given size, made by hand."""
    rows = b"".join(b"\x00" + b"\xdd" * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def made_notebook(findings, names=HOSTILE):
    """An executed notebook as the runner leaves it: code, stderr, tables, a chart, raw HTML."""
    hostile_text = " ".join(names)
    html = [
        '<div class="headline tex2jax_ignore"><div class="figure">card</div></div>',
        html_table(made_frame(names), TABLE, caption=f"By holder {hostile_text}", currency="USD"),
        findings_html(ordered(findings), ["Ramp is not known for two reps."], "USD"),
        hostile_text,
    ]
    outputs = [nbf.new_output("display_data", data={"text/html": h, "text/plain": "x"}) for h in html]
    image = {"image/png": base64.b64encode(png()).decode(), "text/plain": "<Figure size 640x480>"}
    chart = nbf.new_output(
        "display_data", data=image, metadata={"image/png": {"alt": f"Chart of {hostile_text}"}}
    )
    script = nbf.new_output("display_data", data={"application/javascript": "document.title='PWN'"})
    plain = nbf.new_output("execute_result", data={"text/plain": hostile_text}, execution_count=3)
    stderr = nbf.new_output("stream", name="stderr", text="FutureWarning: secret-warning\n")
    cells = [
        nbf.new_markdown_cell(
            "# Attainment\n\nWho is on plan?\n\nFor the head of sales, monthly. Read "
            "[the playbook](../playbooks/how-to/analytics/review-attainment.md)."
        ),
        nbf.new_code_cell("secret_code = 1", outputs=[stderr, outputs[0]], execution_count=1),
        nbf.new_markdown_cell("## Data\n\nOne row is one holder and period."),
        nbf.new_code_cell("show()", outputs=[outputs[1], chart, script, plain], execution_count=2),
        nbf.new_markdown_cell("| a | b |\n|---|---|\n| 1 | 2 |"),
        nbf.new_markdown_cell("## Findings"),
        nbf.new_code_cell("find()", outputs=[outputs[2], outputs[3]], execution_count=3),
    ]
    return nbf.new_notebook(cells=cells)


def made_run(as_of: date, **changes) -> dict:
    """``run.json`` of a good run, with ``changes``."""
    return {
        "notebook": "attainment",
        "run": "company",
        "title": "Attainment",
        "question": "Who is on plan?",
        "as_of": as_of.isoformat(),
        "period": "FY26-Q4",
        "parameters": {"as_of": as_of.isoformat(), "seed": 7, "data": HOSTILE[0]},
        "data_hash": "5f1d" * 16,
        "policy_hash": "9a0c" * 16,
        "code_version": "0.1.0+g3a67fd8",
        "packages": {"pandas": "2.3.3"},
        "seed": 7,
        "started_at": f"{as_of.isoformat()}T06:00:00Z",
        "duration_seconds": 3.21,
        "status": "ok",
        "error": None,
        "findings": {"ACT": 1},
        "fingerprint": "abc",
        "owner": "analyst",
        "audience": "leadership",
        "cadence": {"every": "month"},
        **changes,
    }


def made_manifest(names=HOSTILE, attained: str = "71 %") -> dict:
    """``manifest.json`` of a good run."""
    columns = [{"name": c.name, "kind": c.kind, "meaning": c.meaning} for c in TABLE.columns]
    table = {"grain": TABLE.grain, "rows": 21, "caption": names[0], "columns": columns}
    return {
        "notebook": "attainment",
        "company": f"Sample & Sons {names[0]}",
        "currency": "USD",
        "as_of": "2025-12-12",
        "period": "FY26-Q4",
        "headline": [
            {
                "label": "Company attainment",
                "value": attained,
                "range": "64–78 % at 90 %",
                "note": "66 % of days gone",
            },
            {"label": "Reps at quota", "value": "22 of 41", "range": "", "note": names[-1]},
            {"label": "Pace", "value": "USD 9.1 M", "range": "8.2–10.4 M at 90 %", "note": "quota 9.8 M"},
            {"label": "Top five share", "value": "38 %", "range": "", "note": ""},
        ],
        "tables": {TABLE.name: table},
        "limits": ["Ramp is not known for two reps.", names[3]],
    }


def write_bundle(reports, as_of: date, attempt: str = "1", *, render: bool = True, shift=0.0, **changes):
    """One attempt under ``reports/attainment/company`` as the runner writes it; returns its folder."""
    from salesops_lib.publish.rendering.render import render_report

    run = made_run(as_of, **changes)
    folder = reports / run["notebook"] / run["run"] / as_of.isoformat() / attempt
    (folder / "tables").mkdir(parents=True)
    found = made_findings(as_of, shift=shift)
    notebook = made_notebook(found)
    (folder / "run.json").write_text(json.dumps(run))
    if run["status"] == "ok":
        manifest = made_manifest(attained=f"{71 + shift * 100:.0f} %")
        records = [f.to_dict() for f in ordered(found)]
        (folder / "findings.json").write_text(json.dumps(records))
        (folder / "manifest.json").write_text(json.dumps(manifest))
        csv_safe(made_frame()).to_csv(folder / "tables" / f"{TABLE.name}.csv", index=False)
        if render:
            (folder / "report.html").write_text(render_report(notebook, run, found, manifest))
        current = folder.parent.parent / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(folder.relative_to(current.parent))
    elif render:
        (folder / "report.html").write_text(render_report(notebook, run, [], None))
    return folder


class Made:
    """The makers above as one fixture, since tests import only the library."""

    hostile = HOSTILE
    table = TABLE
    findings = staticmethod(made_findings)
    frame = staticmethod(made_frame)
    notebook = staticmethod(made_notebook)
    run = staticmethod(made_run)
    manifest = staticmethod(made_manifest)
    bundle = staticmethod(write_bundle)
    rule = staticmethod(_rule)


@pytest.fixture(scope="session")
def made() -> type[Made]:
    """Makers of findings, notebooks, manifests and bundles; see :class:`Made`."""
    return Made


RUN_FILE = """\
title: Made report
question: Does it run?
domain: attainment
owner: analyst
reader: head of sales
cadence: {every: month, business_day: 3, at: "06:00"}
audience: leadership
playbooks: []
runs: {company: {}}
"""
PARAMETERS = """\
as_of: str = ""  # read the data as known on this day
data: str = ""  # company folder
period: str = ""  # fiscal period
seed: int = 7  # for resampling
"""
OPEN = """\
from datetime import date
from salesops_lib.publish import bundle
day = date.fromisoformat(as_of)
report = bundle.open_report("{name}", company="Made", currency="USD", as_of=day, period=period)
"""
CLOSE = "report.findings([], limits=['Nothing was judged.'])\nreport.close()"


class Workshop:
    """A workbench in a temporary folder, with notebooks of a few lines, each named for its fault."""

    def __init__(self, root):
        self.root = root
        self.reports = root / "reports"
        for folder in ("notebooks", "data/policy", "data/sample/tables"):
            (root / folder).mkdir(parents=True)
        (root / "pyproject.toml").write_text("")
        (root / "data/sample/company.yaml").write_text("name: Made\n")
        (root / "data/sample/tables/quotas.csv").write_text("holder_id\nR1\n")

    def notebook(self, name: str, *cells: str, run_file: str = RUN_FILE, parameters: str = PARAMETERS):
        """Write ``name`` with ``cells`` between opening and closing its report; its catalog entry."""
        cells = (OPEN.format(name=name), *cells, CLOSE)
        return self.bare(name, *cells, run_file=run_file, parameters=parameters)

    def bare(self, name: str, *cells: str, run_file: str = RUN_FILE, parameters: str = PARAMETERS):
        """Write ``name`` with only these cells after its parameters."""
        from salesops_lib.publish import catalog

        tagged = nbf.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        made = nbf.new_notebook(
            cells=[nbf.new_markdown_cell(f"# {name}"), tagged, *map(nbf.new_code_cell, cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        (self.root / "notebooks" / f"{name}.ipynb").write_text(nbformat.writes(made))
        (self.root / "notebooks" / f"{name}.yaml").write_text(run_file)
        return catalog.find(catalog.discover(self.root), name)

    def asked(self, **options):
        """What a user asked for; the sample's data and 2025-12-12 unless said otherwise."""
        from salesops_lib.publish.request import Asked

        return Asked(**{"as_of": "" if options.get("due") else "2025-12-12"} | options)

    def bench(self, last_day: date = date(2025, 12, 12), lacking=lambda data, day, needs: {}):
        """The workbench a command would use, over made company settings instead of a company folder."""
        from types import SimpleNamespace
        from zoneinfo import ZoneInfo

        from salesops_lib.core.periods import monthly
        from salesops_lib.publish.request import Workbench

        company = SimpleNamespace(calendar=monthly(2, range(2024, 2028)), zone=ZoneInfo("America/New_York"))
        snapshot = SimpleNamespace(as_of=last_day, company=company)
        return Workbench(self.root, self.reports, lambda data, day: snapshot, lacking)

    def run(self, jobs: int = 1, **options):
        """Run what was asked without the command line; the results."""
        from salesops_lib.publish import request
        from salesops_lib.publish.running import run
        from salesops_lib.publish.store import Store

        asked = self.asked(**options)
        store = Store(self.reports)
        store.clean()
        tasks = request.tasks_for(asked, self.bench(), store)
        return run.run_all(tasks, store, jobs=jobs, resume=not asked.force and not asked.names)

    def current(self, key: str):
        """Where ``current`` of a report points, as its folder."""
        return (self.reports / key / "current").resolve()


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    """An empty workbench in a temporary folder."""
    return Workshop(tmp_path)


@pytest.fixture
def plain_generator(monkeypatch):
    """The site's generator, but for its theme: each page as it is, between a head and an end mark."""
    from salesops_lib.publish.site import shell

    def generate(stage, config):
        built = stage / "site"
        for page in (stage / "docs").rglob("*.md"):
            target = (built / page.relative_to(stage / "docs")).with_suffix(".html")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(f"<head></head>{page.read_text()}<!-- end -->")
        (built / "search.json").write_text(json.dumps({"items": []}))
        return built

    monkeypatch.setattr(shell, "generate", generate)
