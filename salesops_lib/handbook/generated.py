"""Pages nobody writes by hand: metrics, findings, thresholds, tables, reports, and the README's table."""

from __future__ import annotations

import re
from pathlib import Path

from salesops_lib.core.contracts import Column, Table
from salesops_lib.core.metrics import Metric
from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.markdown import page, table
from salesops_lib.handbook.pages import read_pages
from salesops_lib.handbook.raci import check_raci
from salesops_lib.handbook.register_pages import register_pages
from salesops_lib.handbook.registers import Registers, read_registers, refuse_faulty
from salesops_lib.handbook.registry import Registry, discover, policy_key

_README_BLOCK = re.compile(r"(<!-- notebooks -->\n)(.*?)(<!-- /notebooks -->)", re.DOTALL)
_PAGE = re.compile(r"playbooks/([\w/-]+)\.md(?:#([\w-]+))?")
_WEEKDAYS = {"Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Fri": "Friday"}


def render(playbooks_dir: str | Path, registry: Registry | None = None) -> list[Path]:
    """Write every generated page and the README's notebook table; returns the files that changed.

    Raises UserError, before anything is written, where a register has a fault of form, owner or limit.
    """
    playbooks_dir = Path(playbooks_dir)
    refuse_faulty(read_registers(playbooks_dir), _contradictions)
    changed = []
    for path, text in rendered(playbooks_dir, registry).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _contradictions(registers: Registers) -> list[Fault]:
    """Faults that no page can mend: owners, handshakes, teams, limits. A page not yet written is none."""
    codes = {"PB070", "PB071", "PB072", "PB073", "PB075", "PB076", "PB077"}
    return [f for f in check_raci(registers, (), ()) if f.code in codes]


def rendered(playbooks_dir: Path, registry: Registry | None = None) -> dict[Path, str]:
    """What :func:`render` would write, by file. Raises UserError where a register has a fault."""
    root = playbooks_dir.resolve().parent
    registry = registry or discover(root)
    reference = playbooks_dir / "reference"
    pages = {
        reference / "metrics.md": _metrics(registry),
        reference / "findings.md": _findings(registry),
        reference / "thresholds.md": _thresholds(registry),
        reference / "report-tables.md": _report_tables(registry),
        reference / "data-dictionary.md": _data_dictionary(registry),
        reference / "report-catalogue.md": _report_catalogue(registry),
    }
    registers = read_registers(playbooks_dir)
    refuse_faulty(registers)
    if registers.present:
        made = {p.relative_to(playbooks_dir).as_posix(): text for p, text in pages.items()}
        more = register_pages(registers, registry, read_pages(playbooks_dir), made, root)
        pages |= {playbooks_dir / name: text for name, text in more.items()}
    readme = playbooks_dir.parent / "README.md"
    if readme.exists() and _README_BLOCK.search(text := readme.read_text(encoding="utf-8")):
        notebooks = table(("Notebook", "Question it answers", "For", "When"), _notebook_rows(registry))
        pages[readme] = _README_BLOCK.sub(lambda m: f"{m[1]}\n{notebooks}\n\n{m[3]}", text)
    return pages


def figure(value: float, unit: str) -> str:
    """A policy value as a page writes it: ``85 %``, ``30 days``, ``25,000``."""
    if unit == "ratio":
        return f"{value * 100:g} %"
    if unit == "money":
        return f"{value:,.0f}"
    return f"{value:g}" if unit == "count" else f"{value:g} {unit}"


def cadence(every: dict) -> str:
    """``month, business day 3, 06:00``: a run file's cadence in words."""
    if not every:
        return "on request"
    unit = every["every"]
    if "on" in every or True in every:  # YAML 1.1 reads a bare `on` as true
        day = every.get("on", every.get(True))
        words = f"every {_WEEKDAYS.get(day, day)}"
    elif "business_day" in every:
        words = f"every {unit}, business day {every['business_day']}"
    else:
        words = f"every {unit}"
    return f"{words}, {every['at']}" if "at" in every else words


def _metrics(registry: Registry) -> str:
    body = []
    for domain in sorted({m.id.split(".")[0] for m in registry.metrics}):
        body.append(f"## {domain.capitalize()}")
        body += [_metric(m, registry) for m in registry.metrics if m.id.startswith(f"{domain}.")]
    lead = (
        "What each number means, how it is made, and what it is not. "
        "[Findings](findings.md) are judged on these and nothing else."
    )
    return page("metrics", "Metrics", lead, "\n\n".join(body))


def _metric(metric: Metric, registry: Registry) -> str:
    used = [f"[{r.code}](../{r.anchor})" for r in registry.rules if r.metric.id == metric.id]
    direction = {"up": "higher", "down": "lower", "neither": "neither, it describes"}[metric.good_direction]
    rows = [
        ("Id", f"`{metric.id}`"),
        ("Formula", metric.formula),
        ("Unit", metric.unit),
        ("One value is of", metric.grain),
        ("Counts", metric.population),
        ("Clock", metric.clock),
        ("Leaves out", metric.exclusions),
        ("Can be judged", metric.maturity),
        ("Better", direction),
        ("Not to be confused with", metric.look_alikes),
        ("Owner", metric.owner),
        ("Computed by", f"`{metric.source}`"),
        ("Used by", ", ".join(used) or "no finding"),
    ]
    anchor = metric.id.replace(".", "-")
    return f"### {metric.name} {{ #{anchor} }}\n\n{metric.meaning}\n\n{table(('Field', 'Value'), rows)}"


