"""Hashes of every file of an attempt, so that a bundle that was changed or damaged can be told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

NAME = "hashes.json"


def write_hashes(folder: Path) -> None:
    """Write ``hashes.json``: file → SHA-256, of all files that stand now."""
    text = json.dumps(_hashes(folder), indent=1, sort_keys=True)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def verify(folder: Path) -> list[str]:
    """What is wrong with an attempt, a sentence each; empty where every byte is what was written."""
    try:
        wanted = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [f"no {NAME}: it was written by an older release, or removed"]
    except (OSError, ValueError):
        wanted = None
    if not isinstance(wanted, dict):
        return [f"{NAME} cannot be read"]
    found = _hashes(folder)
    said = [f"{name} is missing" for name in sorted(set(wanted) - set(found))]
    said += [f"{name} was added" for name in sorted(set(found) - set(wanted))]
    said += [
        f"{name} was changed" for name in sorted(set(found) & set(wanted)) if found[name] != wanted[name]
    ]
    return said


def damage(folder: Path) -> str:
    """The first thing missing or changed; empty where an attempt is whole, or older than hashes are.

    What somebody put beside it does no harm to a reader; :func:`verify` says that too.
    """
    if not (folder / NAME).exists():
        return ""
    return next((said for said in verify(folder) if not said.endswith(" was added")), "")


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != NAME)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
