"""Words of a sentence that depend on its numbers: one takes the singular, nothing has no sign."""

from __future__ import annotations

import re

PLURALS = (
    "accounts", "amounts", "attempts", "calls", "cells", "changes", "columns", "contacts", "contracts",
    "currencies", "days", "deals", "draws", "exits", "faults", "fields", "files", "findings", "forecasts",
    "groups", "holders", "hours", "imports", "items", "leads", "lines", "minutes", "months", "names",
    "opportunities", "outcomes", "owners", "payees", "periods", "plans", "quarters", "questions", "quotas",
    "regions", "reports", "reps", "rows", "seats", "sellers", "sources", "spells", "stages", "states",
    "stays", "steps", "submitters", "tables", "targets", "teams", "tests", "values", "weeks", "windows",
    "wins", "years",
)  # fmt: skip
"""Nouns that follow a count in statements, captions and cards."""
_BEFORE = (
    "bookable|closed|credited|decided|different|empty|faulty|finished|later|late|lost|matured|more|open|other|past|"
    "pressing|priced|recent|required|ramped|such|unassigned|unpriced|untouched|whole|won"
)
_VERBS = {
    "are": "is", "were": "was", "have": "has", "lie": "lies", "hold": "holds", "rest": "rests", "need":
    "needs", "stand": "stands", "read": "reads", "fit": "fits", "fall": "falls", "repeat": "repeats",
    "carry": "carries",
}  # fmt: skip
_ONE = re.compile(
    rf"(?<![\w.,/–−-])1 (?P<before>(?:(?:{_BEFORE}) )*)(?:(?P<noun>{'|'.join(PLURALS)})\b|(?<=more ))"
    rf"(?P<gap> ?)(?P<verb>(?:{'|'.join(_VERBS)})\b)?"
)
_NO_SIGN = re.compile(r"(?<![\w.,])[-−+](?=0(?:\.0+)? ?(?:%|points\b))")
_MINUS = re.compile(r"(?<![\w.,])-(?=\d[\d.,]* ?(?:%|points\b))")


def sentence(text: str) -> str:
    """A text with its counts of one in the singular, and shares that round to 0 without a sign.

    ``1 open deals are late`` gives ``1 open deal is late``, ``-0 %`` gives ``0 %``, ``-4 %`` gives ``−4 %``.
    Only nouns of :data:`PLURALS` are known; ``1 of 9 reps`` stays.
    """
    return _MINUS.sub("−", _NO_SIGN.sub("", _ONE.sub(_singular, text)))


def signed_percent(share: float, decimals: int = 0) -> str:
    """``0.042`` as ``+4 %``, ``-0.042`` as ``−4 %``; what rounds to 0 has no sign."""
    return sentence(f"{100 * share:+.{decimals}f} %")


def listed(names, total: int = 0) -> str:
    """``A, B and C``; with a larger total ``A, B and 5 more``."""
    names = [str(n) for n in names]
    if total > len(names):
        return f"{', '.join(names)} and {total - len(names)} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _singular(found: re.Match) -> str:
    noun, verb = found["noun"] or "", found["verb"] or ""
    noun = f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
    return f"1 {found['before']}{noun}{found['gap']}{_VERBS.get(verb, '')}"
