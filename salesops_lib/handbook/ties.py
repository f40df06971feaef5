"""PB024, PB034, PB080, PB082 and the references between registers, pages and notebooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.front_matter import planned
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.registers import Registers
from salesops_lib.handbook.registry import Registry

TAG = re.compile(r"\[bm:([\w-]+)\]")
_GRADE = re.compile(r"grade (A|B|C\+|C|X|identity)(?![\w+])")


def check_ties(
    pages: dict[str, Page], registers: Registers, registry: Registry, playbooks: Path
) -> Iterator[Fault]:
    """Faults of what a register or a page names; ``file`` is relative to the playbooks folder."""
    yield from _paths(pages, playbooks)
    yield from _coverage(registers, registry, playbooks)
    yield from _calendar(pages, registers, registry)
    yield from _benchmarks(pages, registers)
    yield from _examples(pages, registers, playbooks)
    yield from _questions(pages, registers)
    yield from _named_pages(pages, registers)


def _paths(pages: dict[str, Page], playbooks: Path) -> Iterator[Fault]:
    known = playbooks / "registers" / "paths.txt"
    for number, path in enumerate(known.read_text(encoding="utf-8").split() if known.exists() else (), 1):
        if path.endswith(".md") and path not in pages:
            yield Fault("registers/paths.txt", number, "PB024", f"the page {path} is gone",
                        "leave a stub with status: deprecated and superseded_by")  # fmt: skip


def _coverage(registers: Registers, registry: Registry, playbooks: Path) -> Iterator[Fault]:
    """PB080: each artefact exists; a planned one does not outlive its notebook's coming."""
    root, file = playbooks.resolve().parent, "registers/article_coverage.yml"
    for row in registers["article_coverage"]:
        line = row.at("artefacts")
        if all(planned(a) for a in row["artefacts"]):
            yield Fault(
                file, line, "PB080", f"{row['id']} has only planned artefacts", "name one that exists"
            )
        for artefact in row["artefacts"]:
            notebook = planned(artefact)
            if notebook and notebook in registry.run_files:
                said = f"{row['id']} says '{artefact}', and that notebook exists"
                yield Fault(file, line, "PB080", said, f"write notebooks/{notebook}.ipynb")
            elif not notebook and not ((playbooks / artefact).exists() or (root / artefact).exists()):
                yield Fault(
                    file, line, "PB080", f"{row['id']} names '{artefact}', which is missing", "write it"
                )


def _calendar(pages: dict[str, Page], registers: Registers, registry: Registry) -> Iterator[Fault]:
    """PB082: event, page, report and owner hold together both ways."""
    if not registers.present:
        return
    events, file = registers.by_id("calendar"), "registers/calendar.yml"
    for event in events.values():
        if event["page"] not in pages:
            yield Fault(
                file, event.at("page"), "PB082", f"{event['id']}: no page '{event['page']}'", "write it"
            )
        if "template" in event and event["template"] not in pages:
            said = f"{event['id']}: no template '{event['template']}'"
            yield Fault(file, event.at("template"), "PB082", said, "write it or leave it out")
        for report in event["reports"]:
            notebook = planned(report)
            wrong = notebook in registry.run_files if notebook else report not in registry.run_files
            if wrong:
                said = f"{event['id']} says '{report}'" + (
                    ", and it exists" if notebook else ", which is no notebook"
                )
                yield Fault(file, event.at("reports"), "PB082", said, "correct it")
    served = {r for e in events.values() for r in e["reports"]} | {
        report
        for front in (page.front or {} for page in pages.values())
        if set(front.get("calendar_events") or []) & set(events)
        for report in front.get("related_reports") or []
    }  # a new notebook's page names its event; the register need not be touched
    for name in sorted(set(registry.run_files) - served):
        yield Fault(
            file,
            1,
            "PB082",
            f"the report {name} serves no event",
            "name it on a page with an event, or under an event",
        )
    for page in pages.values():
        for event in (page.front or {}).get("calendar_events") or []:
            if event not in events:
                yield Fault(
                    page.path, 1, "PB082", f"'{event}' is no event of calendar.yml", "name one by its id"
                )


