"""Pages are read as Python-Markdown, which builds the site, reads them."""

import markdown
import pytest

from salesops_lib.handbook.pages import parse, slug

PAGE = """---
id: churn
title: Churn
---

# Churn

See [metrics](reference/metrics.md#attainment-share) and `[no](link.md)`.

## Steps

```text
## not a heading [nor](a-link.md)
```

1. One

### F-CHRN-HIGH: too many leave { #f-chrn-high }

## Steps
"""


def test_a_page_gives_its_front_matter_headings_and_links():
    page = parse("churn.md", PAGE)
    assert page.front == {"id": "churn", "title": "Churn"}
    assert [h.anchor for h in page.headings] == ["churn", "steps", "f-chrn-high", "steps_1"]
    assert page.links == ((8, "reference/metrics.md#attainment-share"),)


def test_a_section_ends_where_the_next_of_its_level_starts():
    page = parse("churn.md", PAGE)
    assert [text for _, text in page.section("Steps") if text] == [
        "1. One",
        "### F-CHRN-HIGH: too many leave { #f-chrn-high }",
    ]
    assert page.section("Escalate") is None


@pytest.mark.parametrize("text", ["# A\n", "---\nid: [\n---\n# A\n", "---\n- a\n---\n# A\n"])
def test_a_page_without_front_matter_has_none(text):
    assert parse("a.md", text).front is None


@pytest.mark.parametrize(
    "heading",
    ["If you see F-ATTN-SKEW", "What `as_of` does", "Über 50 % at quota", "A — b", "Who, when & why?"],
)
def test_an_anchor_is_the_one_python_markdown_gives(heading):
    builder = markdown.Markdown(extensions=["toc"])
    assert f'id="{slug(heading.replace("`", ""))}"' in builder.convert(f"## {heading}")


def test_an_anchor_of_its_own_is_the_one_python_markdown_gives():
    builder = markdown.Markdown(extensions=["toc", "attr_list"])
    html = builder.convert("### F-ATTN-SKEW: few carry most { #f-attn-skew }")
    assert '<h3 id="f-attn-skew">F-ATTN-SKEW: few carry most</h3>' in html
