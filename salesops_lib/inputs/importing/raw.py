"""A file before it is read: its encoding, line ends, hash, header."""

from __future__ import annotations

import codecs
import csv
import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from salesops_lib.inputs.importing.mapping import MappingError
from salesops_lib.inputs.textfiles import LineEnds

BLOCK = 1 << 22
SEPARATORS = ",;\t|"


@dataclass
class Look:
    """What a file's bytes say of it."""

    encoding: str
    ascii: bool
    controls: bool
    mixed: bool  # of line ends


def hashing(path: Path) -> Future[str]:
    """The file's SHA-256, from a thread of its own: hashing holds neither the interpreter nor the engine."""

    def digest() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    executor = ThreadPoolExecutor(max_workers=1)
    try:
        return executor.submit(digest)
    finally:
        executor.shutdown(wait=False)


def look(path: Path) -> Look:
    """Read the file's bytes once."""
    decoder, encoding, ends = codecs.getincrementaldecoder("utf-8")(), "utf-8", LineEnds()
    plain, controls = True, False
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            encoding = "utf-16"
        while block := file.read(BLOCK):
            ends.see(block)
            plain = plain and block.isascii()
            controls = controls or b"\t" in block or b'"' in block
            if encoding == "utf-8" and not plain:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    encoding = "cp1252"
    return Look(encoding, plain, controls, ends.mixed)


def recode(path: Path, text: Path, encoding: str) -> list[int]:
    """Write the file as UTF-8; gives the lines that were not: each is UTF-8 or else cp1252."""
    if encoding == "utf-16":
        with (
            path.open(encoding="utf-16", newline="") as old,
            text.open("w", encoding="utf-8", newline="") as new,
        ):
            while block := old.read(BLOCK):
                new.write(block)
        return []
    recoded = []
    with path.open("rb") as old, text.open("w", encoding="utf-8", newline="") as new:
        for number, line in enumerate(old):
            try:
                new.write(line.decode("utf-8"))
            except UnicodeDecodeError:
                new.write(line.decode("cp1252", errors="replace"))
                recoded.append(number)
    return recoded


def header(text: Path, name: str) -> tuple[list[str], str, dict[str, str]]:
    """Column names, separator, and by the name it got each column that has another's name in the file.

    Raises MappingError where there is no header.
    """
    with text.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        separator = max(SEPARATORS, key=first.count)
        file.seek(0)
        header = next(csv.reader(file, delimiter=separator), None)
    if not header or not any(h.strip() for h in header):
        raise MappingError(f"file '{name}' has no header line; export it with column names")
    columns: list[str] = []
    twins: dict[str, str] = {}
    for number, title in enumerate(header, start=1):
        title = title.strip().lstrip("\ufeff").replace('"', "") or f"column {number}"
        if title in columns:
            twins[f"{title} ({number})"] = title
            title = f"{title} ({number})"
        columns.append(title)
    return columns, separator, twins
