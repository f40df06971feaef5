"""Pages generated from the registers: charter, calendar, approvals, stages, benchmarks, glossary, stack."""

from __future__ import annotations

from pathlib import Path

import yaml

from salesops_lib.handbook.glossary import glossary
from salesops_lib.handbook.markdown import linked, page, table
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.registers import Registers
from salesops_lib.handbook.registry import Registry
from salesops_lib.handbook.team_pages import roles_and_skills, tech_stack


def register_pages(
    registers: Registers, registry: Registry, pages: dict[str, Page], made: dict[str, str], root: Path
) -> dict[str, str]:
    """Text of each page by its path in the playbooks folder. ``made``: pages generated beside these."""
    titles = {r["id"]: r["role"] for r in registers["roles"]}
    stages = stage_list(root)
    texts = {
        "charter/responsibilities.md": _responsibilities(registers),
        "charter/roles-and-skills.md": roles_and_skills(registers),
        "charter/common-practices.md": _practices(registers),
        "charter/methodology-alignment.md": _alignment(registers, stages),
        "reference/stages-and-exit-evidence.md": _stages(stages),
        "reference/approval-matrix.md": _approvals(registers, pages),
        "reference/operating-calendar.md": _calendar(registers, titles),
        "reference/benchmarks.md": _benchmarks(registers, pages),
        "reference/escalation.md": _escalation(registers, titles),
        "reference/tech-stack.md": tech_stack(registers, root),
        "CHANGELOG.md": _changelog(registers, pages, titles),
    }
    texts["reference/glossary.md"] = glossary(registers, registry, pages)
    known = root / "playbooks" / "registers" / "paths.txt"
    listed = set(known.read_text(encoding="utf-8").split()) if known.exists() else set()
    texts["registers/paths.txt"] = "".join(
        f"{p}\n" for p in sorted(listed | set(pages) | set(made) | set(texts))
    )
    return texts


def stage_list(root: Path) -> list[dict]:
    """The stages of ``data/policy/stages.yaml`` in their order; none where there is no such file."""
    path = root / "data" / "policy" / "stages.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["stages"] if path.exists() else []


def _responsibilities(registers: Registers) -> str:
    here, rows = "charter/responsibilities.md", registers["responsibilities"]
    parts = ["## By area"]
    for area in dict.fromkeys(r["area"] for r in rows):
        cells = [
            (linked(r["page"], here, r["activity"]), ", ".join(r["accountable"]), ", ".join(r["responsible"]),
             ", ".join(r["consulted"]), ", ".join(r["informed"]), r["ours"])
            for r in rows if r["area"] == area
        ]  # fmt: skip
        head = ("Activity", "Accountable", "Does it", "Is asked", "Is told", "Our role")
        parts.append(f"### {area.capitalize()} {{ #{area} }}\n\n{table(head, cells)}")
    teams = sorted({t for r in rows for t in r["accountable"]})
    journeys = list(dict.fromkeys(r["journey"] for r in rows))
    heat = [
        (j, *(sum(r["journey"] == j and t in r["accountable"] for r in rows) or "" for t in teams))
        for j in journeys
    ]
    shared = [
        (linked(r["page"], here, r["activity"]), ", ".join(r["responsible"]), r["handshake"])
        for r in rows if r.get("handshake")
    ]  # fmt: skip
    odd = [(r["activity"], r["exception"]) for r in rows if r.get("exception")]
    parts += [
        "## By buyer's journey\n\nCount of activities a team is accountable for.\n\n"
        + table(("Part of the journey", *teams), heat),
        "## Shared work and handshakes\n\n" + table(("Activity", "Teams", "Handshake"), shared),
        "## Unowned and disputed\n\nNothing is unowned: each activity has one accountable team. "
        "Stated exceptions to the line between us and enablement:\n\n" + table(("Activity", "Why"), odd),
    ]
    lead = (
        f"{len(rows)} activities. One team answers for each; the page says how it is done. To change "
        "a row, change `registers/responsibilities.yml`."
    )
    return page("responsibilities", "Responsibilities", lead, "\n\n".join(parts), "charter")


