"""Attached pages as PDF."""

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.publish.rendering import browser, printing

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


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("<iframe src='file:///etc/passwd'></iframe>", "<iframe src>"),
        ("<IMG SRC=../../other.png>", "<img src>"),
        ("<img srcset='file:///a 1x'>", "<img srcset>"),
        ("<object data=../x.html></object>", "<object data>"),
        ("<link rel=stylesheet href=a.css>", "<link href>"),
        ("<svg><image xlink:href='file:///a'/></svg>", "<image xlink:href>"),
        ("<svg><use href='a.svg#b'/></svg>", "<use href>"),
        ("<p style='background: URL( file:///a )'>x</p>", "<p style>"),
        ("<style>@import 'a.css';</style>", "<style>"),
        ("<style>p { background: u\\72l(file:///a) }</style>", "<style>"),
        ("<meta http-equiv=Refresh content='0; url=file:///a'>", "<meta>"),
        ("<script>fetch('file:///a')</script>", "<script>"),
        ("<iframe srcdoc='x'>", "<iframe srcdoc>"),
        ("<body onload=x>", "<body onload>"),
        ("<!--><iframe src='file:///a'></iframe>-->", "<!-- -->"),  # to a browser the comment has ended
        ("<style></style/><iframe src='file:///a'></iframe></style>", "<style>"),  # and so has the style
    ],
)
def test_a_page_that_loads_another_file_is_not_printed(folder, part, said):
    # Printed, the other file would stand in a PDF, which nothing can search for what a reader may not see.
    (folder / "attachments" / "a.html").write_text(PAGE + part, encoding="utf-8")
    with pytest.raises(UserError, match=f"'a.html' is to be printed and loads more than itself .{said}"):
        printing.print_pages(folder, MANIFEST)


def test_links_pictures_inside_and_names_that_look_like_markup_are_printed(folder, monkeypatch):
    monkeypatch.setattr(printing, "browser", lambda: None)
    text = "<a href='https://x'>x</a><img src='data:image/png;base64,AA' alt='url(a) \\\\ &lt;iframe src=b>'>"
    (folder / "attachments" / "a.html").write_text(
        f"<style>p {{ color: red }}</style>{text}", encoding="utf-8"
    )
    assert printing.print_pages(folder, MANIFEST) == []
