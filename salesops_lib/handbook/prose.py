"""How pages are written: PB060 words, PB061 reading ease, PB062 length, PB063 verbs, shared runs.

Only PB060 is a fault. The others are counted by the rubric; ``check`` prints PB062 and PB063 as warnings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.registers import Registers

CAPS = {"how-to": 900, "explanation": 1500, "charter": 1200}
EASY, RUN = 50.0, 8
_LEAST_WORDS = 80  # below this the ease of a page says nothing
_OUTSIDE = re.compile(
    r"\b(GitLab|PostHog|Sourcegraph|Gartner|Forrester|Alexander Group|Cygnal|InsideSales"
    r"|Harvard Business Review|industry (?:average|standard)|best in class)\b"
)
_STEP = re.compile(r"^\d+\.\s+(?:\*\*|_)?([A-Za-z-]+)")
VERBS = frozenset(
    re.findall(
        r"[a-z]+",
        """
        add adjust age agree allow announce answer approve archive ask assign attach blend book bring
        build call carry certify change check choose classify close collect compare compute confirm
        convert copy correct count create cut debrief decide declare define delete do draft draw drop
        edit end enter escalate estimate explain export file fill filter find fix fold follow freeze get
        give go group hand have hear hold import include install interview invite join judge keep label
        lay lead leave let link list listen load lock log look lower make map mark match measure meet
        mend merge move multiply name note offer open order own pair pass pay pick pin plan post prepare
        price print prove pull put quote raise rank rate reach read rebuild recompute record redraw
        refresh rehearse reject release remind remove render repeat replace reply report reproduce
        requalify restate return review revoke route run save say schedule score search see select send
        separate set shadow share show sign size sort split stand start state stop sum switch tag take
        talk tell test trace train treat try tune turn update use verify wait walk watch weigh widen
        work write
        """,
    )
)


def check_terms(pages: dict[str, Page], registers: Registers) -> Iterator[Fault]:
    """PB060: a word the house does not use. Code spans and the register's own pages are left alone."""
    banned = [(word.strip(), t["term"]) for t in registers["terms"] for word in t["instead_of"]]
    for page in hand_written(pages):
        for number, line in page.body:
            text = re.sub(r"`[^`]*`|\]\([^)]*\)", " ", line)
            for word, term in banned:
                if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE):
                    yield Fault(page.path, number, "PB060", f"'{word}' is not our word", f"write '{term}'")


def warnings(pages: dict[str, Page]) -> Iterator[Fault]:
    """PB034 an outside figure without a tag; PB062 over the word cap; PB063 a step without a verb first."""
    for page in hand_written(pages):
        yield from _untagged(page)
        kind = (page.front or {}).get("kind")
        count = length(page)
        if count > CAPS.get(kind, count):
            yield Fault(
                page.path, 1, "PB062", f"{count} words, over {CAPS[kind]}", "cut it or split the page"
            )
        for number, line in (page.section("Steps") or []) if kind == "how-to" else ():
            step = _STEP.match(line)
            if step and not is_verb(step[1]):
                yield Fault(
                    page.path, number, "PB063", f"the step begins with '{step[1]}'", "begin with a verb"
                )


def _untagged(page: Page) -> Iterator[Fault]:
    """A paragraph that names an outside source and a figure, and no benchmark."""
    first, held = 0, ""
    for number, line in (*page.body, (0, "")):
        if line.strip():
            first, held = first or number, f"{held} {line}"
            continue
        found = _OUTSIDE.search(held)
        if found and re.search(r"\d", held) and "[bm:" not in held:
            said = f"a figure of '{found[0]}' without its benchmark"
            yield Fault(page.path, first, "PB034", said, "add (grade …) [bm:id]")
        first, held = 0, ""


def is_verb(word: str) -> bool:
    """Whether a step's first word is one of :data:`VERBS`."""
    return word.lower() in VERBS


def words(page: Page) -> list[str]:
    """Words of a page's prose, with tables, in their order and lower case."""
    return _words(page.body)


def _words(lines: Iterable[tuple[int, str]]) -> list[str]:
    text = " ".join(re.sub(r"<!--.*?-->|\]\([^)]*\)|\{ #[^}]*\}", " ", line) for _, line in lines)
    return re.findall(r"[a-z0-9][a-z0-9'’-]*", text.lower())


def length(page: Page) -> int:
    """Words of a page without its sections ``If you see``: each rule demands one, and a reader opens one."""
    return len(words(page)) - len(_words(page.section("If you see") or []))


def prose(page: Page) -> str:
    """Sentences of a page: no heading, table row, code, link target or tag; list items end with a stop."""
    kept = []
    for _, line in page.body:
        text = line.strip()
        if not text:
            kept.append(".")
        if not text or text[0] in "#|>" or text.startswith("!["):
            continue
        text = re.sub(r"<!--.*?-->|\[bm:[\w-]+\]|\]\([^)]*\)|\[|`[^`]*`|https?://\S+", " ", text)
        kept.append(
            ("." if re.match(r"^([-*]|\d+\.)\s", text) else "") + re.sub(r"^([-*]|\d+\.)\s", " ", text)
        )
    return re.sub(r"(\.\s*){2,}", ". ", " ".join(kept))


def reading_ease(text: str) -> float | None:
    """Flesch reading ease of English prose; None below 80 words.

    206.835 - 1.015 words / sentences - 84.6 syllables / words. Figures and single signs are no words.
    Source: R. Flesch, A new readability yardstick, Journal of Applied Psychology 32 (1948).
    """
    sentences = [s for s in re.split(r"[.!?](?:\s|$)", text) if re.search(r"[A-Za-z]{2}", s)]
    spoken = re.findall(r"[A-Za-z][A-Za-z'’]+", text)
    if len(spoken) < _LEAST_WORDS:
        return None
    beats = sum(map(syllables, spoken))
    return 206.835 - 1.015 * len(spoken) / len(sentences) - 84.6 * beats / len(spoken)


def syllables(word: str) -> int:
    """Syllables of an English word: groups of vowels, less a silent end; at least one.

    On these pages it counts 3 % more than the hyphenation points of pyphen do, so that ease is not flattered.
    """
    word = re.sub(r"[^a-z]", "", word.lower())
    count = len(re.findall(r"[aeiouy]+", word))
    silent = re.search(r"[^aeiouyl]e$|[^aeiouy]les$|[^aeioutdszcgxh]es$|[^aeioutd]ed$|[aeiou]le$", word)
    return max(1, count - bool(silent and count > 1))


def shared_runs(pages: dict[str, Page]) -> dict[str, float]:
    """Share of each own page's 8-word runs that stand in another own page too."""
    runs = {p.path: set(_runs(words(p))) for p in hand_written(pages)}
    counted = Counter(run for found in runs.values() for run in found)
    return {path: sum(counted[r] > 1 for r in found) / len(found) for path, found in runs.items() if found}


def overlap(pages: dict[str, Page], source: str) -> float:
    """Share of the own pages' 8-word runs that stand in ``source``."""
    theirs = set(_runs(re.findall(r"[a-z0-9][a-z0-9'’-]*", source.lower())))
    ours = [run for p in hand_written(pages) for run in _runs(words(p))]
    return sum(run in theirs for run in ours) / max(1, len(ours))


def hand_written(pages: dict[str, Page]) -> Iterator[Page]:
    """Pages that are not generated."""
    return (p for p in pages.values() if "generated_from" not in (p.front or {}))


def _runs(found: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(found[i:] for i in range(RUN)), strict=False)
