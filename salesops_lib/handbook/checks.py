"""What is wrong with the playbooks: front matter, links, metrics, thresholds, findings, skeletons, drift."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from salesops_lib.handbook.emitted import check_emitted, check_parameters
from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.front_matter import check_front_matter, planned
from salesops_lib.handbook.generated import rendered
from salesops_lib.handbook.links import check_links
from salesops_lib.handbook.pages import Page, read_pages
from salesops_lib.handbook.prose import check_terms
from salesops_lib.handbook.raci import check_raci
from salesops_lib.handbook.register_pages import stage_list
from salesops_lib.handbook.registers import read_registers
from salesops_lib.handbook.registry import Registry, discover, policy_key
from salesops_lib.handbook.ties import check_ties

SKELETON = (
    "When",
    "You need",
    "Steps",
    "Decide",
    "If you see",
    "What goes wrong",
    "Escalate",
    "Done when",
)
_FILE_SUFFIXES = ("csv", "html", "ipynb", "json", "md", "parquet", "py", "xlsx", "yaml", "yml")
_DOTTED = re.compile(r"`([a-z_]+)\.([a-z0-9_]+)`")
_MARKER = re.compile(r"<!-- threshold:(\S+) -->(.*?)<!-- /threshold -->")
_CODE_ANCHOR = re.compile(r"^f(-[a-z0-9]+){2,}$")
_PLACEHOLDER = re.compile(r"\b(TODO|TBD|FIXME|XXX|lorem ipsum)\b|<(?:your|insert|fill)[^>]*>", re.IGNORECASE)
_STEP = re.compile(r"^\d+\.\s+\S")


def check(
    playbooks_dir: str | Path, registry: Registry | None = None, today: date | None = None
) -> list[Fault]:
    """Every fault of the pages under ``playbooks_dir``, ordered by file and line; empty when all is well.

    ``registry`` is what the library declares; by default it is discovered. ``today`` is the day no review may
    lie after; by default the clock's. Time alone never makes a fault. Raises PolicyError or UserError
    where a policy or run file cannot be read at all.
    """
    playbooks_dir = Path(playbooks_dir)
    root = playbooks_dir.resolve().parent
    registry = registry or discover(root)
    pages, registers = read_pages(playbooks_dir), read_registers(playbooks_dir)
    stages = [s["stage"] for s in stage_list(root)]
    found = [
        *check_front_matter(pages, registry, today or datetime.now(UTC).date()),
        *check_links(pages, registry),
        *_metrics(pages, registry),
        *_declared(pages, registry),
        *_thresholds(pages, registry),
        *_sections(pages, registry),
        *_how_tos(pages),
        *registers.faults,
        *check_terms(pages, registers),
        *check_raci(registers, pages, stages),
        *check_ties(pages, registers, registry, playbooks_dir),
    ]
    elsewhere = [*check_parameters(registry, root), *check_emitted(registry, root / "salesops_lib")]
    placed = (Fault(f"playbooks/{f.file}", f.line, f.code, f.message, f.fix) for f in found)
    drift = [] if registers.faults else _drift(playbooks_dir, registry)  # no page comes of a faulty register
    return sorted([*placed, *elsewhere, *drift])


def _metrics(pages: dict[str, Page], registry: Registry) -> Iterator[Fault]:
    """PB030: a metric is named that the library does not define."""
    known = {m.id for m in registry.metrics} | set(registry.policy_values)
    for page in _hand_written(pages):
        for number, line in page.body:
            for domain, name in _DOTTED.findall(line):
                if domain not in registry.domains or name in _FILE_SUFFIXES or f"{domain}.{name}" in known:
                    continue
                yield Fault(
                    page.path,
                    number,
                    "PB030",
                    f"'{domain}.{name}' is no metric and no policy value",
                    "name one of reference/metrics.md or declare it in the domain's metrics.py",
                )


def _declared(pages: dict[str, Page], registry: Registry) -> Iterator[Fault]:
    """PB031: a how-to links or names a metric that its front matter does not declare, or the reverse.

    A metric whose finding has its section on the page counts as linked.
    """
    by_anchor = {m.id.replace(".", "-"): m.id for m in registry.metrics}
    for page in _hand_written(pages):
        front = page.front or {}
        if front.get("kind") != "how-to":
            continue
        used = {
            by_anchor[a] for _, t in page.links if (a := t.partition("reference/metrics.md#")[2]) in by_anchor
        }
        used |= {f"{d}.{n}" for _, line in page.body for d, n in _DOTTED.findall(line)} & set(
            by_anchor.values()
        )
        used |= {r.metric.id for r in registry.rules if r.playbook == page.path} & set(
            front.get("related_metrics") or []
        )
        declared = {m for m in front.get("related_metrics") or [] if m in by_anchor.values()}
        for name in sorted(used - declared):
            yield Fault(
                page.path, 1, "PB031", f"'{name}' is linked and not declared", "add it to related_metrics"
            )
        for name in sorted(declared - used):
            yield Fault(page.path, 1, "PB031", f"'{name}' is declared and not linked", "link it or drop it")


def _thresholds(pages: dict[str, Page], registry: Registry) -> Iterator[Fault]:
    """PB032: a figure in a page differs from the policy value it quotes, or the value is not there."""
    values = registry.policy_values
    for rule in registry.rules:
        if policy_key(rule) not in values:
            yield Fault(
                rule.playbook,
                1,
                "PB032",
                f"{rule.code} is judged by '{policy_key(rule)}', which data/policy lacks",
                "add the dated value to the policy file",
            )
    for page in _hand_written(pages):
        for number, line in page.body:
            for key, text in _MARKER.findall(line):
                if key not in values:
                    yield Fault(page.path, number, "PB032", f"no policy value '{key}'", "correct the marker")
                elif not _agrees(text, values[key].value):
                    yield Fault(
                        page.path,
                        number,
                        "PB032",
                        f"the page says '{text.strip()}', {key} is {values[key].value:g} {values[key].unit}",
                        "correct the page, or change the policy by a dated value",
                    )


def _agrees(text: str, value: float) -> bool:
    match = re.search(r"-?\d[\d,]*(?:\.\d+)?", text)
    if not match:
        return False
    quoted = float(match[0].replace(",", "")) / (100 if "%" in text else 1)
    return abs(quoted - value) <= 1e-9 * max(1.0, abs(value))


def _sections(pages: dict[str, Page], registry: Registry) -> Iterator[Fault]:
    """PB040 to PB043: each finding code has its section on its rule's page, and no section stands alone."""
    codes = {r.code for r in registry.rules}
    home = {r.code.lower(): r.playbook for r in registry.rules}
    held = {
        (page.path, heading.anchor): heading.line
        for page in _hand_written(pages)
        for heading in page.headings
        if _CODE_ANCHOR.match(heading.anchor)
    }
    for rule in registry.rules:
        if (rule.playbook, rule.code.lower()) not in held:
            yield Fault(
                rule.playbook,
                1,
                "PB040",
                f"{rule.code} has no section on this page",
                f"write '### {rule.code}: … {{ #{rule.code.lower()} }}' with what to do",
            )
    for (path, anchor), line in held.items():
        if anchor not in home:
            yield Fault(
                path, line, "PB041", f"section for {anchor.upper()}, which no rule emits", "remove it"
            )
        elif home[anchor] != path:
            yield Fault(
                path, line, "PB042", f"{anchor.upper()} belongs on {home[anchor]}", "move the section there"
            )
    for page in _hand_written(pages):
        for code in (page.front or {}).get("related_findings") or []:
            if code not in codes and not planned(code):
                yield Fault(
                    page.path, 1, "PB043", f"related_findings names '{code}', no rule's code", "correct it"
                )


