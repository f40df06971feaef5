"""How one message goes out: by mail, to a webhook, into a folder. What goes wrong is told without a secret.

A server's own words are not repeated: they may hold a password or the secret part of an address.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from salesops_lib.publish.delivery import digest

SMTP = "SALESOPS_SMTP_"
SECONDS = 20
"""How long a server may take; each is tried once in a call."""


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


class NotTaken(Exception):
    """The message did not arrive; ``left``: who of the recipients lacks it, None: all."""

    def __init__(self, said: str, left: tuple[str, ...] | None = None) -> None:
        super().__init__(said)
        self.left = left


class Unanswered(Exception):
    """The message went out and the server broke off before it said whether it took it."""


def send(channel: Channel, told: digest.Digest, name: str, to: Sequence[str] | None = None) -> str:
    """Send one message and say in words what was done.

    Parameters
    ----------
    told
        What the message says.
    name
        What tells it from all others (hexadecimal): the mail's Message-ID, the payload's Idempotency-Key.
    to
        Who of the recipients still lacks it; None: all.

    Raises NotTaken where it surely did not arrive, Unanswered where nobody knows.
    """
    try:
        if channel.mail is not None:
            return _send(channel.mail, told, name, to)
        if channel.folder is not None:
            return _write(channel.folder, told, name)
        return _post(channel.url, told, name)
    except (NotTaken, Unanswered):
        raise
    except Exception as fault:  # whatever it is, the reports stand
        raise NotTaken(_said(fault)) from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Marks:
    """A mail client that knows whether the text of a message has gone out."""

    went = False

    def data(self, msg):
        self.went = True
        return super().data(msg)  # type: ignore[misc]


class _Plain(_Marks, smtplib.SMTP):
    pass


class _Tls(_Marks, smtplib.SMTP_SSL):
    pass


def _send(mail: Mail, told: digest.Digest, name: str, to: Sequence[str] | None) -> str:
    recipients = [r for r in mail.recipients if to is None or r in to]
    if not recipients:
        return "left out: who lacked it is no recipient any more"
    message = digest.mail(told, mail.sender, recipients)
    message["Message-ID"] = f"<{name}@{mail.sender.rpartition('@')[2]}>"
    context = ssl.create_default_context()
    if mail.tls == "implicit":
        server: Any = _Tls(mail.host, mail.port, timeout=SECONDS, context=context)
    else:
        server = _Plain(mail.host, mail.port, timeout=SECONDS)
    try:
        if mail.tls == "starttls":
            server.starttls(context=context)
        if mail.user:
            server.login(mail.user, mail.password)
        refused = server.send_message(message)
    except smtplib.SMTPResponseException:
        raise  # an answer, and not yes
    except (OSError, smtplib.SMTPServerDisconnected) as fault:
        if server.went:
            raise Unanswered(_said(fault)) from None
        raise
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()  # how it ends says nothing of the message
        server.close()
    if refused:
        said = f"{len(refused)} of {len(recipients)} addresses were refused"
        raise NotTaken(said, tuple(r for r in recipients if r in refused))
    return f"sent to {len(recipients)}"


def _post(url: str, told: digest.Digest, name: str) -> str:
    body = json.dumps(digest.webhook(told)).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": name}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  (checked in notify)
    handlers: list[Any] = [_NoRedirect()]
    if is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
            status = answer.status
    except urllib.error.URLError:
        raise  # it did not get through, or was answered by a refusal
    except (OSError, http.client.HTTPException) as fault:
        raise Unanswered(_said(fault)) from None
    if status >= 300:
        raise NotTaken(f"the webhook answered {status}")
    return "sent"


def _write(folder: Path, told: digest.Digest, name: str) -> str:
    """Two files only this user can read, each whole or not there; written again they are the same ones."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{told.made_at.replace(':', '').replace('-', '')[:15]}-{name[:6]}"
    payload = json.dumps(digest.webhook(told), indent=1, ensure_ascii=False).encode() + b"\n"
    for file, content in ((f"{stem}.eml", bytes(digest.mail(told))), (f"{stem}.json", payload)):
        write_private(folder / file, content)
    return f"wrote {folder / stem}.eml and .json"


def write_private(path: Path, content: bytes) -> None:
    """Write a file for this user's eyes only (mode 0600), whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the findings to an address nobody set."""

    def redirect_request(self, *_args, **_kwargs) -> None:
        return None


def _said(fault: Exception) -> str:
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
