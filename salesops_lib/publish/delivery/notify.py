"""Delivery of a run's findings: into a folder, by mail, to a webhook. Only where asked; reports stand anyway.

Settings come from the environment alone. A call for an audience writes to that audience's own addresses and
never to the general ones, nor the other way round. What does not arrive waits for the next call that asks
for the same channel.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from salesops_lib.core.errors import UserError
from salesops_lib.publish.delivery import digest
from salesops_lib.publish.delivery.outbox import Outbox
from salesops_lib.publish.delivery.sending import SMTP, Channel, Mail, NotTaken, Unanswered, is_loopback, send
from salesops_lib.publish.running.task import Result
from salesops_lib.publish.store import Store

URL = "SALESOPS_SECRET_WEBHOOK_URL"
TLS = {"starttls": 587, "implicit": 465, "none": 25}
_NOTHING = "nothing new to tell"
_PLAIN = re.compile(r"[a-z0-9]+(:[A-Z0-9]+)?")


class NotifyError(UserError):
    """What ``--notify`` names is not set up."""


@dataclass(frozen=True)
class Delivery:
    """How one delivery ended; ``error`` is empty where it arrived."""

    channel: str
    done: str = ""
    error: str = ""


def read_channels(
    wanted: Sequence[str], environ: Mapping[str, str] | None = None, audience: str = ""
) -> list[Channel]:
    """``mail``, ``webhook`` or a folder's path, each once, with settings from the environment.

    For an audience (``manager:R049``) the addresses are those of its own variables
    (``SALESOPS_SMTP_TO_MANAGER_R049``). Raises NotifyError naming the variable to set, before anything runs.
    """
    environ = os.environ if environ is None else environ
    return [_channel(text, environ, audience) for text in dict.fromkeys(wanted)]


def variable(name: str, audience: str) -> str:
    """The variable an audience's address stands in; of two audiences never the same one."""
    if not audience:
        return name
    plain = re.sub(r"[^A-Z0-9]+", "_", audience.upper())[:40]
    if _PLAIN.fullmatch(audience):
        return f"{name}_{plain}"
    return f"{name}_{plain}_{hashlib.sha256(audience.encode()).hexdigest()[:8].upper()}"


def deliver(channels: Sequence[Channel], results: Sequence[Result], reports: Path) -> list[Delivery]:
    """Send what waits and what is new in ``results``; how each channel ended.

    Raises nothing for a delivery's fault: what did not arrive waits in ``reports`` (:mod:`outbox`).
    """
    if not channels:
        return []
    told = digest.digest(results)
    with Store(reports).lock("outbox/send"):
        return [_deliver(channel, told, Outbox(reports, channel)) for channel in channels]


def _deliver(channel: Channel, told: digest.Digest | None, box: Outbox) -> Delivery:
    unsure = [_unsure(path) for path in box.doubtful()]
    try:
        new = box.add(told) if told else None
    except OSError as fault:  # what cannot be kept is sent all the same
        return _send_unkept(channel, told, f"{box.folder}: {fault.strerror}")
    done: list[str] = []
    waiting = box.waiting()
    for at, message in enumerate(waiting):
        going = box.going(message)
        try:
            done.append(send(channel, message.told, message.name, message.to))
        except NotTaken as fault:
            box.keep(going, fault.left)
            wait = f"{len(waiting) - at} in {box.folder} for the next --notify {channel.name}"
            return Delivery(channel.name, error=_failed(f"{fault}; kept, {wait}", done))
        except Unanswered as fault:
            return Delivery(channel.name, error=_failed(f"{fault}; {_unsure(going.path)}", done))
        box.sent(going)
    if unsure:
        return Delivery(channel.name, error=_failed(unsure[0], done))
    late = len(done) - (new is not None)
    return Delivery(
        channel.name, "; ".join([*done[-1:], *([f"{late} had waited"] if late else [])]) or _NOTHING
    )


def _unsure(path: Path) -> str:
    return f"{path} may have arrived; remove it, or name it .waits to send it again"


