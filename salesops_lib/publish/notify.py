"""Delivery of a run's findings: into a folder, by mail, to a webhook. Only where asked; reports stand anyway.

Settings come from the environment alone. What goes wrong is told by kind and code, never in a server's own
words: those may repeat a password or the secret part of an address.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from salesops_lib.core.errors import UserError
from salesops_lib.publish import digest
from salesops_lib.publish.task import Result

SMTP = "SALESOPS_SMTP_"
URL = "SALESOPS_SECRET_WEBHOOK_URL"
TLS = {"starttls": 587, "implicit": 465, "none": 25}
SECONDS = 20
"""How long a server may take; each is tried once."""


class NotifyError(UserError):
    """What ``--notify`` names is not set up."""


@dataclass(frozen=True)
class Mail:
    """A mail server and who writes to whom."""

    host: str
    port: int
    tls: str
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Channel:
    """One way to deliver: ``mail``, ``webhook`` or ``folder`` with what it needs."""

    name: str
    mail: Mail | None = None
    url: str = field(default="", repr=False)
    folder: Path | None = None


@dataclass(frozen=True)
class Delivery:
    """How one delivery ended; ``error`` is empty where it arrived."""

    channel: str
    done: str = ""
    error: str = ""


def read_channels(wanted: Sequence[str], environ: Mapping[str, str] | None = None) -> list[Channel]:
    """``mail``, ``webhook`` or a folder's path, each once, with settings from the environment.

    Raises NotifyError naming the variable to set, before anything runs.
    """
    environ = os.environ if environ is None else environ
    return [_channel(text, environ) for text in dict.fromkeys(wanted)]


def deliver(channels: Sequence[Channel], results: Sequence[Result], reports: Path) -> list[Delivery]:
    """Deliver what is new in ``results``; how each channel ended. Raises nothing for a delivery's fault."""
    told = digest.digest(results) if channels else None
    if told is None:
        return [Delivery(channel.name, "nothing new to tell") for channel in channels]
    return [_deliver(channel, told) for channel in channels]


def _deliver(channel: Channel, told: digest.Digest) -> Delivery:
    try:
        if channel.mail is not None:
            return Delivery(channel.name, _send(channel.mail, told))
        if channel.folder is not None:
            return Delivery(channel.name, _write(channel.folder, told))
        return Delivery(channel.name, _post(channel.url, told))
    except Exception as fault:  # whatever it is, the reports stand
        return Delivery(channel.name, error=f"not delivered: {_said(fault)}; the reports stand")


def _channel(text: str, environ: Mapping[str, str]) -> Channel:
    if text == "mail":
        return Channel("mail", mail=_mail(environ))
    if text == "webhook":
        return Channel("webhook", url=_url(environ))
    if not text or "\0" in text or "://" in text:
        raise NotifyError("--notify takes mail, webhook or a folder; an address stands in the environment")
    return Channel("folder", folder=Path(text).expanduser().absolute())


def _mail(environ: Mapping[str, str]) -> Mail:
    given = {
        name: environ.get(SMTP + name, "").strip() for name in ("HOST", "PORT", "USER", "FROM", "TO", "TLS")
    }
    for name, what in (("HOST", "the mail server"), ("FROM", "the sender"), ("TO", "who gets it")):
        if not given[name]:
            raise NotifyError(f"--notify mail: ${SMTP}{name} is not set; set it to {what}")
    tls = given["TLS"] or "starttls"
    if tls not in TLS:
        raise NotifyError(f"--notify mail: ${SMTP}TLS is none of {', '.join(TLS)}")
    port = given["PORT"] or str(TLS[tls])
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise NotifyError(f"--notify mail: ${SMTP}PORT is no port; write a number as 587")
    password = environ.get(f"{SMTP}PASSWORD", "")
    if bool(password) != bool(given["USER"]):
        raise NotifyError(f"--notify mail: set both ${SMTP}USER and ${SMTP}PASSWORD, or neither")
    if password and tls == "none" and not _is_loopback(given["HOST"]):
        raise NotifyError(
            f"--notify mail: a password goes over TLS only; set ${SMTP}TLS to starttls or implicit"
        )
    recipients = tuple(t.strip() for t in given["TO"].split(",") if t.strip())
    for address in (given["FROM"], *recipients):
        if "@" not in address or not address.isprintable() or any(c in address for c in ' <>",;'):
            raise NotifyError(f"--notify mail: ${SMTP}FROM and TO hold plain addresses, with commas between")
    return Mail(given["HOST"], int(port), tls, given["FROM"], recipients, given["USER"], password)


def _url(environ: Mapping[str, str]) -> str:
    url = environ.get(URL, "").strip()
    if not url:
        raise NotifyError(f"--notify webhook: ${URL} is not set; set it to the webhook's address")
    parts = urlsplit(url)
    local = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    if not parts.hostname or not url.isprintable() or " " in url or not (parts.scheme == "https" or local):
        raise NotifyError(f"--notify webhook: ${URL} is no https address")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _send(mail: Mail, told: digest.Digest) -> str:
    message = digest.mail(told, mail.sender, mail.recipients)
    context = ssl.create_default_context()
    if mail.tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    with server:
        if mail.tls == "starttls":
            server.starttls(context=context)
        if mail.user:
            server.login(mail.user, mail.password)
        refused = server.send_message(message)
    if refused:
        raise _Refused(f"{len(refused)} of {len(mail.recipients)} addresses were refused")
    return f"sent to {len(mail.recipients)}"


def _post(url: str, told: digest.Digest) -> str:
    body = json.dumps(digest.webhook(told)).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  (checked in _url)
    handlers: list[Any] = [_NoRedirect()]
    if _is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
        if answer.status >= 300:
            raise _Refused(f"the webhook answered {answer.status}")
    return "sent"


def _write(folder: Path, told: digest.Digest) -> str:
    """Two files only this user can read, each whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    payload = json.dumps(digest.webhook(told), indent=1, ensure_ascii=False).encode() + b"\n"
    for name, content in ((f"{stem}.eml", bytes(digest.mail(told))), (f"{stem}.json", payload)):
        fresh = folder / f".{name}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(folder / name)
    return f"wrote {folder / stem}.eml and .json"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the findings to an address nobody set."""

    def redirect_request(self, *_args, **_kwargs) -> None:
        return None


class _Refused(Exception):
    """The server took it only in part, or not."""


def _said(fault: Exception) -> str:
    if isinstance(fault, _Refused):
        return str(fault)
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return f"the mail server refused user or password ({fault.smtp_code})"
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return f"the mail server lacks what ${SMTP}TLS or USER asks for"
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"the mail server answered {fault.smtp_code}"
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return "every address was refused"
    if isinstance(fault, urllib.error.HTTPError):
        return f"the webhook answered {fault.code}"
    cause = fault.reason if isinstance(fault, urllib.error.URLError) else fault
    if isinstance(cause, ssl.SSLError):
        return "no trusted TLS connection"
    if isinstance(cause, TimeoutError):
        return f"no answer in {SECONDS} s"
    if isinstance(cause, (smtplib.SMTPException, http.client.HTTPException)):
        return f"the server broke off ({type(cause).__name__})"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower() if cause.errno > 0 else "the server's name is not known"
    return type(cause).__name__
