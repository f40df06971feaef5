"""Many like findings at once: a share of them would look bad by chance, and this keeps that share down."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from statistics import NormalDist

from salesops_lib.core.findings import Finding, Severity

FALSE_DISCOVERY = 0.10
_NORMAL = NormalDist()


def controlled(findings: Iterable[Finding], rate: float = FALSE_DISCOVERY) -> list[Finding]:
    """The findings in their order; like ones (one code, several scopes) judged as one family.

    Six healthy teams at their limit make one ACT in about four reports at 90 %, by chance alone. Of a family
    an ACT stands only where the false discovery rate over the family allows it; the others read WATCH.
    A p-value is read off each interval as if its tails were normal, on the side towards the limit. Findings
    without interval are exact and neither counted nor changed.

    Parameters
    ----------
    findings
        Of one run.
    rate
        Largest share of false ones among those that stand, 0 to 1.

    Source: Benjamini and Hochberg (1995), *JRSS B* 57, 289-300; holds for independent findings and those that
    rise and fall together.
    """
    findings = list(findings)
    families: dict[str, list[int]] = defaultdict(list)
    for at, finding in enumerate(findings):
        if finding.interval is not None and finding.severity is not Severity.UNKNOWN:
            families[finding.code].append(at)
    for members in families.values():
        if len(members) > 1:
            adjusted = step_up([chance_at_limit(findings[at]) for at in members])
            for at, chance in zip(members, adjusted, strict=True):
                findings[at] = replace(findings[at], family=len(members), doubted=chance > rate)
    return findings


def chance_at_limit(finding: Finding) -> float:
    """One-sided p-value of a finding with an interval: how surprising its value is if the truth were the
    limit itself; above 0.5 where the value meets the limit. Raises ValueError without value or interval."""
    interval, value, limit = finding.interval, finding.value, finding.threshold.limit
    if interval is None or value is None:
        raise ValueError(f"{finding.code} has no interval to read a p-value off")
    half = value - interval.low if limit < value else interval.high - value
    distance = abs(limit - value)
    if half <= 0:  # the estimate sits on the end of its own range
        z = 0.0 if distance == 0 else math.inf
    else:
        z = distance / half * _NORMAL.inv_cdf(0.5 + interval.level / 2)
    tail = 0.0 if z == math.inf else 1.0 - _NORMAL.cdf(z)
    return 1.0 - tail if finding.threshold.met(value) else tail


def step_up(chances: Iterable[float]) -> list[float]:
    """Benjamini-Hochberg adjusted p-values, in the order given."""
    chances = list(chances)
    count = len(chances)
    order = sorted(range(count), key=chances.__getitem__, reverse=True)
    adjusted, least = [1.0] * count, 1.0
    for rank, at in zip(range(count, 0, -1), order, strict=True):
        least = min(least, chances[at] * count / rank)
        adjusted[at] = least
    return adjusted