def _practices(registers: Registers) -> str:
    here, rows = "charter/common-practices.md", registers["practices"]
    all_ = [(linked(r["page"], here, r["practice"]), ", ".join(r["applies_to"])) for r in rows]
    local = [
        (r["practice"], v["office"], v["variant"], v["reason"], v["expires"])
        for r in rows
        for v in r["variants"]
    ]
    body = "\n\n".join(
        [
            "## Practices and where they apply\n\n" + table(("Practice", "Offices"), all_),
            "## Local variants and expiry\n\n"
            + table(("Practice", "Office", "Variant", "Reason", "Ends"), local),
            "## How to propose one\n\nWrite the practice into `registers/practices.yml` with its page. A "
            "local variant needs a reason and a day on which it ends.",
        ]
    )
    lead = "What we do the same way in each office, so that a number from one means the same in all."
    return page("common-practices", "Common practices", lead, body, "charter")


def _alignment(registers: Registers, stages: list[dict]) -> str:
    here, rows = "charter/methodology-alignment.md", registers["responsibilities"]
    parts, gaps = ["## Stage by stage: what ops does, with which report"], []
    for stage in stages:
        serving = [r for r in rows if stage["stage"] in r.get("serves", [])]
        gaps += [] if serving else [stage["stage"]]
        cells = [(linked(r["page"], here, r["activity"]), r["ours"], r["report"]) for r in serving]
        parts.append(f"### {stage['stage']}\n\n{table(('Activity', 'Our role', 'Report'), cells)}")
    parts.append("## Gaps\n\n" + (", ".join(gaps) or "None: each stage has work of ours behind it."))
    lead = "For each stage of the sale: the work of ours that serves it, and the report that shows it."
    return page("methodology-alignment", "Methodology alignment", lead, "\n\n".join(parts), "charter")


def _stages(stages: list[dict]) -> str:
    cells = [
        (s["position"], s["stage"], s.get("entry", ""), s.get("exit_evidence", ""), s.get("max_age_days", ""))
        for s in stages
    ]
    lead = "A deal leaves a stage on evidence the buyer gave. The list is `data/policy/stages.yaml`."
    body = "## Stages\n\n" + table(("No", "Stage", "Enters when", "Leaves with", "Days before a look"), cells)
    return page("stages-and-exit-evidence", "Stages and exit evidence", lead, body)


def _approvals(registers: Registers, pages: dict[str, Page]) -> str:
    def cells(discount: bool):
        return [
            (r["when"], r["approver"], ", ".join(r["also"]) or "nobody", r["hours"] or "at once", r["source"])
            for r in registers["approval_matrix"]
            if ("to_share" in r) == discount
        ]

    head = ("When", "Approves", "Also sees it", "Within hours", "Source")
    body = (
        f"## Discount\n\n{table(head, cells(True))}\n\nMonth end moves the clock, not the limits.\n\n"
        f"## Terms\n\n{table(head, cells(False))}"
    )
    lead, how = (
        "The higher of discount, margin and terms decides who approves.",
        "how-to/pricing/review-a-deal.md",
    )
    if how in pages:
        lead += f" How: {linked(how, 'reference/approval-matrix.md', 'Review a deal')}."
    return page("approval-matrix", "Approval matrix", lead, body)


