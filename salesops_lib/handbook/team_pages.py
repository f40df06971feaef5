"""The ops team as its registers tell it: roles, skills, gaps; and the stack with what each tool is for."""

from __future__ import annotations

import csv
from pathlib import Path

from salesops_lib.handbook.markdown import linked, page, table
from salesops_lib.handbook.registers import Registers

ENOUGH, ABLE = 2, 3  # people a critical skill needs, and the level from which one counts


def skill_gaps(registers: Registers) -> list[dict]:
    """Gaps of each person and skill, largest first: expected less actual level, times the skill's weight."""
    found = [
        {"person": p["id"], "role": p["role"], "skill": s["skill"], "expected": s["expected"][p["role"]],
         "actual": p["levels"].get(s["id"], 0), "weight": s["weight"]}
        for p in registers["people_skills"] for s in registers["skills"]
    ]  # fmt: skip
    for row in found:
        row["gap"] = (row["expected"] - row["actual"]) * row["weight"]
    return sorted((r for r in found if r["gap"] > 0), key=lambda r: (-r["gap"], r["person"], r["skill"]))


def coverage(registers: Registers) -> list[tuple[str, bool, int]]:
    """Each skill, whether it is critical, and how many people hold it at level 3 or more."""
    people = registers["people_skills"]
    return [
        (s["skill"], s["critical"], sum(p["levels"].get(s["id"], 0) >= ABLE for p in people))
        for s in registers["skills"]
    ]


def roles_and_skills(registers: Registers) -> str:
    """The page charter/roles-and-skills."""
    here = "charter/roles-and-skills.md"
    ours = [r for r in registers["roles"] if r.get("ours")]
    roles = [(linked(r["page"], here, r["role"]), "; ".join(r["does"]), r["reports_to"]) for r in ours]
    skills = [
        (
            s["skill"],
            s["kind"],
            *(s["levels"][k] for k in "1234"),
            ", ".join(f"{r} {n}" for r, n in s["expected"].items()),
        )
        for s in registers["skills"]
    ]
    covered = [
        (name, "critical" if critical else "", n, "thin" if critical and n < ENOUGH else "")
        for name, critical, n in coverage(registers)
    ]
    gaps = [
        (g["person"], g["role"], g["skill"], g["expected"], g["actual"], g["gap"])
        for g in skill_gaps(registers)
    ]
    plans = [
        (p["person"], p["skill"], p["course"], p["due"], p["measure"]) for p in registers["enablement_plan"]
    ]
    spread = sorted({p["specialty"] for p in registers["people_skills"]})
    thin = [name for name, _, _, said in covered if said]
    body = "\n\n".join(
        [
            "## Four roles\n\n" + table(("Role", "Does", "Reports to"), roles),
            "## Skill levels\n\nLevel 0 is not yet.\n\n"
            + table(("Skill", "Kind", "1", "2", "3", "4", "Expected"), skills),
            f"## Team coverage\n\nA critical skill needs {ENOUGH} people at level {ABLE} or more. "
            f"Specialties in the team: {', '.join(spread)}.\n\n" + table(("Skill", "", "Able", ""), covered),
            "## Gaps and plans\n\nExpected less actual, times the weight. The sample company's team, under "
            "pseudonyms.\n\n" + table(("Person", "Role", "Skill", "Expected", "Actual", "Gap"), gaps)
            + "\n\n" + table(("Person", "Skill", "Course", "By", "Measured by"), plans),
            "## Hiring for the gap\n\nAsk of each candidate which empty cell they fill. Thin now: "
            + (", ".join(thin) or "none") + ".",
        ]
    )  # fmt: skip
    lead = "What each role does, what it must be able to do, and where the team is thin."
    return page("roles-and-skills", "Roles and skills", lead, body, "charter")


def tech_stack(registers: Registers, root: Path) -> str:
    """The page reference/tech-stack; names and costs from the sample company's tables where they stand."""
    tables = root / "data" / "sample" / "tables"
    known = {r["tool_id"]: r for r in _csv(tables / "tools.csv")}
    tags: dict[str, list[str]] = {}
    for row in _csv(tables / "tool_capabilities.csv"):
        tags.setdefault(row["tool_id"], []).append(row["capability"])
    cells = []
    for tool in registers["tech_stack"]:
        row = known.get(tool["id"], {})
        cost = f"{float(row['annual_cost']):,.0f}" if row.get("annual_cost") else "unknown"
        cells.append(
            (row.get("name", tool["id"]), tool["purpose"], ", ".join(tags.get(tool["id"], [])) or "none",
             row.get("owner", "unknown"), tool["technical_owner"], cost, row.get("renewal_date", "unknown"),
             tool["data_held"], tool["replaces"])
        )  # fmt: skip
    shared = [
        (cap, ", ".join(known.get(t, {}).get("name", t) for t in sorted(tags) if cap in tags[t]))
        for cap in sorted({c for t in tags.values() for c in t})
        if sum(cap in t for t in tags.values()) > 1
    ]
    head = (
        "Tool",
        "Job",
        "Does",
        "Business owner",
        "Technical owner",
        "Cost a year",
        "Renews",
        "Holds",
        "Replaces",
    )
    body = (
        "## Tools\n\n" + table(head, cells)
        + "\n\n## Overlaps\n\nTwo tools with one capability: one of them may go.\n\n"
        + table(("Capability", "Tools"), shared)
    )  # fmt: skip
    lead = "Each tool has a job. The sample company's stack; cost and renewal stand in its table `tools`."
    return page("tech-stack", "Tech stack", lead, body)


def _csv(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
