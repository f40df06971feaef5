"""Delivery to servers on loopback: what arrives, that hostile names do nothing, that secrets stay."""

import email
import json
import shutil
import socket
import ssl
import subprocess
import threading
from datetime import date
from email import policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import ordered
from salesops_lib.publish import conduct
from salesops_lib.publish.delivery import digest, notify
from salesops_lib.publish.running.task import Result, Task

PASSWORD = "hunter2-canary-password"
SECRET_PATH = "/services/T0/canary-webhook-token"
SMTP = {
    "SALESOPS_SMTP_HOST": "127.0.0.1",
    "SALESOPS_SMTP_TLS": "none",
    "SALESOPS_SMTP_FROM": "ops@example.com",
    "SALESOPS_SMTP_TO": "head@example.com, cfo@example.com",
}


class Inbox:
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def inbox():
    """A mail server on loopback and the settings to reach it."""
    box = Inbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=_free_port(),
        auth_require_tls=False,
        authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
            success=data.password == PASSWORD.encode(), handled=False
        ),
    )
    controller.start()
    box.environ = SMTP | {"SALESOPS_SMTP_PORT": str(controller.port)}
    yield box
    controller.stop()


@pytest.fixture
def sink():
    """An HTTP server on loopback that keeps what is posted; ``status`` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, json.loads(body)))
            self.send_response(server.status)
            self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}{SECRET_PATH}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def results(workshop, made):
    """One good report with findings on hostile names, one failed."""
    day = date(2025, 12, 12)
    good = workshop.notebook("good").runs()[0]
    bad = workshop.notebook("bad").runs()[0]
    folder = made.bundle(workshop.reports, day, render=False)
    task = Task(good, day, {}, {}, "asked for")
    failed = Task(bad, day, {}, {}, "asked for")
    return [
        Result(task, "ok", findings={}, folder=folder),
        Result(failed, "failed", error=f"ValueError: {made.hostile[0]}"),
    ]


def read(content: bytes):
    return email.message_from_bytes(content, policy=policy.default)


def delivered(wanted, environ, results, tmp_path):
    return notify.deliver(notify.read_channels(wanted, environ), results, tmp_path)


def test_a_mail_arrives_with_findings_act_first_in_text_and_html(inbox, results, made, tmp_path):
    (told,) = delivered(["mail"], inbox.environ, results, tmp_path)
    assert (told.error, told.done) == ("", "sent to 2")
    ((recipients, content),) = inbox.messages
    assert recipients == ["head@example.com", "cfo@example.com"]
    message = read(content)
    assert message.get_content_type() == "multipart/alternative"
    act = [f for f in ordered(made.findings(date(2025, 12, 12))) if f.severity.value == "ACT"]
    assert message["Subject"] == f"Sales operations: {len(act)} ACT, 1 WATCH, 1 failed"
    text = message.get_body(("plain",)).get_content()
    # The largest money at stake leads: EMEA's 1.24 million; the one WATCH comes after all ACT.
    assert text.index("ACT  EMEA stands at 0.61") < text.index("WATCH  APAC stands at 0.77")
    for part in (
        "at stake USD 1,240,000",
        "limit at least 80 %",
        "regional sales director by",
        "Do: Move two",
    ):
        assert part in text
    assert "NOT MADE  bad/company 2025-12-12 failed" in text


def test_hostile_names_are_plain_text_in_every_form(results, made, tmp_path):
    (told,) = delivered([str(tmp_path / "out")], {}, results, tmp_path)
    assert told.error == ""
    (mail,) = (tmp_path / "out").glob("*.eml")
    (payload,) = (tmp_path / "out").glob("*.json")
    assert {p.stat().st_mode & 0o777 for p in (mail, payload)} == {0o600}
    message = read(mail.read_bytes())
    html = message.get_body(("html",)).get_content()
    assert not any(tag in html.lower() for tag in ("<script", "<img", "<svg", "<iframe", "href=", "://"))
    assert "&lt;script&gt;" in html
    assert "://" not in message.get_body(("plain",)).get_content()
    for block in json.loads(payload.read_text())["blocks"]:
        assert block["text"]["verbatim"] is True
        assert len(block["text"]["text"]) <= 3000
        assert not set("<>") & set(block["text"]["text"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("<!channel> & Co", "<!channel> & Co"),
        ("a\r\nBcc: x@y", "a Bcc: x@y"),
        ("x\u202egpj.exe\x00", "x gpj.exe"),
        ("https://evil.example www.evil.example", "https: //evil.example www .evil.example"),
        ("n" * 700, "n" * 599 + "…"),
    ],
)
def test_a_name_is_one_line_without_marks_or_links(name, told):
    assert digest.plain(name) == told


def test_a_mention_is_escaped_for_the_webhook():
    told = digest.Digest("<!channel>", (), (), 0, {}, ("<@U1> & <!here>",))
    payload = digest.webhook(told)
    assert payload["text"] == "&lt;!channel&gt;"
    assert "&lt;@U1&gt; &amp; &lt;!here&gt;" in payload["blocks"][1]["text"]["text"]


def test_the_webhook_gets_one_payload(sink, results, tmp_path):
    (told,) = delivered(["webhook"], {notify.URL: sink.url}, results, tmp_path)
    assert (told.error, told.done) == ("", "sent")
    ((path, payload),) = sink.got
    assert path == SECRET_PATH
    assert payload["text"].startswith("Sales operations: ")
    assert "*ACT*  EMEA stands at 0.61" in payload["blocks"][2]["text"]["text"]


def test_a_user_and_password_are_used_and_a_wrong_one_is_said_without_it(inbox, results, tmp_path):
    login = {"SALESOPS_SMTP_USER": "ops", "SALESOPS_SMTP_PASSWORD": PASSWORD}
    assert delivered(["mail"], inbox.environ | login, results, tmp_path)[0].error == ""
    wrong = login | {"SALESOPS_SMTP_PASSWORD": "canary-wrong-password"}
    (told,) = delivered(["mail"], inbox.environ | wrong, results, tmp_path / "other")
    assert told.error.startswith("not delivered: the mail server refused user or password (535); kept, 1 in ")
    assert "canary" not in told.error


def test_a_server_without_tls_gets_neither_password_nor_findings(inbox, results, tmp_path):
    (told,) = delivered(["mail"], inbox.environ | {"SALESOPS_SMTP_TLS": "starttls"}, results, tmp_path)
    assert "lacks what $SALESOPS_SMTP_TLS" in told.error
    assert inbox.messages == []


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_a_mail_goes_over_tls_only_to_a_server_that_can_be_trusted(results, tmp_path, monkeypatch):
    made = {name: str(tmp_path / name) for name in ("key", "cert")}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", made["key"], "-out", made["cert"]],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made["cert"], made["key"])
    box = Inbox()
    controller = Controller(
        box, hostname="localhost", port=_free_port(), tls_context=context, require_starttls=True
    )
    controller.start()
    environ = SMTP | {"SALESOPS_SMTP_HOST": "localhost", "SALESOPS_SMTP_TLS": "starttls"}
    environ |= {"SALESOPS_SMTP_PORT": str(controller.port)}
    try:
        (told,) = delivered(["mail"], environ, results, tmp_path)
        assert told.error.startswith("not delivered: no trusted TLS connection; kept, 1 in ")
        assert box.messages == []
        monkeypatch.setenv("SSL_CERT_FILE", made["cert"])
        assert delivered(["mail"], environ, results, tmp_path)[0].error == ""
        assert len(box.messages) == 1
    finally:
        controller.stop()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_the_webhook_refuses_is_said_and_never_sent_elsewhere(sink, results, tmp_path, status):
    sink.status = status
    (told,) = delivered(["webhook"], {notify.URL: sink.url}, results, tmp_path)
    assert told.error.startswith(f"not delivered: the webhook answered {status}; kept, 1 in ")
    assert told.error.endswith("for the next --notify webhook; the reports stand")
    assert [path for path, _ in sink.got] == [SECRET_PATH]


def test_nothing_new_is_not_sent(inbox, results, tmp_path):
    task = results[0].task
    old = [Result(task, "unchanged"), Result(task, "stale", error="old data"), Result(task, "lacking")]
    assert delivered(["mail"], inbox.environ, old, tmp_path)[0].done == "nothing new to tell"
    new = [Result(task, "stale", error="old data", last_good="2025-12-01", news=True)]
    assert delivered(["mail"], inbox.environ, new, tmp_path)[0].error == ""
    ((_, content),) = inbox.messages
    assert "1 stale" in read(content)["Subject"]
    assert "old data; the last good report is of 2025-12-01" in read(content).get_body().get_content()


def test_the_same_failure_is_told_once(workshop):
    workshop.notebook("bad", "1 / 0")
    first = workshop.run(names=("bad",))
    assert digest.digest(first).troubles
    assert digest.digest(workshop.run(names=("bad",))) is None
    workshop.notebook("bad", "[][1]")
    assert digest.digest(workshop.run(names=("bad",))).troubles


@pytest.mark.parametrize(
    ("wanted", "environ", "said"),
    [
        ("mail", {}, r"\$SALESOPS_SMTP_HOST is not set"),
        ("mail", SMTP | {"SALESOPS_SMTP_TO": ""}, r"\$SALESOPS_SMTP_TO is not set"),
        ("mail", SMTP | {"SALESOPS_SMTP_TLS": "ssl"}, "none of starttls, implicit, none"),
        ("mail", SMTP | {"SALESOPS_SMTP_PORT": "0"}, "is no port"),
        ("mail", SMTP | {"SALESOPS_SMTP_USER": "ops"}, "set both"),
        ("mail", SMTP | {"SALESOPS_SMTP_TO": "a@b.example\nBcc: c@d.example"}, "plain addresses"),
        ("webhook", {}, r"\$SALESOPS_SECRET_WEBHOOK_URL is not set"),
        ("webhook", {notify.URL: f"http://example.com{SECRET_PATH}"}, "is no https address"),
        ("webhook", {notify.URL: f"file://{SECRET_PATH}"}, "is no https address"),
        ("https://example.com", {}, "an address stands in the environment"),
        ("", {}, "mail, webhook or a folder"),
    ],
)
def test_settings_that_do_not_do_are_refused_before_anything_runs(wanted, environ, said):
    with pytest.raises(UserError, match=said) as fault:
        notify.read_channels([wanted], environ)
    assert "canary" not in str(fault.value)


def test_a_password_goes_over_tls_only():
    login = {"SALESOPS_SMTP_USER": "ops", "SALESOPS_SMTP_PASSWORD": PASSWORD}
    remote = SMTP | login | {"SALESOPS_SMTP_HOST": "mail.example.com"}
    with pytest.raises(UserError, match="over TLS only"):
        notify.read_channels(["mail"], remote)
    assert PASSWORD not in repr(notify.read_channels(["mail"], SMTP | login))


def test_a_run_that_cannot_deliver_keeps_its_report_and_ends_with_4_and_no_secret_is_written(
    workshop, monkeypatch, capfd
):
    settings = SMTP | {"SALESOPS_SMTP_PORT": "1", "SALESOPS_SMTP_USER": "ops"}
    settings |= {"SALESOPS_SMTP_PASSWORD": PASSWORD, notify.URL: f"http://127.0.0.1:1{SECRET_PATH}"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    workshop.notebook("good")
    channels = notify.read_channels(["mail", "webhook", str(workshop.root / "out")])
    asked = workshop.asked(names=("good",))
    assert conduct.run_reports(asked, workshop.bench(), channels=channels) == 4
    assert workshop.current("good/company").is_dir()
    out, err = capfd.readouterr()
    assert err.count("connection refused; kept, 1 in ") == 2
    assert "folder: wrote" in out
    written = b"".join(p.read_bytes() for p in workshop.root.rglob("*") if p.is_file())
    for secret in (PASSWORD, SECRET_PATH):
        assert secret not in out + err
        assert secret.encode() not in written


def test_nothing_is_delivered_without_being_asked(workshop, monkeypatch, inbox, sink, capsys):
    for name, value in (inbox.environ | {notify.URL: sink.url}).items():
        monkeypatch.setenv(name, value)
    workshop.notebook("good")
    assert conduct.run_reports(workshop.asked(names=("good",)), workshop.bench(), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["delivery"] == []
    assert (inbox.messages, sink.got) == ([], [])


def days(result):
    """The same report as another attempt, which is other news."""
    from dataclasses import replace

    again = result.folder.with_name("2")
    shutil.copytree(result.folder, again)
    return replace(result, folder=again)


def test_a_message_that_did_not_arrive_goes_with_the_next_run_and_never_twice(inbox, sink, results, tmp_path):
    environ = inbox.environ | {notify.URL: sink.url}
    down = environ | {"SALESOPS_SMTP_PORT": str(_free_port())}
    sink.status = 503
    channels = ["mail", "webhook"]
    for told in delivered(channels, down, results[:1], tmp_path):
        assert "kept, 1 in " in told.error
    kept = list((tmp_path / ".outbox").iterdir())
    assert len(kept) == 2 and {p.stat().st_mode & 0o777 for p in kept} == {0o600}
    assert (tmp_path / ".outbox").stat().st_mode & 0o777 == 0o700
    # The server is still down, and there is more news: both wait, the older first.
    told = delivered(["mail"], down, [days(results[0])], tmp_path)[0]
    assert "kept, 2 in " in told.error and inbox.messages == []
    sink.status, sink.got[:] = 200, []
    told = delivered(channels, environ, [], tmp_path)
    assert [(t.done, t.error) for t in told] == [("sent to 2; 2 had waited", ""), ("sent; 1 had waited", "")]
    assert len(sink.got) == 1
    names = [read(content)["Message-ID"] for _, content in inbox.messages]
    assert len(set(names)) == 2 and all(name.endswith("@example.com>") for name in names)
    for _ in range(2):  # neither without news, nor with the same runs told again
        for again in ([], results[:1]):
            assert delivered(channels, environ, again, tmp_path)[0].done == "nothing new to tell"
    assert (len(inbox.messages), len(sink.got)) == (2, 1)
    assert all(p.read_bytes() == b"" for p in (tmp_path / ".outbox").iterdir())


def test_only_who_was_refused_gets_a_message_again(inbox, results, tmp_path, monkeypatch):
    async def refuses(self, server, session, envelope, address, options):
        if address.startswith("cfo"):
            return "450 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "handle_RCPT", refuses, raising=False)
        (told,) = delivered(["mail"], inbox.environ, results, tmp_path)
    assert "1 of 2 addresses were refused; kept" in told.error
    (told,) = delivered(["mail"], inbox.environ, [], tmp_path)
    assert told.done == "sent to 1; 1 had waited"
    assert [to for to, _ in inbox.messages] == [["head@example.com"], ["cfo@example.com"]]


def test_a_message_nobody_answered_for_may_have_arrived_and_is_told_not_sent_again(inbox, results, tmp_path):
    async def breaks_off(server, session, envelope):
        inbox.messages.append((envelope.rcpt_tos, envelope.content))
        server.transport.close()
        return "250 OK"

    inbox.handle_DATA = breaks_off
    (told,) = delivered(["mail"], inbox.environ, results, tmp_path)
    assert "the server broke off" in told.error and "may have arrived" in told.error
    del inbox.handle_DATA
    (told,) = delivered(["mail"], inbox.environ, [days(results[0])], tmp_path)
    assert told.error.startswith("1 delivered, then not delivered: ") and "may have arrived" in told.error
    assert len(inbox.messages) == 2
    (goes,) = (tmp_path / ".outbox").glob("*.goes")
    goes.rename(goes.with_suffix(".waits"))  # as the line says
    assert delivered(["mail"], inbox.environ, [], tmp_path)[0].done == "sent to 2; 1 had waited"


def test_a_run_killed_while_its_message_went_out_is_told_by_the_next(inbox, results, tmp_path, monkeypatch):
    from salesops_lib.publish.delivery import notify as module

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "send", killed)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            delivered(["mail"], inbox.environ, results, tmp_path)
    (told,) = delivered(["mail"], inbox.environ, [], tmp_path)
    assert "may have arrived; remove it, or name it .waits" in told.error
    assert inbox.messages == []


def test_what_a_call_published_before_it_was_killed_is_told_by_the_next_once(workshop, monkeypatch, capsys):
    folder = workshop.root / "out"
    channels = notify.read_channels([str(folder)])
    asked, bench = workshop.asked(all=True), workshop.bench()
    workshop.notebook("good")
    workshop.notebook("bad")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(notify, "deliver", killed)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            conduct.run_reports(asked, bench, channels=channels)
    assert not folder.exists()
    told = []
    for _ in range(2):
        conduct.run_reports(asked, bench, channels=channels)
        told.append([path.read_text() for path in sorted(folder.glob("*.json"))])
    (late,), after = told
    assert "good/company 2025-12-12" in late and "bad/company" in late
    assert after == [late]
    assert not list(workshop.reports.rglob("*begun*")) and not list(
        workshop.reports.rglob("outbox-[!-]*.lock")
    )


def test_a_call_that_still_runs_tells_its_own_reports(workshop):
    from salesops_lib.publish.delivery.begun import begun, untold
    from salesops_lib.publish.delivery.outbox import Outbox
    from salesops_lib.publish.store import Store

    store = Store(workshop.reports)
    (channel,) = notify.read_channels([str(workshop.root / "out")])
    task = Task(workshop.notebook("good").runs()[0], date(2025, 12, 12), {}, {}, "asked for")
    with begun([channel], [task], store):
        assert list(untold(Outbox(workshop.reports, channel), store, workshop.root)) == []
    assert not list((workshop.reports / ".outbox").glob("*.begun"))


def test_an_audience_has_addresses_of_its_own_and_never_the_general_ones(results):
    one = SMTP | {"SALESOPS_SMTP_TO_MANAGER_R049": "ana@example.com"}
    (channel,) = notify.read_channels(["mail"], one, audience="manager:R049")
    assert channel.mail.recipients == ("ana@example.com",)
    with pytest.raises(UserError, match=r"\$SALESOPS_SMTP_TO_MANAGER_R050 is not set"):
        notify.read_channels(["mail"], one, audience="manager:R050")
    both = one | {"SALESOPS_SMTP_TO_FINANCE": "Head@example.com"}
    for audience in ("", "finance"):
        with pytest.raises(UserError, match="gets everything, and in that of an audience"):
            notify.read_channels(["mail"], both, audience=audience)
    url = {notify.URL: "https://example.com/a", f"{notify.URL}_FINANCE": "https://example.com/a"}
    with pytest.raises(UserError, match="give it its own"):
        notify.read_channels(["webhook"], url, audience="finance")
    # R-1 and R_1 would be one variable, so each says more of itself.
    names = {notify.variable("TO", f"rep:{person}") for person in ("R-1", "R_1", "r1", "R1")}
    assert len(names) == 4 and "TO_REP_R1" in names
