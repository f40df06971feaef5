"""Which notebooks there are and which runs each has, read from ``notebooks/<name>.yaml``."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from salesops_lib.core.errors import UserError, nearest
from salesops_lib.publish.parameters import Parameters, read_parameters

RUN_FILE_MAX_BYTES = 64_000
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_RUN = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


class CatalogError(UserError):
    """A notebook or its run file is missing or wrong. Names file and key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\r\n]+$")]


class Cadence(_Strict):
    """When a report is due: a working day after a month or quarter ends, a weekday, or every day."""

    every: Literal["day", "week", "month", "quarter"]
    on: Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] | None = None
    business_day: int | None = None
    at: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    time_zone: str | None = None  # of ``at``; default the company's

    @model_validator(mode="after")
    def _whole(self) -> Cadence:
        if (self.every == "week") != (self.on is not None):
            raise ValueError("'on' goes with every: week, and only there")
        if (self.every in {"month", "quarter"}) != (self.business_day is not None):
            raise ValueError("'business_day' goes with every: month or quarter, and only there")
        if self.business_day is not None and not 1 <= self.business_day <= 20:
            raise ValueError("'business_day' is from 1 to 20")
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise ValueError(f"'time_zone' {self.time_zone[:40]!r} is unknown; write one as Europe/Paris")
        return self

    def __str__(self) -> str:
        """``every month, business day 3, 06:00``."""
        day = f", business day {self.business_day}" if self.business_day else ""
        zone = f" {self.time_zone}" if self.time_zone else ""
        return f"every {self.on or self.every}{day}, {self.at}{zone}"


class RunFile(_Strict):
    """What ``notebooks/<name>.yaml`` says."""

    title: Line
    question: Line
    domain: Annotated[str, StringConstraints(pattern=rf"^{_WORD.pattern}$")]
    owner: Line
    reader: Line
    cadence: Cadence
    audience: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
    playbooks: list[Line]
    needs: dict[str, list[str]] = {}
    optional: list[str] = []
    runs: dict[str, dict[str, Any]] = {}
    grids: dict[str, dict[str, list[Any]]] = {}
    timeout_seconds: int = 900
    after: list[str] = []  # notebooks whose reports of the day must be good before this one runs
    reads_reports: bool = False  # gathers the others' reports, so it runs after them


@dataclass(frozen=True)
class Run:
    """One run of one notebook: a name that is a safe folder name, and the parameters it gives."""

    notebook: Notebook
    name: str
    parameters: dict[str, Any]

    @property
    def key(self) -> str:
        """``attainment/company``: also its folder under ``reports/``."""
        return f"{self.notebook.name}/{self.name}"


@dataclass(frozen=True)
class Notebook:
    """A notebook with its run file."""

    name: str
    path: Path
    run_file: RunFile

    @cached_property
    def document(self) -> dict:
        """The notebook as parsed JSON."""
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError as fault:
            raise CatalogError(f"{self.path}: not a notebook ({fault}); restore it from git") from None

    @cached_property
    def parameters(self) -> Parameters:
        """What it takes."""
        return read_parameters(self.document, self.name)

    def runs(self) -> list[Run]:
        """Every run its file names, grids expanded, each checked against the parameters cell."""
        runs = [Run(self, name, self._given(name, values)) for name, values in self.run_file.runs.items()]
        for name, grid in self.run_file.grids.items():
            for values in itertools.product(*grid.values()):
                given = dict(zip(grid, values, strict=True))
                runs.append(Run(self, run_name(name, given), self._given(name, given)))
        for run in runs:
            if not _RUN.fullmatch(run.name):
                raise CatalogError(
                    f"{self._where}, runs: {run.name!r} is no run name; use a-z, 0-9, - and _ (up to 60)"
                )
        if not runs or len({run.name for run in runs}) < len(runs):
            raise CatalogError(
                f"{self._where}, runs: no run, or one name twice; write runs: {{company: {{}}}}"
            )
        return runs

    def _given(self, run: str, values: dict[str, Any]) -> dict[str, Any]:
        reserved = {"data", "as_of"} & set(values)
        if reserved:
            raise CatalogError(
                f"{self._where}, runs.{run}: '{min(reserved)}' comes from --data and --as-of; leave it out"
            )
        return self.parameters.checked(values)

    @property
    def _where(self) -> str:
        return f"notebooks/{self.name}.yaml"


def run_name(name: str, values: dict[str, Any]) -> str:
    """``by_region-emea``; where letters are lost or it is long, a few digits of a hash keep names apart."""
    written = "-".join(str(v) for v in values.values())
    slug = re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")
    if slug != written.lower() or len(slug) > 40:
        digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:6]
        slug = f"{slug[:30].strip('-')}-{digest}".strip("-")
    return f"{name}-{slug}" if slug else name


def repository_root(start: Path | None = None) -> Path:
    """The folder with ``pyproject.toml`` and ``notebooks/`` at or above ``start``, else the library's own."""
    start = (start or Path.cwd()).resolve()
    for folder in [start, *start.parents, Path(__file__).resolve().parents[2]]:
        if (folder / "pyproject.toml").is_file() and (folder / "notebooks").is_dir():
            return folder
    raise CatalogError(f"{start} is not inside a workbench (pyproject.toml and notebooks/); cd into one")


def discover(root: Path) -> list[Notebook]:
    """Every notebook with a run file, by name. Raises CatalogError for one without the other."""
    folder = root / "notebooks"
    names = {p.stem for p in folder.glob("*.ipynb")} | {p.stem for p in folder.glob("*.yaml")}
    return [_open(folder, name) for name in sorted(names)]


def find(notebooks: Iterable[Notebook], name: str) -> Notebook:
    """The notebook of a name; an unknown one is refused with the nearest."""
    known = {n.name: n for n in notebooks}
    if name not in known:
        hint = nearest(name, known).replace("It takes:", "There are:")
        raise CatalogError(f"there is no notebook {name[:60]!r}. {hint}")
    return known[name]


def _open(folder: Path, name: str) -> Notebook:
    if not _WORD.fullmatch(name):
        raise CatalogError(f"notebooks/{name}: a notebook's name is lower-case letters, digits and _")
    path = folder / f"{name}.ipynb"
    run_file = folder / f"{name}.yaml"
    for needed in (path, run_file):
        if not needed.is_file():
            raise CatalogError(f"notebooks/{needed.name} is missing; a notebook needs both files")
    return Notebook(name, path, read_run_file(run_file))


def read_run_file(path: Path) -> RunFile:
    """A run file, checked; a fault names file and key."""
    where = f"notebooks/{path.name}"
    if path.stat().st_size > RUN_FILE_MAX_BYTES:
        raise CatalogError(f"{where}: larger than {RUN_FILE_MAX_BYTES:,} bytes; a run file is one page")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Yaml)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise CatalogError(f"{where}: not YAML ({' '.join(str(fault).split())[:160]})") from None
    if not isinstance(content, dict):
        raise CatalogError(f"{where}: no mapping; write title:, question:, …")
    try:
        return RunFile.model_validate(content)
    except ValidationError as fault:
        first = fault.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "cadence"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = f"unknown key. {nearest(str(first['loc'][-1]), RunFile.model_fields)}"
        raise CatalogError(f"{where}, {key}: {message[0].lower()}{message[1:]}") from None


class _Yaml(yaml.SafeLoader):
    """Only true and false are booleans, so ``on:`` is a key and ``NO`` is Norway; dates stay text."""


_Yaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
