"""Who of ops sits with which seller in a quarter: no pair twice, spread over teams, regions and tenure."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

from salesops_lib.core.errors import UserError
from salesops_lib.handbook.registers import Registers

_TENURE = ((365, "first year"), (1095, "years 2 and 3"), (10**9, "longer"))


def sellers_of(company: Path, as_of: str) -> list[dict]:
    """Members of a team who manage nobody, on a day: ``rep_id``, ``team``, ``region``, ``tenure``.

    Raises UserError where the company folder has no reps.csv.
    """
    path = company / "tables" / "reps.csv"
    if not path.exists():
        raise UserError(f"{path} is missing; name a company folder with --data")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            r for r in csv.DictReader(file) if r["start_date"] <= as_of and not ("" < r["end_date"] < as_of)
        ]
    managing = {r["manager_id"] for r in rows}
    return [
        {
            "rep_id": r["rep_id"],
            "team": r["team"],
            "region": r["region"],
            "tenure": _tenure(r["hire_date"], as_of),
        }
        for r in sorted(rows, key=lambda r: r["rep_id"])
        if r["team"] and r["rep_id"] not in managing
    ]


def pairs(registers: Registers, sellers: list[dict], quarter: str) -> list[dict]:
    """One seller for each member of ops: ``ops``, ``rep_id``, ``team``, ``region``, ``tenure``.

    Each takes the seller whose team, region and tenure were sat with least (past and this quarter), then one
    who was sat with least; ties fall by a hash of quarter and seller, so that the same quarter gives the same
    pairs. Raises UserError where someone has sat with every seller there is.
    """
    by_id = {s["rep_id"]: s for s in sellers}
    past = [(row["ops"], row["seller"]) for row in registers["shadowing"]]
    seen: Counter = Counter()
    for _, seller in past:
        _count(seen, by_id.get(seller, {"rep_id": seller}))
    made: list[dict] = []
    for person in registers["people_skills"]:
        free = [s for s in sellers if (person["id"], s["rep_id"]) not in past]
        free = [s for s in free if s["rep_id"] not in {m["rep_id"] for m in made}]
        if not free:
            raise UserError(f"{person['id']} has sat with every free seller; clear old rows of shadowing.yml")
        chosen = min(free, key=lambda s: _rank(s, seen, quarter))
        _count(seen, chosen)
        made.append({"ops": person["id"], **chosen})
    return made


def _rank(seller: dict, seen: Counter, quarter: str) -> tuple:
    lot = hashlib.sha256(f"{quarter} {seller['rep_id']}".encode()).hexdigest()
    return (*(seen[key, seller[key]] for key in ("team", "region", "tenure", "rep_id")), lot)


def _count(seen: Counter, seller: dict) -> None:
    for key, value in seller.items():
        seen[key, value] += 1


def _tenure(hired: str, as_of: str) -> str:
    if not hired:
        return "unknown"
    days = (date.fromisoformat(as_of) - date.fromisoformat(hired)).days
    return next(name for limit, name in _TENURE if days < limit)
