"""Who may see what: ``policy/audiences.yaml`` of the company over the shipped one, audience by audience.

What no line grants is not seen: a table or report that is new stays unseen until somebody lists it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import PolicyError, nearest
from salesops_lib.core.policy import Policy
from salesops_lib.inputs.company import read_yaml, repository_root
from salesops_lib.inputs.cutting.rows import CUT_BY_PEOPLE
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.view import ViewError

FILE = "audiences.yaml"
CHOICES = {"rows": ("all", "team", "self"), "pay": ("shown", "mean", "hidden"), "names": ("shown", "hidden")}
_KEYS = {*CHOICES, "reports", "tables", "hide"}


@dataclass(frozen=True)
class Audience:
    """Who looks, and what they may see. ``reports`` None: all; ``tables``: all they may see, by name.

    ``person`` is the rep_id of a manager or rep, empty for the others.
    """

    kind: str
    person: str
    rows: str
    pay: str
    names: str
    reports: tuple[str, ...] | None
    tables: tuple[str, ...]
    hide: tuple[tuple[str, str], ...]
    smallest: int

    @property
    def name(self) -> str:
        """As typed: ``finance``, ``manager:R049``."""
        return f"{self.kind}:{self.person}" if self.person else self.kind

    @property
    def sees_all(self) -> bool:
        """Whether nothing is cut."""
        whole = (self.rows, self.pay, self.names) == ("all", "shown", "shown") and not self.hide
        return whole and set(self.tables) == set(TABLES)


def find_audience(asked: str, company_root: Path | None, on: date) -> Audience:
    """The audience ``finance`` or ``manager:R049`` as policy has it on a day.

    Raises ViewError for one that is not there, or a person given or missing where it must not be; PolicyError
    where the file has another form.
    """
    entries, sizes = _entries(company_root)
    kind, _, person = asked.partition(":")
    if kind not in entries:
        raise ViewError(f"there is no audience '{kind[:40]}'. {nearest(kind, entries)}")
    said = entries[kind]
    if (said["rows"] == "all") == bool(person):
        form = f"{kind}:REP_ID, such as {kind}:R001" if said["rows"] != "all" else kind
        raise ViewError(f"audience '{asked[:60]}' is written {form}")
    tables = tuple(TABLES) if said["tables"] == "all" else tuple(said["tables"])
    return Audience(
        kind,
        person,
        said["rows"],
        said["pay"],
        said["names"],
        None if said["reports"] == "all" else tuple(said["reports"]),
        tables,
        tuple(tuple(name.split(".")) for name in said["hide"]),
        _smallest(sizes, on),
    )


def _smallest(sizes: dict[str, Any], on: date) -> int:
    found = Policy("audiences", sizes).value("smallest_group", on).value
    if found < 2 or found != int(found):
        raise PolicyError(f"policy 'audiences.smallest_group' is {found:g}; write a whole number from 2")
    return int(found)


def _entries(company_root: Path | None) -> tuple[dict[str, dict], dict[str, Any]]:
    """The audiences by name, checked, and the dated values beside them."""
    shipped = repository_root() / "data" / "policy" / FILE
    own = company_root / "policy" / FILE if company_root else None
    found: dict[str, dict] = {}
    sizes: dict[str, Any] = {}
    for path in [p for p in (shipped, own) if p and p.is_file()]:
        content = read_yaml(path) or {}
        listed = content.get("audiences", {}) if isinstance(content, dict) else None
        if not isinstance(listed, dict):
            raise PolicyError(f"{path}: 'audiences' is a mapping of names; see data/policy/{FILE}")
        for name, said in listed.items():
            _refuse(said, f"{path}, audience '{name}'")
        found |= {str(name): said for name, said in listed.items()}
        sizes |= {name: entry for name, entry in content.items() if name != "audiences"}
    return found, sizes


def _refuse(said: Any, where: str) -> None:
    if not isinstance(said, dict) or set(said) != _KEYS:
        raise PolicyError(f"{where} needs exactly {', '.join(sorted(_KEYS))}; see data/policy/{FILE}")
    for key, allowed in CHOICES.items():
        if said[key] not in allowed:
            raise PolicyError(f"{where}: '{key}' is {said[key]!r}; write one of {', '.join(allowed)}")
    for key in ("reports", "tables", "hide"):
        listed = said[key]
        whole = listed == "all" and key != "hide"
        if not whole and not (isinstance(listed, list) and all(isinstance(item, str) for item in listed)):
            raise PolicyError(f"{where}: '{key}' is no list of names{'' if key == 'hide' else ', nor all'}")
    _refuse_tables(said, where)


def _refuse_tables(said: dict, where: str) -> None:
    listed = list(TABLES) if said["tables"] == "all" else said["tables"]
    unknown = [name for name in listed if name not in TABLES]
    if unknown:
        raise PolicyError(f"{where}: there is no table '{unknown[0]}'. {nearest(unknown[0], TABLES)}")
    whole = [name for name in listed if name not in CUT_BY_PEOPLE]
    if said["rows"] != "all" and whole:
        raise PolicyError(
            f"{where}: the rows of '{whole[0]}' belong to nobody, so they cannot be cut to rows: "
            f"{said['rows']}; take it out. It takes: {', '.join(sorted(CUT_BY_PEOPLE))}"
        )
    for name in said["hide"]:
        table, _, column = name.partition(".")
        contract = TABLES.get(table)
        if contract is None or column not in contract.by_name or column in contract.key:
            raise PolicyError(f"{where}: hide '{name}' is no column outside a key; write table.column")
