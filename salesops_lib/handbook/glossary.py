"""The glossary: terms of the register and names of metrics, each with the pages that use it."""

from __future__ import annotations

import re

from salesops_lib.handbook.markdown import linked, page
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.registers import Registers
from salesops_lib.handbook.registry import Registry

_HERE = "reference/glossary.md"
_MOST = 6  # pages named under a term


def glossary(registers: Registers, registry: Registry, pages: dict[str, Page]) -> str:
    """The page reference/glossary."""
    texts = {
        p.path: " ".join(text for _, text in p.body).lower()
        for p in pages.values()
        if "generated_from" not in (p.front or {})
    }
    parts = ["## Terms"]
    for term in sorted(registers["terms"], key=lambda t: t["term"].lower()):
        word = re.compile(rf"\b{re.escape(term['term'].lower())}s?\b")
        users = [path for path, text in texts.items() if word.search(text)]
        named = ", ".join(linked(path, _HERE) for path in users[:_MOST]) or "no page yet"
        more = f" and {len(users) - _MOST} more" if len(users) > _MOST else ""
        said = [term["meaning"]]
        if term.get("not_to_be_confused_with"):
            said.append(f"Not to be confused with: {term['not_to_be_confused_with']}.")
        if term["instead_of"]:
            said.append(f"Not written: {', '.join(term['instead_of'])}.")
        parts.append(f"### {term['term']} {{ #{term['id']} }}\n\n{' '.join(said)}\n\nUsed by: {named}{more}.")
    names = [f"- [{m.name}](metrics.md#{m.id.replace('.', '-')}): {m.meaning}" for m in registry.metrics]
    parts.append("## Metrics\n\n" + "\n".join(sorted(names, key=str.lower)))
    lead = "One word for one thing. To add or change a word, change `registers/terms.yml`."
    return page("glossary", "Glossary", lead, "\n\n".join(parts))
