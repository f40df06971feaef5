"""The findings of one data quality report, judged by the rules of :mod:`salesops_lib.quality.rules`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Rule, Severity, ordered
from salesops_lib.core.policy import Policy
from salesops_lib.quality.imports import Loss
from salesops_lib.quality.measure import MEASURED, NEVER_FILLED, Measures
from salesops_lib.quality.ranking import where
from salesops_lib.quality.rules import (
    COMPLETE,
    DUP,
    ENOUGH,
    IMPORT,
    INVALID,
    LATE,
    NOTHING,
    ORPHAN,
    PASTDUE,
    RULES,
    STALE,
    UNTOUCHED,
)

__all__ = ["RULES", "Evidence", "Judged", "findings"]

MOST_ACTS = 5  # a report that asks for more is not acted on


@dataclass(frozen=True)
class Evidence:
    """What the rules read: the measures, the tables' ages, the last import's loss (None: not imported)."""

    measures: Measures
    ages: pd.DataFrame
    loss: Loss | None


@dataclass(frozen=True)
class Judged:
    """The findings of a report, at most five of them ACT, and what that left out."""

    findings: list[Finding]
    held_back: list[Finding]

    @property
    def limits(self) -> list[str]:
        """One sentence where findings were held back."""
        if not self.held_back:
            return []
        codes = ", ".join(f.code for f in self.held_back)
        return [
            f"{len(self.held_back)} more to act on next ({codes}): a report asks for {MOST_ACTS} at most."
        ]


def findings(evidence: Evidence, policy: Policy, *, as_of: date, currency: str) -> Judged:
    """Judge every rule once, on its worst field, and keep the five ACT findings worth most.

    The numbers are exact, every row being counted, so they carry no interval. Worst is the field beyond the
    limit with most money, then most rows; where none is beyond, the one nearest to it.
    """
    judge = _Judge(policy, as_of, currency)
    faults = evidence.measures.faults
    live = faults[faults["state"] == MEASURED]
    places = evidence.measures.places
    required = live["required"].astype(bool)
    never = int((faults["required"].astype(bool) & (faults["state"] == NEVER_FILLED)).sum())
    found = [
        judge.completeness(live[required], places, never),
        judge.share(DUP, live[live["dimension"] == "uniqueness"], places),
        judge.value(PASTDUE, live[live["fault"] == "opportunities.close_date.past"], places),
        judge.value(UNTOUCHED, live[live["fault"] == "opportunities.last_touch.untouched"], places),
        judge.share(LATE, live[live["fault"] == "opportunities.close_date.recorded_late"], places),
        judge.stale(evidence.ages),
        judge.share(ORPHAN, live[live["dimension"] == "consistency"], places),
        judge.share(INVALID, live[live["dimension"] == "validity"], places),
        judge.imported(evidence.loss),
    ]
    return _five_acts(found)


def _five_acts(found: Sequence[Finding]) -> Judged:
    acts = [f for f in ordered(found) if f.severity == Severity.ACT]
    return Judged(ordered([f for f in found if f not in acts[MOST_ACTS:]]), acts[MOST_ACTS:])


@dataclass(frozen=True)
class _Judge:
    policy: Policy
    as_of: date
    currency: str

    def share(self, rule: Rule, live: pd.DataFrame, places: pd.DataFrame) -> Finding:
        """The worst fault of a kind by its share of rows."""
        limit = self.policy.value(rule.policy, self.as_of)
        worst = _worst(live.assign(share=live["faulty"] / live["due"]), "share", limit.value)
        if worst is None:
            return self._unknown(rule)
        if not worst["faulty"]:
            return self._none(rule, live)
        statement = (
            f"{worst['title']}: {_few(worst['share'])} of {int(worst['due']):,} ({worst['counted']}), "
            f"{int(worst['faulty']):,} rows{self._worth(worst)}{_in(places, worst['fault'])}."
        )
        return self._found(rule, worst, worst["share"], statement)

    def completeness(self, live: pd.DataFrame, places: pd.DataFrame, never: int) -> Finding:
        """The worst required field by the share of due rows that fill it; ``never`` fields nobody fills."""
        limit = self.policy.value(COMPLETE.policy, self.as_of)
        # Compared as the share filled: 1 - 0.95 is not quite 0.05.
        worst = _worst(live.assign(share=-live["score"]), "share", -limit.value)
        if worst is None:
            return self._unknown(COMPLETE)
        short = int((live["score"] < limit.value).sum())
        also = f" {short} required fields are under {percent(limit.value)}." if short > 1 else ""
        also += f" {never} more are never filled, so not judged." if never else ""
        statement = (
            f"{worst['table']}.{worst['field']} is filled in {_few(worst['score'])} of {int(worst['due']):,} "
            f"rows due ({worst['counted']}); {int(worst['faulty']):,} are empty{self._worth(worst)}"
            f"{_in(places, worst['fault'])}.{also}"
        )
        return self._found(COMPLETE, worst, worst["score"], statement)

    def value(self, rule: Rule, live: pd.DataFrame, places: pd.DataFrame) -> Finding:
        """One fault by its share of open value."""
        priced = live[live["due_base"].fillna(0) > 0]
        if priced.empty:
            return self._unknown(rule)
        row = priced.iloc[0].to_dict()
        money = 0.0 if pd.isna(row["money_base"]) else row["money_base"]
        share = money / row["due_base"]
        statement = (
            f"{row['title']}: {_few(share)} of the open value, {self._money(money)} of "
            f"{self._money(row['due_base'])} in {int(row['faulty']):,} of {int(row['due']):,} deals"
            f"{_in(places, row['fault'])}."
        )
        return self._found(rule, row, share, statement)

    def stale(self, ages: pd.DataFrame) -> Finding:
        """The living table whose newest row is oldest."""
        living = ages[ages["living"].astype(bool) & ages["age_days"].notna()]
        if living.empty:
            return self._unknown(STALE)
        worst = living.sort_values(["age_days", "table"], ascending=[False, True]).iloc[0]
        days = int(worst["age_days"])
        newest = worst["newest_day"].date().isoformat()
        return STALE.judge(
            scope={"table": worst["table"]},
            value=worst["age_days"],
            n=int(worst["rows"]),
            limit=self.policy.value(STALE.policy, self.as_of),
            as_of=self.as_of,
            statement=f"The newest row of {worst['table']} is {days} days old, of {newest}.",
            recommendation=f"Check that the export of {worst['table']} still runs, and import it again",
        )

    def imported(self, loss: Loss | None) -> Finding:
        """The share of the last import's rows that are not in the tables."""
        if loss is None or loss.share is None:
            return self._unknown(IMPORT)
        worth = f", worth {self._money(loss.money_base)}" if loss.money_base else ""
        return IMPORT.judge(
            scope={"table": "import"},
            value=loss.share,
            n=loss.rows_in,
            limit=self.policy.value(IMPORT.policy, self.as_of),
            as_of=self.as_of,
            statement=(
                f"The import of {loss.import_at[:10]} dropped or could not place {loss.lost:,} rows of "
                f"{loss.rows_in:,} ({_few(loss.share)}){worth}."
            ),
            recommendation="Mend the mapping for the reasons with most money in import_report.csv",
            money_at_stake=loss.money_base,
            currency=self.currency,
        )

    def _found(self, rule: Rule, row: dict, value: float, statement: str) -> Finding:
        return rule.judge(
            scope={"table": row["table"], "field": row["field"]},
            value=value,
            n=int(row["due"]),
            limit=self.policy.value(rule.policy, self.as_of),
            as_of=self.as_of,
            statement=statement,
            recommendation=row["mend"],
            money_at_stake=row["money_base"] or None,
            currency=self.currency,
        )

    def _none(self, rule: Rule, live: pd.DataFrame) -> Finding:
        rows, rules = int(live["due"].max()), len(live)
        return rule.judge(
            scope={"table": "all"},
            value=0.0,
            n=rows,
            limit=self.policy.value(rule.policy, self.as_of),
            as_of=self.as_of,
            statement=f"No row breaks {'the rule' if rules == 1 else f'any of {rules} rules'} of this kind.",
            recommendation="Keep the rules of the CRM as they are",
        )

    def _unknown(self, rule: Rule) -> Finding:
        return rule.judge(
            scope={"table": "all"},
            value=None,
            n=0,
            limit=self.policy.value(rule.policy, self.as_of),
            as_of=self.as_of,
            statement=NOTHING[rule.code],
            recommendation=(
                "Fill the company with salesops import, which counts what it leaves out"
                if rule is IMPORT
                else "Import the tables and columns it needs (salesops check lists them)"
            ),
        )

    def _money(self, amount: float) -> str:
        return f"{self.currency} {short_money(amount)}"

    def _worth(self, row: dict) -> str:
        return f", worth {self._money(row['money_base'])}" if row["money_base"] > 0 else ""


def _worst(live: pd.DataFrame, by: str, limit: float) -> dict | None:
    """Beyond the limit: most money, then rows; else the largest share. Enough rows come before too few."""
    if live.empty:
        return None
    enough = live[live["due"] >= ENOUGH]
    live = enough if len(enough) else live
    beyond = live[live[by] > limit]
    order = ["worth", "faulty", "fault"] if len(beyond) else [by, "faulty", "fault"]
    pool = beyond if len(beyond) else live
    pool = pool.assign(worth=pool["money_base"].fillna(0.0))
    return pool.sort_values(order, ascending=[False, False, True]).iloc[0].to_dict()


def _few(share: float) -> str:
    """Percent with a decimal where rounding would hide the fault, and never 0 % or 100 % for almost."""
    text = percent(share)
    if text not in {"0 %", "100 %"} or share in {0, 1}:
        return text
    fine = f"{100 * share:.1f} %"
    return {"0.0 %": "<0.1 %", "100.0 %": ">99.9 %"}.get(fine, fine)


def _in(places: pd.DataFrame, fault: str) -> str:
    named = where(places, fault)
    return f"; most in {named}" if named else ""
