"""Messages that wait to be sent, beside the reports they tell of: ``<reports>/.outbox``, for this user only.

A message is written here before it goes out and gone once it arrived. Its name is made from the runs it
tells, so the same runs are never told twice by one channel. While it goes out it is marked; one found so
(the process was killed, or the server broke off) may have arrived, and is told rather than sent again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from salesops_lib.publish.delivery.digest import Digest
from salesops_lib.publish.delivery.sending import Channel, write_private

FOLDER = ".outbox"
_WAITS, _GOES, _SENT = ".waits", ".goes", ".sent"


@dataclass(frozen=True)
class Message:
    """One message: its file, what it says, and who still lacks it (None: all of the channel)."""

    path: Path
    told: Digest
    to: tuple[str, ...] | None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return self.path.stem.rpartition("-")[2]


class Outbox:
    """What one channel of a reports folder has to send. Whoever uses it holds the folder's lock."""

    def __init__(self, reports: Path, channel: Channel) -> None:
        self.folder = reports / FOLDER
        to = channel.name if channel.folder is None else f"{channel.name}-{_hash(str(channel.folder))[:8]}"
        self._prefix = f"{to}-"

    def add(self, told: Digest) -> Message | None:
        """Keep a message to be sent; None where these runs were told before, or wait already.

        Raises OSError where it cannot be kept.
        """
        name = _hash(json.dumps([self._prefix, *sorted(told.runs)]))[:32]
        if any(self.folder.glob(f"{self._prefix}*-{name}.*")):
            return None
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = told.made_at.replace(":", "").replace("-", "")[:15]
        path = self.folder / f"{self._prefix}{stamp}-{name}{_WAITS}"
        self._store(path, told, None)
        return Message(path, told, None)

    def waiting(self) -> list[Message]:
        """What did not arrive, oldest first. What cannot be read is left alone."""
        return [m for m in map(_read, sorted(self.folder.glob(f"{self._prefix}*{_WAITS}"))) if m]

    def doubtful(self) -> list[Path]:
        """What may have arrived, and nobody knows."""
        return sorted(self.folder.glob(f"{self._prefix}*{_GOES}"))

    def going(self, message: Message) -> Message:
        """Mark a message before it goes out."""
        path = message.path.with_suffix(_GOES)
        message.path.replace(path)
        return Message(path, message.told, message.to)

    def sent(self, message: Message) -> None:
        """A message arrived: only its name stays."""
        path = message.path.with_suffix(_SENT)
        message.path.replace(path)
        write_private(path, b"")

    def keep(self, message: Message, left: tuple[str, ...] | None = None) -> None:
        """A message did not arrive, or only ``left`` of its recipients lack it: it waits again."""
        self._store(message.path, message.told, left or message.to)
        message.path.replace(message.path.with_suffix(_WAITS))

    def _store(self, path: Path, told: Digest, to: tuple[str, ...] | None) -> None:
        content = {"to": to, "told": vars(told)}
        write_private(path, json.dumps(content, ensure_ascii=False).encode())


def _read(path: Path) -> Message | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        to = content["to"]
        return Message(path, Digest.from_dict(content["told"]), None if to is None else tuple(to))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
