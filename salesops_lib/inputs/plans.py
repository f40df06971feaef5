"""Files of compensation plans: the company's own over the shipped ones, plan by plan.

Only read here; what a plan means and what is wrong with it is the domain's matter.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from salesops_lib.core.errors import ParameterError, nearest
from salesops_lib.inputs.company import repository_root
from salesops_lib.inputs.view import held_to

_ID = re.compile(r"^id:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)


class PlanFile(NamedTuple):
    """One plan's file: how messages name it, and its text."""

    name: str
    text: str


def plan_files(company_root: Path | None, folder: str = "") -> list[PlanFile]:
    """Plan files of a company, sorted by name.

    Parameters
    ----------
    company_root
        The company folder; None (a database) has only the shipped plans.
    folder
        Empty: ``plans/`` of the company and the shipped ``data/plans``; a plan id that the company has
        replaces all shipped versions of it. Else a folder inside the company's ``plans/`` (``proposed``), or
        one relative to the repository root, read alone.

    Raises
    ------
    ParameterError
        If the folder named is not there, or holds no plan.
    """
    if folder:
        return _named(company_root, folder)
    own = _read(company_root / "plans") if company_root else []
    ids = {found.group(1) for file in own if (found := _ID.search(file.text))}
    shipped = [
        file
        for file in _read(repository_root() / "data" / "plans")
        if not ((found := _ID.search(file.text)) and found.group(1) in ids)
    ]
    return sorted([*shipped, *own])


def proposed_plan_files(company_root: Path | None, folder: str = "") -> list[PlanFile]:
    """Proposals: those of a folder as :func:`plan_files` reads it; empty: ``plans/proposed``, if there."""
    if folder:
        return _named(company_root, folder)
    return _read(company_root / "plans" / "proposed") if company_root else []


def _named(company_root: Path | None, folder: str) -> list[PlanFile]:
    places = [company_root / "plans" / folder] if company_root else []
    if held_to() is None:
        places.append(repository_root() / folder)
    else:  # an audience's view: no other company's plans, whatever the parameter says
        inside = company_root.resolve() / "plans" if company_root else None
        places = [p for p in places if inside and p.resolve().is_relative_to(inside)]
    for place in places:
        if place.is_dir():
            found = _read(place)
            if not found:
                raise ParameterError(f"{place} holds no plan; a plan is a file *.yaml, see data/plans")
            return found
    inside = company_root / "plans" if company_root else None
    known = [p.name for p in inside.iterdir() if p.is_dir()] if inside and inside.is_dir() else []
    raise ParameterError(f"there is no folder of plans '{folder}'. {nearest(folder, known)}")


def _read(place: Path) -> list[PlanFile]:
    if not place.is_dir():
        return []
    root = repository_root()
    found = []
    for path in sorted(place.glob("*.yaml")):
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        found.append(PlanFile(shown.as_posix(), path.read_text(encoding="utf-8")))
    return found
