"""Untrusted HTML made safe: an allow-list keeps headings, text, tables, PNG images and plain links.

Names in CRM data are written by anyone who can fill a web form. They are escaped where they enter a table;
this is the second wall, and the content security policy of the page is the third.
"""

from __future__ import annotations

import re
import secrets

_TEXT = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "kbd"}
_INLINE = {"strong", "em", "b", "i", "small", "sub", "sup", "span", "abbr", "a"}
_BLOCK = {"div", "section", "article", "figure", "figcaption", "img", "details", "summary"}
_LIST = {"ul", "ol", "li", "dl", "dt", "dd"}
_TABLE = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_ATTRIBUTES = {
    "*": {"class", "id", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
    "div": {"tabindex", "role", "aria-label"},
}
_IMAGE = re.compile(r"^data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]+$")
_PICTURE = re.compile(r"(data:image/(?:png|jpeg);base64,)([A-Za-z0-9+/=\n]{200,})")
_LINK = re.compile(r"^(https?://|mailto:|#|(\.\.?/)*[\w][^:]*$)", re.IGNORECASE)
_PLAYBOOK = re.compile(r"^(?:\.\./)*playbooks/([\w./-]+)\.md(#[\w.-]*)?$")
_MUTE_IMAGE = re.compile(r"<img(?![^>]*\salt=)")
_LOST_IMAGE = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>")
_BARE_TABLE = re.compile(r'<table(?![^>]*class="data")[^>]*>.*?</table>', re.DOTALL)


def sanitized(markup: str, playbooks: str) -> str:
    """``markup`` with everything outside the allow-list removed.

    Scripts, styles, event handlers and frames are gone; images are inline PNG or JPEG; links are relative,
    ``http``, ``https`` or ``mailto``. A link to ``…playbooks/page.md#section`` is turned to
    ``<playbooks>page.html#section``. Tables that stand bare get a box of their own to scroll in, and images
    without a text in their place one that says so.
    """
    import nh3

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return value if _IMAGE.match(value) else None
        if tag == "a" and name == "href":
            return _link(value, playbooks)
        return value

    set_aside: list[str] = []
    mark = secrets.token_hex(16)  # a stand-in that no text of the notebook can know

    def put_aside(picture: re.Match) -> str:
        set_aside.append(picture[2])
        return f"{picture[1]}{mark}{len(set_aside) - 1:06d}"

    clean = nh3.clean(
        _PICTURE.sub(put_aside, markup),  # a megabyte of picture takes longer to parse than all the text
        tags=_TEXT | _INLINE | _BLOCK | _LIST | _TABLE,
        clean_content_tags={"script", "style", "template", "iframe", "object", "noscript", "svg", "math"},
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )
    clean = _MUTE_IMAGE.sub('<img alt="No text stands in place of this picture."', _LOST_IMAGE.sub("", clean))
    clean = _BARE_TABLE.sub(
        lambda table: f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{table[0]}</div>',
        clean,
    )
    return re.sub(rf"{mark}(\d{{6}})", lambda place: set_aside[int(place[1])], clean)


def playbook_link(page: str, playbooks: str) -> str:
    """``how-to/a.md#f-x`` on the site at ``playbooks``: ``<playbooks>how-to/a.html#f-x``."""
    match = _PLAYBOOK.match(f"playbooks/{page}")
    return f"{playbooks}{match[1]}.html{match[2] or ''}" if match else ""


def _link(href: str, playbooks: str) -> str | None:
    if _PLAYBOOK.match(href):
        return playbook_link(href.split("playbooks/", 1)[1], playbooks)
    return href if _LINK.match(href) else None
