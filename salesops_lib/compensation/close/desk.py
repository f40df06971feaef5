"""What the desk writes into the books: drafts, signatures, postings, disputes and their answers.

Each function returns ledger entries, or refuses with one sentence; who writes the ledger writes all or none.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from salesops_lib.compensation.close.books import ROLES, Books, entries_of
from salesops_lib.compensation.close.draft import CloseError, Draft
from salesops_lib.core.errors import ParameterError
from salesops_lib.core.money import cents, to_decimal

VERDICTS = ("data", "rule_unclear", "rule_disliked", "as_shown")
"""What a dispute comes down to: a fault of the data, a rule that can be read two ways, one that is understood
and disliked, or nothing: the statement is right."""
MOST_CHARACTERS = 500
_AMOUNT = re.compile(r"-?\d{1,13}(\.\d{1,2})?")


def fingerprint(texts: Iterable[tuple[str, str]]) -> str:
    """The hash of plan files as texts: a posted period says what it was paid by."""
    joined = "\n".join(text for _, text in sorted(texts))
    return hashlib.sha256(joined.encode()).hexdigest()


def drafted(made: Draft, plans: str) -> list[dict[str, Any]]:
    """The entry of a draft. Raises CloseError where an identity does not hold: then nothing may be signed."""
    broken = next((said for _, said, holds in made.checks if not holds), None)
    if broken:
        raise CloseError(f"{made.period} does not add up: {broken}; nothing is written, report it")
    paid = "; ".join(f"{to_decimal(v)} {k}" for k, v in made.paid.items())
    return [
        {
            "entry_kind": "draft", "period": made.period, "as_of": made.as_of.isoformat(), "draft": made.hash,
            "plans": plans, "payees": len(made.payments), "lines": len(made.lines), "paid": paid,
        }
    ]  # fmt: skip


def approved(books: Books, period: str, role: str, who: str) -> list[dict[str, Any]]:
    """A signature under the last draft of a period.

    Raises CloseError: the period is closed or has no draft, the role has signed, or the same person would
    sign for both roles. ParameterError: an unknown role, nobody named.
    """
    if role not in ROLES:
        raise ParameterError(f"--role {role}: a statement is signed by {' and '.join(ROLES)}")
    who = " ".join(who.split())
    if not who:
        raise ParameterError("--who is empty; say who signs")
    stands = draft_of(books, period)
    signed = books.signed(stands["draft"])
    if role in signed:
        raise CloseError(f"{role} has signed this draft of {period} already ({signed[role]})")
    if _person(who) in {_person(name) for name in signed.values()}:
        raise CloseError(f"{who} has signed this draft for another role; two people sign a close")
    entry = {"entry_kind": "approval", "period": period, "draft": stands["draft"], "role": role}
    return [entry | {"who": who}]


def _person(name: str) -> str:
    """A name as it is compared: however it is spaced, written in capitals or composed, it is one person."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def posted(books: Books, made: Draft, plans: str, inputs: str = "") -> list[dict[str, Any]]:
    """The entries that close a period: opening sums of the first, lines, payments, and the posting itself.

    ``inputs``: hash of what it was worked out from (:func:`taken.hash_of`), which is kept beside the ledger.

    Raises CloseError where a signature is missing, or what was signed is not what is worked out now.
    """
    stands = draft_of(books, made.period)
    missing = [role for role in ROLES if role not in books.signed(stands["draft"])]
    if missing:
        raise CloseError(
            f"{made.period} is not signed by {' and '.join(missing)}; salesops comp approve --period "
            f"{made.period} --role {missing[0]} --who …"
        )
    if stands["draft"] != made.hash:
        raise CloseError(
            f"{made.period} comes to something else than what was signed (draft {stands['draft'][:12]}, now "
            f"{made.hash[:12]}): data or plans changed; salesops comp close --period {made.period}, then sign"
        )
    end = {
        "entry_kind": "posting", "period": made.period, "as_of": made.as_of.isoformat(), "draft": made.hash,
        "plans": plans, "lines": len(made.lines), "cents": int(made.lines["cents"].sum()), "inputs": inputs,
    }  # fmt: skip
    before = [
        *entries_of("opening", made.opening),
        *entries_of("line", made.lines),
        *entries_of("payment", made.payments),
    ]
    return [*before, end | {"written": len(before) + 1}]


def disputed(books: Books, line_id: str, expected: str, rule: str, reason: str) -> list[dict[str, Any]]:
    """A payee's question about a posted line: what they expected, and the rule they rely on.

    Raises CloseError: no posted line has that id, or a dispute of it is open. ParameterError: an amount that
    is none, no reason.
    """
    rows = books.lines[books.lines["line_id"] == line_id]
    if rows.empty:
        raise CloseError(f"no posted line has the id {line_id}. {_near(books, line_id)}")
    if any(d["line_id"] == line_id and d["entry"] not in books.answers for d in books.disputes):
        raise CloseError(f"a dispute of line {line_id} is open; answer it first")
    row = rows.iloc[0]
    return [
        {
            "entry_kind": "dispute", "line_id": line_id, "rep_id": row["rep_id"], "plan_id": row["plan_id"],
            "period": row["closes"], "part": row["part"], "deal_id": row["deal_id"] or "",
            "currency": row["currency"], "shown": str(to_decimal(row["cents"])),
            "expected": str(to_decimal(cents(_amount(expected, "--expected")))),
            "rule": _words(rule, "--rule"), "reason": _words(reason, "--reason"),
        }
    ]  # fmt: skip


