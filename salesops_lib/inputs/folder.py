"""A company folder made and brought up to the release: ``salesops init DIR``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from salesops_lib.inputs.company import SCHEMA_VERSION, CompanyError, read_yaml, repository_root

FOLDERS = ("tables", "policy", "plans", "playbooks", "ledger")

SETTINGS = """\
# The company's settings. Every key is explained in data/README.md; `salesops check` says what is wrong.
schema_version: {version}
name: {name}
reporting_currency: USD          # every *_base column is in it
time_zone: America/New_York      # dates are business days here; moments (*_at) are stored in UTC
working_days: [Mon, Tue, Wed, Thu, Fri]
holidays: []                     # [2025-12-25]

# The fiscal year by its first month; FY26 is named by the calendar year it ends in.
fiscal_calendar: {{kind: months, first_month: 1, named_by: end}}
# Weeks of 4 + 4 + 5, the year ending on the Saturday nearest the end of the last month:
# fiscal_calendar: {{kind: 4-4-5, first_month: 2, ends_on: Sat, named_by: end}}
# Quarters that start on odd days, and the day after the last one:
# fiscal_calendar: {{kind: explicit, first: FY11-Q4, starts: [2011-05-31, 2011-08-31], end: 2011-11-30}}

# Address of a record in the CRM, for links in reports:
# crm_link: "https://crm.example.com/{{table}}/{{id}}"
"""

README = """\
# {name}

A company folder of the sales operations workbench; data/README.md in the repository says how it works.

- `company.yaml`: name, currency, time zone, fiscal calendar. Edit it first.
- `tables/`: one CSV (or parquet) file per table. Fill it: `salesops import SOURCE PATH --to THIS_FOLDER`.
- `policy/`: your own limits, over the shipped ones key by key; `policy/stages.yaml` replaces the stages.
- `plans/`, `playbooks/`: your compensation plans and pages, over the shipped ones.
- `ledger/`: append-only; written by commands, edited by nobody.

Then: `salesops check THIS_FOLDER` and `salesops run --all --data THIS_FOLDER`.
"""

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a schema version to the next: the change of the settings. Version 1 is the first, so there is none."""


def init_company(path: str | Path) -> Path:
    """Make an empty company folder and return it.

    Raises CompanyError where something stands there already: nothing is overwritten.
    """
    root = _resolved(path)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise CompanyError(f"'{path}' stands already and is not empty; name a new folder")
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    title = yaml.safe_dump(root.name, default_flow_style=True).splitlines()[0]
    (root / "company.yaml").write_text(SETTINGS.format(version=SCHEMA_VERSION, name=title), encoding="utf-8")
    (root / "README.md").write_text(README.format(name=root.name), encoding="utf-8")
    return root


def migrate_company(
    path: str | Path, migrations: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] | None = None
) -> list[int]:
    """Bring a folder's settings up to this release; returns the versions passed through, empty if current.

    The old file is kept as ``company.yaml.v<version>``. Raises CompanyError for a version newer than the
    release, or one that no migration leads from.
    """
    steps = MIGRATIONS if migrations is None else migrations
    file = _resolved(path) / "company.yaml"
    if not file.is_file():
        raise CompanyError(f"'{path}' has no company.yaml; make a company with: salesops init DIR")
    entries = read_yaml(file)
    version = entries.get("schema_version") if isinstance(entries, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise CompanyError(f"{file} has schema_version {version!r}; write schema_version: {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise CompanyError(
            f"{file} has schema_version {version}, newer than this release; install a newer one"
        )
    passed = list(range(version, SCHEMA_VERSION))
    lost = [v for v in passed if v not in steps]
    if lost:
        raise CompanyError(f"{file} has schema_version {version}; no migration leads from version {lost[0]}")
    if passed:
        file.with_name(f"company.yaml.v{version}").write_bytes(file.read_bytes())
        for step in passed:
            entries = steps[step](entries) | {"schema_version": step + 1}
        staged = file.with_name(".company.yaml.new")
        staged.write_text(yaml.safe_dump(entries, sort_keys=False, allow_unicode=True), encoding="utf-8")
        staged.replace(file)
    return passed


def _resolved(path: str | Path) -> Path:
    text = str(path)
    if not text.isprintable() or not text.strip() or re.search(r"[*?\[\]{}]", text):
        raise CompanyError(f"{text!r} is no path of a company folder; use letters, digits, - _ . /")
    folder = Path(text).expanduser()
    return folder if folder.is_absolute() else repository_root() / folder
