"""A payee's PDF, read back: it says what the page says, and holds nobody else's name or pay."""

import re
import unicodedata
import zlib
from collections import Counter
from html import unescape

import pytest

from salesops_lib.compensation.close import closed
from salesops_lib.compensation.close.payslip import statements
from salesops_lib.compensation.close.statement_pages import statement_file, statement_page
from salesops_lib.publish.rendering import printing

CHOSEN = ("R008", "R011", "R031")

OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.S)
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)
SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>")
ONE, MANY = (re.compile(rb"<(\w+)> " + rest) for rest in (rb"<(\w+)>$", rb"<(\w+)> <(\w+)>"))


def pdf_text(content: bytes) -> str:
    """The text of a PDF of Chromium without its spaces: glyphs shown, by each font's map to characters."""
    objects = dict(OBJECT.findall(content))
    assert b"/ObjStm" not in content

    def stream(body: bytes) -> bytes:
        return zlib.decompress(STREAM.search(body)[1])

    fonts = {}
    for number, body in objects.items():
        named = re.search(rb"/ToUnicode (\d+) 0 R", body)
        if named:
            fonts[number] = characters(stream(objects[named[1]]))
    found = []
    for body in objects.values():
        if b"/Type /Page " not in body + b" " and b"/Type /Page\n" not in body:
            continue
        names = dict(re.findall(rb"/(F\d+) (\d+) 0 R", body))
        (drawn,) = re.findall(rb"/Contents (\d+) 0 R", body)
        font: dict[int, str] = {}
        for name, glyphs in SHOWN.findall(stream(objects[drawn])):
            font = fonts[names[name]] if name else font
            found += [font[int(glyphs[k : k + 4], 16)] for k in range(0, len(glyphs), 4)]
    return letters("".join(found))


def characters(table: bytes) -> dict[int, str]:
    """Glyph → character of a font's ToUnicode table."""
    made: dict[int, str] = {}
    for line in table.splitlines():
        if many := MANY.match(line):
            first, last, start = (int(x, 16) for x in many.groups())
            made |= {g: chr(start + g - first) for g in range(first, last + 1)}
        elif one := ONE.match(line):
            made[int(one[1], 16)] = bytes.fromhex(one[2].decode()).decode("utf-16-be")
    return made


def page_text(page: str) -> str:
    return letters(unescape(re.sub(r"<[^>]+>", " ", page.partition("</head>")[2])))


def letters(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())  # ﬁ of the font is f and i


@pytest.mark.browser
def test_each_payee_has_a_pdf_of_the_whole_page_and_of_nobody_else(november, chromium, tmp_path):
    names = closed.names_of(november.snapshot.frame("reps"))
    every = statements(november.made, names, november.worked, "draft")
    files = {
        s.rep_id: (statement_file(s, ".html"), statement_page("Co", s)) for s in every if s.rep_id in CHOSEN
    }
    for name, page in files.values():
        (tmp_path / name).write_text(page, encoding="utf-8")
    printed = printing.print_files([tmp_path / name for name, _ in files.values()])
    assert [path.name for path in printed] == [f"statement_{rep}.pdf" for rep in CHOSEN]
    paid = {row.rep_id: f"{row.paid / 100:,.2f}" for row in november.made.payments.itertuples()}
    for path, (own, (_, page)) in zip(printed, files.items(), strict=True):
        text = pdf_text(path.read_bytes())
        assert Counter(text) == Counter(page_text(page))  # a break between pages may move a cell
        assert [w for w in (paid[own], own, letters(names[own])) if w not in text] == []
        others = set(names) - {own}
        assert not [rep for rep in others if rep in text or rep.encode() in path.read_bytes()]
        assert not [
            r for r in others if re.search(rf"{letters(names[r])}(?![0-9])", text) and names[r] != names[own]
        ]
        alone = {v for r, v in paid.items() if r != own and len(v) > 7 and v != paid[own]}
        assert not [v for v in alone if f"{v}USD" in text]