def _how_tos(pages: dict[str, Page]) -> Iterator[Fault]:
    """PB050 to PB053: the skeleton that lets a reader act from a how-to page."""
    for page in _hand_written(pages):
        for number, line in page.body:
            if match := _PLACEHOLDER.search(line):
                yield Fault(page.path, number, "PB053", f"placeholder '{match[0]}'", "write the real text")
        if (page.front or {}).get("kind") != "how-to":
            continue
        for title in SKELETON:
            if page.section(title) is None:
                yield Fault(
                    page.path, 1, "PB050", f"no section '## {title}'", "add it; a how-to has all eight"
                )
        steps = [text for _, text in page.section("Steps") or [] if _STEP.match(text)]
        if page.section("Steps") is not None and len(steps) < 3:
            yield Fault(page.path, 1, "PB051", f"{len(steps)} numbered steps", "give at least three")
        decide = page.section("Decide")
        if decide is not None and not _has_if_then(text for _, text in decide):
            yield Fault(
                page.path, 1, "PB052", "'## Decide' has no If/Then table", "add '| If | Then |' with rows"
            )


def _has_if_then(lines: Iterable[str]) -> bool:
    headers = (
        [c.strip().lower() for c in line.strip().strip("|").split("|")] for line in lines if "|" in line
    )
    return any(cells[0].startswith("if") and any(c.startswith("then") for c in cells) for cells in headers)


def _drift(playbooks_dir: Path, registry: Registry) -> Iterator[Fault]:
    """PB081: a generated page differs from what the library would render now."""
    root = playbooks_dir.resolve().parent
    for path, text in rendered(playbooks_dir, registry).items():
        stands = path.read_text(encoding="utf-8") if path.exists() else ""
        if stands != text:
            now, then = stands.split("\n"), text.split("\n")
            line = next((i for i, (a, b) in enumerate(zip(now, then, strict=False), 1) if a != b), 1)
            name = path.resolve().relative_to(root).as_posix()
            yield Fault(name, line, "PB081", "differs from a fresh render", "run: salesops playbooks render")


def _hand_written(pages: dict[str, Page]) -> Iterator[Page]:
    return (p for p in pages.values() if "generated_from" not in (p.front or {}))
