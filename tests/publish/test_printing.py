"""Attached pages as PDF."""

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.publish import printing

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
