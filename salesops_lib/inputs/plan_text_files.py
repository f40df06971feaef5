"""Plan files that a command is given by path: texts, named as they were typed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from salesops_lib.core.errors import ParameterError
from salesops_lib.inputs.company import MAX_YAML_BYTES, repository_root
from salesops_lib.inputs.plans import PlanFile


def plan_texts(paths: Iterable[Path]) -> list[PlanFile]:
    """The plans of files and folders (``*.yaml`` and ``*.yml`` in them, not below), in order, each once.

    A relative path is looked for from where the user stands, then from the repository root. Raises
    ParameterError: nothing there, a folder without plans, a file too large or not UTF-8.
    """
    found: dict[Path, PlanFile] = {}
    for path in paths:
        place = path if path.exists() or path.is_absolute() else repository_root() / path
        if place.is_dir():
            files = sorted(p for p in place.iterdir() if p.suffix in {".yaml", ".yml"} and p.is_file())
            if not files:
                raise ParameterError(f"{path} holds no plan; a plan is a file *.yaml, see data/plans")
        elif place.is_file():
            files = [place]
        else:
            raise ParameterError(f"there is no plan {path}; name a file or a folder of *.yaml")
        for file in files:
            shown = path / file.name if place.is_dir() else path
            found.setdefault(file.resolve(), _read(file, shown))
    return list(found.values())


def company_above(paths: Iterable[Path]) -> Path | None:
    """The company folder that the plans are in (``COMPANY/plans/…``); None where they are in none."""
    for path in paths:
        place = path if path.exists() or path.is_absolute() else repository_root() / path
        for folder in (place.resolve(), *place.resolve().parents[:3]):
            if (folder / "company.yaml").is_file():
                return folder
    return None


def _read(file: Path, shown: Path) -> PlanFile:
    if file.stat().st_size > MAX_YAML_BYTES:
        raise ParameterError(f"{shown} is over {MAX_YAML_BYTES:,} bytes; that is no plan")
    try:
        return PlanFile(shown.as_posix(), file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ParameterError(f"{shown} is not UTF-8; save it as UTF-8") from None