def _findings(registry: Registry) -> str:
    values = registry.policy_values
    rows = []
    for rule in sorted(registry.rules, key=lambda r: r.code):
        key = policy_key(rule)
        limit = figure(values[key].value, values[key].unit) if key in values else "no value"
        rows.append(
            (
                f"[{rule.code}](../{rule.anchor})",
                rule.title,
                f"[{rule.metric.name}](metrics.md#{rule.metric.id.replace('.', '-')})",
                f"{rule.keep} [{limit}](thresholds.md#{key.replace('.', '-')})",
                f"{rule.min_n} {rule.counts}",
                rule.owner,
                rule.due,
            )
        )
    lead = (
        "Every finding a report can make. The code leads to the section that says what to do. Severity is "
        "derived: ACT where the whole range misses the limit, WATCH where it straddles it, OK where it meets "
        "it, UNKNOWN where the evidence is missing or too thin."
    )
    header = ("Code", "What it says", "Metric", "Keep", "Evidence needed", "Owner", "By when")
    return page("findings", "Findings", lead, table(header, rows))


def _thresholds(registry: Registry) -> str:
    body = []
    for domain, policy in sorted(registry.policies.items()):
        body.append(f"## {domain.capitalize()}")
        for name, entry in policy.entries.items():
            codes = [
                f"[{r.code}](../{r.anchor})" for r in registry.rules if policy_key(r) == f"{domain}.{name}"
            ]
            dated = [
                (day.isoformat(), figure(v, entry["unit"])) for day, v in sorted(entry["values"].items())
            ]
            body.append(
                f"### {domain}.{name} {{ #{domain}-{name} }}\n\n{entry['description']}\n\n"
                f"{table(('Since', 'Value'), dated)}\n\n"
                f"Unit: {entry['unit']}. Source: {_source(entry['source']).removesuffix('.')}. "
                f"Judges: {', '.join(codes) or 'no finding'}."
            )
    lead = (
        "Numbers people decide. They stand in `data/policy/<domain>.yaml` and nowhere else; a company's own "
        "`policy/` folder overrides them one by one. A report judges with the value in force on its day."
    )
    return page("thresholds", "Thresholds", lead, "\n\n".join(body))


def _source(source: str) -> str:
    """A source as the policy file gives it, with pages of the playbooks as links."""
    return _PAGE.sub(
        lambda m: f"[{m[2] or m[1].rsplit('/', 1)[-1]}](../{m[1]}.md{'#' + m[2] if m[2] else ''})", source
    )


def _report_tables(registry: Registry) -> str:
    body = []
    for domain, tables in sorted(registry.outputs.items()):
        body.append(f"## {domain.capitalize()}")
        body += [_contract(t, "###", f"{domain}-{t.name}") for t in tables]
    lead = (
        "The tables a report writes beside its page, as CSV and as sheets of `report.xlsx`. Names, columns, "
        "units and grain are a contract: they are checked on writing and keep their names."
    )
    return page("report-tables", "Report tables", lead, "\n\n".join(body))


def _data_dictionary(registry: Registry) -> str:
    lead = (
        "The tables of a company folder. A column keeps one name everywhere; `_at` is a time in UTC, `_date` "
        "a day in the company's zone, `_base` money in the reporting currency. Empty means unknown, never 0."
    )
    body = [_contract(t, "##", t.name) for t in registry.inputs]
    return page("data-dictionary", "Data dictionary", lead, "\n\n".join(body))


def _contract(declared: Table, level: str, anchor: str) -> str:
    rows = [(f"`{c.name}`", c.kind, c.meaning, _limits(c)) for c in declared.columns]
    key = ", ".join(f"`{k}`" for k in declared.key)
    return (
        f"{level} {declared.name} {{ #{anchor} }}\n\nOne row is {declared.grain}. Key: {key or 'none'}.\n\n"
        f"{table(('Column', 'Kind', 'Meaning', 'Holds'), rows)}"
    )


def _limits(column: Column) -> str:
    said = []
    if column.values:
        said.append("one of " + ", ".join(column.values))
    if column.low is not None:
        said.append(f"≥ {column.low:g}")
    if column.high is not None:
        said.append(f"≤ {column.high:g}")
    if column.refers_to:
        said.append(f"refers to `{column.refers_to}`")
    if not column.required:
        said.append("column may be missing")
    elif not column.nullable:
        said.append("never empty")
    return "; ".join(said)


def _report_catalogue(registry: Registry) -> str:
    body = []
    for name, run in registry.run_files.items():
        needs = "; ".join(f"`{t}` ({', '.join(columns)})" for t, columns in (run.get("needs") or {}).items())
        pages = [f"[{Path(p).stem.replace('-', ' ')}](../{p})" for p in run.get("playbooks") or []]
        rows = [
            ("Notebook", f"`notebooks/{name}.ipynb`"),
            ("Question", run.get("question", "")),
            ("Owner", run.get("owner", "")),
            ("Reader", run.get("reader", "")),
            ("Runs", cadence(run.get("cadence") or {})),
            ("Audience", run.get("audience", "")),
            ("Needs", needs or "nothing"),
            ("Can use", ", ".join(f"`{t}`" for t in run.get("optional") or []) or "nothing more"),
            ("Read with", ", ".join(pages) or "no page"),
        ]
        body.append(f"## {run.get('title', name)} {{ #{name} }}\n\n{table(('Field', 'Value'), rows)}")
    lead = (
        "Every report, who it is for and when it runs. Run one by name: `salesops run <notebook>`. Its "
        "tables are on the page [Report tables](report-tables.md)."
    )
    return page("report-catalogue", "Report catalogue", lead, "\n\n".join(body))


def _notebook_rows(registry: Registry) -> list[tuple[str, ...]]:
    return [
        (
            f"[{name}](notebooks/{name}.ipynb)",
            run.get("question", ""),
            run.get("reader", ""),
            cadence(run.get("cadence") or {}),
        )
        for name, run in registry.run_files.items()
    ]
