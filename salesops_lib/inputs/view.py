"""The view a kernel is held to: a company folder cut for one audience, named by the runner's environment.

Where the environment names a view, nothing else opens: not the sample, not a folder or database that a
parameter names. A view says in ``view.json`` what it holds.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from salesops_lib.core.errors import UserError

VIEW_DIR = "SALESOPS_VIEW_DIR"
FILE = "view.json"


class ViewError(UserError):
    """An audience is unknown, may not see what is asked for, or its view cannot be made."""


@dataclass(frozen=True)
class View:
    """What a cut folder holds: for whom, of which day (2025-12-12), and sentences on what is not there."""

    audience: str
    label: str
    as_of: str
    said: tuple[str, ...]


def held_to() -> Path | None:
    """The view this process is held to; None where it is held to none.

    Raises ViewError where the folder named is no view: then nothing opens.
    """
    named = os.environ.get(VIEW_DIR, "")
    if not named:
        return None
    folder = Path(named)
    if read_view(folder) is None:
        raise ViewError("the view this run is held to is gone; run it again with: salesops run --audience")
    return folder


def read_view(root: Path | None) -> View | None:
    """What the cut of a folder says; None where the folder is no view."""
    path = root / FILE if root else None
    if path is None or not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    return View(told["audience"], told["label"], told["as_of"], tuple(told["said"]))


def write_view(root: Path, view: View) -> None:
    """Write ``view.json`` into a cut folder."""
    text = json.dumps(asdict(view), ensure_ascii=False, indent=1)
    (root / FILE).write_text(text + "\n", encoding="utf-8")