def _calendar(registers: Registers, titles: dict[str, str]) -> str:
    here, parts = "reference/operating-calendar.md", ["## Events"]
    for event in registers["calendar"]:
        rows = [
            ("When", event["when"]),
            ("Owner", titles.get(event["owner"], event["owner"])),
            ("Chair", event["chair"]),
            ("Reports", ", ".join(event["reports"])),
            ("Page", linked(event["page"], here)),
            ("Template", linked(event["template"], here) if "template" in event else "none"),
            ("Output", event["output"]),
            ("Escalates to", event["escalation"]),
        ]
        parts.append(f"### {event['event']} {{ #{event['id']} }}\n\n{table(('Field', 'Value'), rows)}")
    weeks = [
        (w["week"], w["step"], w["owner"], w["report"], linked(w["page"], here))
        for w in registers["planning"]
    ]
    parts.append(
        "## The year's planning { #planning }\n\nWeeks before the fiscal year; below 0 after its start. "
        "House defaults.\n\n" + table(("Week", "Step", "Owner", "Report", "Page"), weeks)
    )
    lead = "What happens when, who owns it, and which report and page it is done with."
    return page("operating-calendar", "Operating calendar", lead, "\n\n".join(parts))


def _benchmarks(registers: Registers, pages: dict[str, Page]) -> str:
    here, parts = "reference/benchmarks.md", []
    for mark in registers["benchmarks"]:
        users = [
            linked(p.path, here)
            for p in pages.values()
            if "generated_from" not in (p.front or {})
            and any(f"[bm:{mark['id']}]" in text for _, text in p.body)
        ]
        rows = [
            ("Population", mark["population"]), ("Year", mark["year"]), ("Number asked", mark["n"]),
            ("Source", mark["source"]), ("Grade", mark["grade"]), ("Seen as", mark["opened"]),
            ("Caveat", mark["caveat"]), ("Used by", ", ".join(users) or "no page"),
        ]  # fmt: skip
        parts.append(f"## {mark['id']}\n\n{mark['figure']}\n\n{table(('Field', 'Value'), rows)}")
    lead = (
        "Figures from outside. Grades: A the text itself was seen; B one company's own rule; C a consultant "
        "or vendor says so; X do not cite; identity is arithmetic. None of them sets a limit here by itself."
    )
    return page("benchmarks", "Benchmarks", lead, "\n\n".join(parts))


def _escalation(registers: Registers, titles: dict[str, str]) -> str:
    cells = [
        (
            d["decision"],
            titles.get(d["proposes"], d["proposes"]),
            titles.get(d["approver"], d["approver"]),
            d["limit"],
            titles.get(d["escalate_to"], d["escalate_to"]),
            d["hours"],
        )
        for d in registers["decision_rights"]
    ]
    events = [(e["event"], e["escalation"]) for e in registers["calendar"]]
    body = (
        "## Decisions\n\n"
        + table(("Decision", "Proposes", "Approves", "Limit", "Then", "After hours"), cells)
        + "\n\n## Events\n\n"
        + table(("Event", "Goes to"), events)
    )
    lead = "Who decides, and who decides when no answer comes in time."
    return page("escalation", "Escalation", lead, body)


def _changelog(registers: Registers, pages: dict[str, Page], titles: dict[str, str]) -> str:
    decided = [
        (
            d["decided_on"],
            linked(d["page"], "CHANGELOG.md", d["decision"]),
            titles.get(d["by"], d["by"]),
            d["look_back"],
        )
        for d in sorted(registers["decisions"], key=lambda d: d["decided_on"], reverse=True)
    ]
    own = [p for p in pages.values() if p.front and "generated_from" not in p.front]
    reviewed = [
        (
            str(p.front["last_reviewed"]),
            linked(p.path, "CHANGELOG.md", str(p.front.get("title"))),
            p.front.get("owner"),
        )
        for p in own
        if p.front.get("last_reviewed")
    ]
    reviewed.sort(key=lambda row: row[:2], reverse=True)
    body = (
        "## Decisions\n\n" + table(("Day", "Decision", "By", "Look back"), decided)
        + "\n\n## Pages by their last review\n\n" + table(("Day", "Page", "Owner"), reviewed)
    )  # fmt: skip
    return page("changelog", "What has changed", "Decisions and reviews, the newest first.", body)
