"""The files of an export: found by name in a folder, or in a zip of which only what is read is unpacked."""

from __future__ import annotations

import fnmatch
import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from salesops_lib.inputs.importing.mapping import MappingError

AS_CSV = (".xlsx", ".tsv")  # a pattern that ends in .csv finds these too
FOREIGN = (".xls", ".xlsb", ".xlsm", ".ods", ".numbers", ".json")  # found too, to say what to do about them
MOST_BYTES = 20 << 30  # unpacked; no CRM exports more in one zip
BLOCK = 1 << 22
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError)
SHOWN = 12


def find(folder: Path, patterns: list[str]) -> Path | None:
    """The first file whose name matches a pattern, letter case aside; patterns are tried in order.

    A workbook or a TSV file is found by the pattern of a CSV file too, where there is no CSV file.
    """
    names = sorted(p for p in ([folder] if folder.is_file() else folder.iterdir()) if p.is_file())
    for suffixes in ((), AS_CSV, FOREIGN):
        for pattern in patterns:
            for path in names:
                if _matches(path.name, pattern, suffixes):
                    return path
    return None


def held(names: Iterable[str]) -> str:
    """What there is, for a message."""
    names = sorted(names)
    zips = [n for n in names if n.lower().endswith(".zip")]
    hint = f"; give '{zips[0]}' itself as PATH" if zips else ""
    return f"It holds: {', '.join(names[:SHOWN]) or 'nothing'}{' …' if len(names) > SHOWN else ''}{hint}"


def unpacked(archive: Path, patterns: list[str], folder: Path) -> Path:
    """Unpack those members of a zip that match a pattern into ``folder``, and give it.

    Raises MappingError naming the member: a path that leads out of the archive, a link, two of one name,
    another zip, encrypted, more than 20 GB or than the disk holds, damaged, or nothing the mapping reads.
    """
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as given:
            members = [i for i in given.infolist() if not i.is_dir()]
            chosen = _chosen(archive, members, patterns)
            _room(archive, chosen.values(), folder)
            for name, member in chosen.items():
                _unpack(given, member, folder / name)
    except DAMAGED as fault:
        raise MappingError(
            f"export '{archive.name}' cannot be unpacked ({fault}); download it again, or unpack it and give "
            "the folder"
        ) from None
    return folder


def _matches(name: str, pattern: str, suffixes: tuple[str, ...]) -> bool:
    name, pattern = name.lower(), pattern.lower()
    if name.startswith((".", "~$")):
        return False
    if suffixes:
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix not in suffixes:
            return False
        name = f"{stem}.csv"
    return fnmatch.fnmatchcase(name, pattern)


def _chosen(archive: Path, members: list[zipfile.ZipInfo], patterns: list[str]) -> dict[str, zipfile.ZipInfo]:
    """The members to unpack by the name they get."""
    chosen: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or stat.S_ISLNK(member.external_attr >> 16):
            raise MappingError(
                f"export '{archive.name}': member '{member.filename}' leads out of the archive; do not trust "
                "it, or unpack what you need and give the folder"
            )
        if path.suffix.lower() == ".zip" and "__MACOSX" not in path.parts:
            raise MappingError(
                f"export '{archive.name}' holds another zip, '{member.filename}', which is not read; unpack "
                "both and give the folder of their files"
            )
        if "__MACOSX" in path.parts or not _wanted(path.name, patterns):
            continue
        if path.name.lower() in {n.lower() for n in chosen}:
            raise MappingError(
                f"export '{archive.name}' holds '{path.name}' twice; unpack it and give the folder of one"
            )
        if member.flag_bits & 1:
            raise MappingError(
                f"export '{archive.name}': '{member.filename}' has a password; unpack it and give the folder"
            )
        chosen[path.name] = member
    if not chosen:
        names = {PurePosixPath(m.filename).name for m in members}
        raise MappingError(
            f"{archive} holds none of the files that the mapping reads ({', '.join(patterns[:SHOWN])} …). "
            f"{held(names)}"
        )
    return chosen


def _wanted(name: str, patterns: list[str]) -> bool:
    return any(_matches(name, p, suffixes) for p in patterns for suffixes in ((), AS_CSV, FOREIGN))


def _room(archive: Path, members: Iterable[zipfile.ZipInfo], folder: Path) -> None:
    size = sum(m.file_size for m in members)
    if size > min(MOST_BYTES, shutil.disk_usage(folder).free):
        raise MappingError(
            f"export '{archive.name}' unpacks to {size / 1e9:,.1f} GB, more than 20 GB or than the disk "
            "beside the company folder holds; unpack what you need elsewhere and give the folder"
        )


def _unpack(given: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Copy one member, no further than the size it declares."""
    left = member.file_size
    with given.open(member) as old, target.open("wb") as new:
        while block := old.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile(f"'{member.filename}' is larger than it says")
            new.write(block)
