"""PB070 to PB079: who does what, who decides, who is talked to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.registers import Entry, Registers

MOST_CONSULTED = 4
_RACI = "registers/responsibilities.yml"
_OURS = "sales operations"


def check_raci(registers: Registers, pages: Iterable[str], stages: Iterable[str]) -> Iterator[Fault]:
    """Faults of responsibilities, decision rights and communications. ``stages``: those of the sale."""
    teams, paths = {r["team"] for r in registers["roles"]}, set(pages)
    for row in registers["responsibilities"]:
        yield from _activity(row, teams, paths)
    yield from _tree(registers)
    yield from _talks(registers)
    served = {s for r in registers["responsibilities"] for s in r.get("serves", [])}
    for stage in stages:
        if registers["responsibilities"] and stage not in served:
            yield Fault(_RACI, 1, "PB079", f"no activity serves the stage '{stage}'", "name it under serves")
    for row in registers["responsibilities"]:
        for stage in sorted(set(row.get("serves", [])) - set(stages)):
            yield Fault(_RACI, row.at("serves"), "PB079", f"'{stage}' is no stage", "correct it")


def _activity(row: Entry, teams: set[str], paths: set[str]) -> Iterator[Fault]:
    def fault(key: str, code: str, said: str, fix: str) -> Fault:
        return Fault(_RACI, row.at(key), code, f"{row['id']} {said}", fix)

    if len(row["accountable"]) != 1:
        yield fault(
            "accountable", "PB070", f"has {len(row['accountable'])} accountable teams", "name exactly one"
        )
    if not row["responsible"]:
        yield fault("responsible", "PB071", "has no responsible team", "name who does it")
    if len(row["responsible"]) > 1 and not row.get("handshake"):
        yield fault(
            "responsible", "PB072", "is shared without a handshake", "say trigger, artefact, days, acceptance"
        )
    if len(row["consulted"]) > MOST_CONSULTED:
        yield fault(
            "consulted", "PB073", f"asks {len(row['consulted'])} teams", f"ask at most {MOST_CONSULTED}"
        )
    if row["page"] not in paths:
        yield fault(
            "page", "PB074", f"names the missing page '{row['page']}'", "write the page or correct the path"
        )
    for key in ("accountable", "responsible", "consulted", "informed"):
        for team in row[key]:
            if team not in teams:
                yield fault(
                    key, "PB075", f"names the team '{team}', which no role is in", "correct it or add a role"
                )
    if row["stage"] == "teach" and _OURS in row["accountable"] and not row.get("exception"):
        yield fault(
            "accountable",
            "PB076",
            "is taught under our account",
            "give it to enablement or state an exception",
        )


def _tree(registers: Registers) -> Iterator[Fault]:
    """One root, no circle; a limit does not fall on the way up, and a decision escalates upwards."""
    roles, file = registers.by_id("roles"), "registers/roles.yml"
    roots = [r for r in roles.values() if r["reports_to"] is None]
    if roles and len(roots) != 1:
        yield Fault(file, 1, "PB077", f"the tree has {len(roots)} roots", "one role reports to nobody")
    for role in roles.values():
        if role["reports_to"] is None:
            continue
        above = roles.get(role["reports_to"])
        if above is None:
            yield Fault(file, role.at("reports_to"), "PB077", f"no role '{role['reports_to']}'", "correct it")
        elif above["limit_base"] < role["limit_base"]:
            said = f"{role['id']} may grant {role['limit_base']:,}, above it only {above['limit_base']:,}"
            yield Fault(file, role.at("limit_base"), "PB077", said, "a limit may not fall going up")
        if role["id"] in chain(roles, role["reports_to"]):
            yield Fault(
                file, role.at("reports_to"), "PB077", f"{role['id']} reports to itself", "break the circle"
            )
    for row in registers["decision_rights"]:
        for key in ("proposes", "approver", "escalate_to"):
            if row[key] not in roles:
                where = "registers/decision_rights.yml"
                yield Fault(
                    where, row.at(key), "PB077", f"no role '{row[key]}'", "correct it or add the role"
                )
        approver = roles.get(row["approver"])
        if approver and row.get("limit_base", 0) > approver["limit_base"]:
            said = f"{row['id']} is {row['limit_base']:,}, {approver['id']} may {approver['limit_base']:,}"
            yield Fault(
                "registers/decision_rights.yml", row.at("limit_base"), "PB077", said, "make them agree"
            )


def chain(roles: dict[str, Entry], start: str) -> list[str]:
    """The role ``start`` and all above it; ends where a role is unknown or comes again."""
    seen: list[str] = []
    while start in roles and start not in seen:
        seen.append(start)
        start = roles[start]["reports_to"]
    return seen


def _talks(registers: Registers) -> Iterator[Fault]:
    held = {c["team"] for c in registers["communications"]}
    needed: dict[str, Entry] = {}
    for row in registers["responsibilities"]:
        for key in ("accountable", "responsible", "consulted"):
            for team in row[key]:
                needed.setdefault(team, row)
    for team, row in needed.items():
        if team not in held:
            said = f"'{team}' acts in {row['id']} and has no row in communications.yml"
            yield Fault("registers/communications.yml", 1, "PB078", said, "add cadence, owner and template")