def _near(books: Books, line_id: str) -> str:
    """Lines that may be meant: the payee's of that period, else an example; nobody else's are listed."""
    if not len(books.lines):
        return "Nothing is posted"
    own = f"{line_id.rpartition('/')[0]}/"
    mine = [i for i in books.lines["line_id"] if i.startswith(own)]
    if mine:
        return f"{own[:-1]} has {'the lines 1 to ' + str(len(mine)) if len(mine) > 1 else 'line 1 alone'}"
    example = books.lines["line_id"].iloc[-1]
    return f"It is period, payee and number, such as {example}; posted last: {books.last}"


def answered(
    books: Books, number: int, verdict: str, adjustment: str, reason: str, who: str = ""
) -> list[dict[str, Any]]:
    """The answer to a dispute; an adjustment other than 0 is paid with the next close.

    ``who``: who decided; an adjustment is money beyond the plan, so it needs a name.

    Raises CloseError: there is no such dispute, or it is answered. ParameterError: an unknown verdict, an
    amount that is none, no reason, an adjustment that nobody confirms.
    """
    found = next((d for d in books.disputes if d["entry"] == number), None)
    if found is None:
        known = ", ".join(str(d["entry"]) for d in books.disputes if d["entry"] not in books.answers)
        raise CloseError(f"there is no dispute {number}; open are {known or 'none'}")
    if number in books.answers:
        raise CloseError(f"dispute {number} is answered in entry {books.answers[number]['entry']}")
    if verdict not in VERDICTS:
        raise ParameterError(f"--verdict {verdict}: it is one of {', '.join(VERDICTS)}")
    moved = cents(_amount(adjustment, "--adjustment"))
    if verdict == "as_shown" and moved:
        raise ParameterError(
            "--verdict as_shown changes nothing; leave --adjustment out or say what was wrong"
        )
    if verdict == "data" and moved:
        raise ParameterError(
            "--verdict data takes no --adjustment: mend the data, and the next close pays the difference by "
            "itself; with both it would be paid twice"
        )
    who = " ".join(who.split())
    if moved and not who:
        raise ParameterError(
            "--adjustment pays what the plan does not; name with --who who decides so, see "
            "how-to/compensation/handle-a-dispute.md"
        )
    entry = {
        "entry_kind": "answer", "dispute": number, "verdict": verdict,
        "adjustment": str(to_decimal(moved)), "reason": _words(reason, "--reason"),
    }  # fmt: skip
    return [entry | ({"who": who} if who else {})]


def same_again(books: Books, made: Draft, plans: str) -> str:
    """What recomputing a closed period says: the same to the byte. Raises CloseError where it is not."""
    stands = books.postings[made.period]
    if stands["draft"] == made.hash:
        return (
            f"{made.period} recomputes to the byte: {stands['lines']} lines, draft {made.hash[:12]}, as "
            f"known on {stands['as_of']}"
        )
    why = "plan files changed since" if stands["plans"] != plans else "the program works it out otherwise"
    raise CloseError(
        f"{made.period} does not recompute: posted {stands['draft'][:12]}, now {made.hash[:12]}; {why}. "
        f"{_first_difference(books, made)}"
    )


def _first_difference(books: Books, made: Draft) -> str:
    was = books.lines[books.lines["closes"] == made.period].set_index("line_id")["cents"]
    now = made.lines.set_index("line_id")["cents"]
    was, now = was.align(now)
    apart = was.index[~(was == now)]
    if not len(apart):
        return "The sums agree; the words of a line do not"
    first = apart[0]
    said = ["nothing" if v != v else str(to_decimal(int(v))) for v in (was[first], now[first])]
    return f"First line apart: {first}, posted {said[0]}, now {said[1]}"


def draft_of(books: Books, period: str) -> Mapping[str, Any]:
    """The last draft of an open period. Raises CloseError where it is closed or has none."""
    if period in books.postings:
        raise CloseError(f"{period} is closed since {books.postings[period]['recorded_at'][:10]}")
    found = books.draft_of(period)
    if found is None:
        raise CloseError(f"{period} has no draft; salesops comp close --period {period} makes one")
    return found


def _amount(text: str, option: str) -> str:
    if not _AMOUNT.fullmatch(text.strip()):
        raise ParameterError(f"{option} {text}: write an amount with at most two decimals, such as 1250.50")
    return text.strip()


def _words(text: str, option: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise ParameterError(f"{option} is empty; say it in a sentence")
    if len(words) > MOST_CHARACTERS:
        raise ParameterError(f"{option} has {len(words)} characters; keep it under {MOST_CHARACTERS}")
    return words


REPLY_DAYS = timedelta(days=5)
"""How long an answer may take before a dispute counts as late."""