def _send_unkept(channel: Channel, told: digest.Digest, why: str) -> Delivery:
    name = hashlib.sha256(repr(told).encode()).hexdigest()[:32]
    try:
        return Delivery(channel.name, send(channel, told, name))
    except (NotTaken, Unanswered) as fault:
        return Delivery(channel.name, error=_failed(f"{fault}; it could not be kept, {why}", []))


def _failed(said: str, done: Sequence[str]) -> str:
    before = f"{len(done)} delivered, then " if done else ""
    return f"{before}not delivered: {said}; the reports stand"


def _channel(text: str, environ: Mapping[str, str], audience: str) -> Channel:
    if text == "mail":
        return Channel("mail", mail=_mail(environ, audience))
    if text == "webhook":
        return Channel("webhook", url=_url(environ, audience))
    if not text or "\0" in text or "://" in text:
        raise NotifyError("--notify takes mail, webhook or a folder; an address stands in the environment")
    return Channel("folder", folder=Path(text).expanduser().absolute())


def _mail(environ: Mapping[str, str], audience: str) -> Mail:
    names = {name: SMTP + name for name in ("HOST", "PORT", "USER", "FROM", "TLS")}
    names["TO"] = variable(f"{SMTP}TO", audience)
    given = {name: environ.get(long, "").strip() for name, long in names.items()}
    for name, what in (("HOST", "the mail server"), ("FROM", "the sender"), ("TO", "who gets it")):
        if not given[name]:
            raise NotifyError(f"--notify mail: ${names[name]} is not set; set it to {what}")
    tls = given["TLS"] or "starttls"
    if tls not in TLS:
        raise NotifyError(f"--notify mail: ${SMTP}TLS is none of {', '.join(TLS)}")
    port = given["PORT"] or str(TLS[tls])
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise NotifyError(f"--notify mail: ${SMTP}PORT is no port; write a number as 587")
    password = environ.get(f"{SMTP}PASSWORD", "")
    if bool(password) != bool(given["USER"]):
        raise NotifyError(f"--notify mail: set both ${SMTP}USER and ${SMTP}PASSWORD, or neither")
    if password and tls == "none" and not is_loopback(given["HOST"]):
        raise NotifyError(
            f"--notify mail: a password goes over TLS only; set ${SMTP}TLS to starttls or implicit"
        )
    recipients = _addresses(given["TO"])
    for address in (given["FROM"], *recipients):
        if "@" not in address or not address.isprintable() or any(c in address for c in ' <>",;'):
            raise NotifyError(f"--notify mail: ${SMTP}FROM and TO hold plain addresses, with commas between")
    _refuse_both(environ, audience, recipients)
    return Mail(given["HOST"], int(port), tls, given["FROM"], recipients, given["USER"], password)


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(t.strip() for t in text.split(",") if t.strip())


def _refuse_both(environ: Mapping[str, str], audience: str, recipients: Sequence[str]) -> None:
    """Who is written to as an audience must not also get the messages that nothing was cut from."""
    general = {a.casefold() for a in _addresses(environ.get(f"{SMTP}TO", ""))}
    own = {
        a.casefold()
        for name, text in environ.items()
        if name.startswith(f"{SMTP}TO_") and not audience
        for a in _addresses(text)
    } or {a.casefold() for a in recipients if audience}
    if own & general:
        raise NotifyError(
            f"--notify mail: an address stands in ${SMTP}TO, which gets everything, and in that of an "
            "audience; take it out of one"
        )


def _url(environ: Mapping[str, str], audience: str) -> str:
    name = variable(URL, audience)
    url = environ.get(name, "").strip()
    if not url:
        raise NotifyError(f"--notify webhook: ${name} is not set; set it to the webhook's address")
    if audience and url == environ.get(URL, "").strip():
        raise NotifyError(f"--notify webhook: ${name} is ${URL}, which gets everything; give it its own")
    parts = urlsplit(url)
    local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or not url.isprintable() or " " in url or not (parts.scheme == "https" or local):
        raise NotifyError(f"--notify webhook: ${name} is no https address")
    return url
