"""Attached pages as PDF."""

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.publish import browser, printing

PAGE = "<!doctype html><title>t</title><p>one</p><p style='break-before: page'>two</p>"
MANIFEST = {"attachments": [{"name": "a.html", "pdf": True}, {"name": "b.html", "pdf": False}]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "attachments").mkdir()
    for name in ("a.html", "b.html"):
        (tmp_path / "attachments" / name).write_text(PAGE, encoding="utf-8")
    return tmp_path


@pytest.mark.browser
def test_a_page_that_asks_for_it_is_printed_beside_itself_and_no_other(folder, chromium):
    assert printing.print_pages(folder, MANIFEST) == [folder / "attachments" / "a.pdf"]
    printed = (folder / "attachments" / "a.pdf").read_bytes()
    # Two pages by the forced break: a PDF's page objects are of /Type /Page.
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") == 2
    assert not (folder / "attachments" / "b.pdf").exists()


def test_without_chromium_nothing_is_printed(folder, monkeypatch):
    monkeypatch.setattr(printing, "browser", lambda: None)
    assert printing.print_pages(folder, MANIFEST) == []


def test_a_browser_that_does_not_print_is_said(folder, monkeypatch):
    monkeypatch.setattr(printing, "browser", lambda: "/bin/false")
    with pytest.raises(UserError, match=r"/bin/false did not print 'a.html' \(exit 1\); print the HTML"):
        printing.print_pages(folder, MANIFEST)


@pytest.mark.browser
def test_several_pages_are_printed_by_one_start_and_where_one_cannot_be_opened_none_is(
    folder, chromium, monkeypatch
):
    pages = [folder / "attachments" / name for name in ("a.html", "b.html")]
    starts, begin = [], browser.subprocess.Popen
    monkeypatch.setattr(
        browser.subprocess, "Popen", lambda *args, **more: starts.append(args) or begin(*args, **more)
    )
    with pytest.raises(UserError, match=r"did not print 'gone.html' \(net::ERR_FILE_NOT_FOUND\)"):
        printing.print_files([*pages, folder / "attachments" / "gone.html"])
    assert sorted(p.name for p in (folder / "attachments").iterdir()) == ["a.html", "b.html"]
    assert [p.name for p in printing.print_files(pages)] == ["a.pdf", "b.pdf"]
    assert len(starts) == 2


def test_a_browser_that_hangs_is_ended_and_said(folder, monkeypatch, tmp_path):
    hung = tmp_path / "hung"
    hung.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    hung.chmod(0o755)
    monkeypatch.setattr(printing, "browser", lambda: str(hung))
    monkeypatch.setattr(browser, "PAGE_SECONDS", 0.2)
    with pytest.raises(UserError, match=r"did not print 'a.html' \(over 0.2 seconds\)"):
        printing.print_pages(folder, MANIFEST)