def _benchmarks(pages: dict[str, Page], registers: Registers) -> Iterator[Fault]:
    """PB034: a tag is known, its grade stands before it on the line and agrees; X gives no support."""
    if not registers.present:
        return
    marks = registers.by_id("benchmarks")
    for page in pages.values():
        if "generated_from" in (page.front or {}):
            continue
        paragraph = ""
        for number, line in page.body:
            paragraph = f"{paragraph} {line}" if line.strip() else ""
            for tag in TAG.finditer(line):
                mark = marks.get(tag[1])
                if mark is None:
                    yield Fault(
                        page.path, number, "PB034", f"no benchmark '{tag[1]}'", "add it to benchmarks.yml"
                    )
                    continue
                said = _GRADE.findall(paragraph[: paragraph.rfind(tag[0])])
                if mark["grade"] == "identity":
                    continue
                if not said or said[-1] != mark["grade"]:
                    yield Fault(page.path, number, "PB034", f"[bm:{tag[1]}] is of grade {mark['grade']}",
                                f"write (grade {mark['grade']}) before the tag")  # fmt: skip
                elif mark["grade"] == "X" and (page.front or {}).get("kind") != "explanation":
                    yield Fault(page.path, number, "PB034", f"[bm:{tag[1]}] is of grade X",
                                "do not cite it; an explanation may say why")  # fmt: skip


def _examples(pages: dict[str, Page], registers: Registers, playbooks: Path) -> Iterator[Fault]:
    root, file = playbooks.resolve().parent, "registers/examples.yml"
    for row in registers["examples"]:
        path, _, name = row["test"].partition("::")
        test = root / path
        if row["page"] not in pages:
            yield Fault(file, row.at("page"), "PB083", f"no page '{row['page']}'", "correct it")
        if not test.exists() or f"def {name}(" not in test.read_text(encoding="utf-8"):
            yield Fault(
                file, row.at("test"), "PB083", f"no test '{row['test']}'", "name the test that computes it"
            )


def _questions(pages: dict[str, Page], registers: Registers) -> Iterator[Fault]:
    """PB084: a question finds its page, its section, and there the words of its answer."""
    for row in registers["questions"]:
        file, page = "registers/questions.yml", pages.get(row["page"])
        if page is None:
            yield Fault(file, row.at("page"), "PB084", f"{row['id']}: no page '{row['page']}'", "write it")
            continue
        text = _section(page, row.get("section"))
        if text is None:
            said = f"{row['id']}: {row['page']} has no section '{row['section']}'"
            yield Fault(file, row.at("section"), "PB084", said, "correct the anchor")
            continue
        for word in row["says"]:
            if word.lower() not in text.lower():
                said = f"{row['id']}: {row['page']}#{row.get('section', '')} does not say '{word}'"
                yield Fault(file, row.at("says"), "PB084", said, "answer the question there")


def _section(page: Page, anchor: str | None) -> str | None:
    """The plain text under an anchor, or of the whole page; None where the anchor is missing."""
    start, end = 0, float("inf")
    if anchor:
        found = [h for h in page.headings if h.anchor == anchor]
        if not found:
            return None
        start = found[0].line
        end = min(
            (h.line for h in page.headings if h.line > start and h.level <= found[0].level), default=end
        )
    return re.sub(r"<!--.*?-->", "", " ".join(text for n, text in page.body if start <= n < end))


def _named_pages(pages: dict[str, Page], registers: Registers) -> Iterator[Fault]:
    """PB085: a page, role, skill or person a register names is there."""
    for name in ("planning", "practices", "decisions"):
        for row in registers[name]:
            if row["page"] not in pages:
                said = f"{row['id']}: no page '{row['page']}'"
                yield Fault(
                    f"registers/{name}.yml", row.at("page"), "PB085", said, "write it or correct the path"
                )
    skills, people = registers.by_id("skills"), registers.by_id("people_skills")
    for row in registers["people_skills"]:
        for skill in sorted(set(skills) ^ set(row["levels"])):
            said = f"{row['id']}: skill '{skill}' is rated or expected, not both"
            yield Fault(
                "registers/people_skills.yml",
                row.at("levels"),
                "PB085",
                said,
                "rate every skill of skills.yml",
            )
    for name, key, known in (("enablement_plan", "person", people), ("enablement_plan", "skill", skills),
                             ("shadowing", "ops", people)):  # fmt: skip
        for row in registers[name]:
            if row[key] not in known:
                said = f"{row['id']}: {key} '{row[key]}' is not known"
                yield Fault(f"registers/{name}.yml", row.at(key), "PB085", said, "correct it")
