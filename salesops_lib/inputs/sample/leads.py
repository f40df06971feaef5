"""Leads: those that became deals, and many more that did not; quality drives both speed and conversion.

Speed itself changes nothing: the response time is drawn from the quality alone, whether or not the lead
converts. ``tag`` is written after the outcome and gives it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import CLOSES, OPENS, REGIONS, stamps, working_seconds
from salesops_lib.inputs.sample.deals import NEW, SOURCES, Deals
from salesops_lib.inputs.sample.history import WON, History
from salesops_lib.inputs.sample.people import SEGMENTS, Staff
from salesops_lib.inputs.sample.pipeline import deal_ids
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import FIRST_DAY, LAST_DAY, World

LEAD_SOURCES = 5  # the first of SOURCES come as leads
PAGES = ("/demo", "/pricing", "/trial", "/webinar", "/guide", "/roi", "/partners", "/contact")
REASONS = ("no budget", "not a fit", "student", "unreachable", "wrong region", "competitor's customer")
QUALITY = ("A", "B", "C")
NONE = -1
_DAY = 86400
_END = (LAST_DAY + 1) * _DAY + 5 * 3600


@dataclass(frozen=True)
class Leads:
    """Leads as arrays, one element per lead, sorted by creation; seconds UTC, NONE where it never happens."""

    deal: np.ndarray  # position in Deals, NONE
    source: np.ndarray
    quality: np.ndarray
    region: np.ndarray
    segment: np.ndarray
    created: np.ndarray
    touched: np.ndarray
    answered: np.ndarray
    sql: np.ndarray


def leads(world: World, base: Deals, log: History, region: np.ndarray) -> Leads:
    """All leads of a world. ``region``: of each deal."""
    stream = world.stream("leads")
    from_lead = np.flatnonzero((base.kind == NEW) & (base.source < LEAD_SOURCES))
    good = _converted(world, base, log, from_lead, region, stream)
    bad = _others(world, good, stream)
    both = {name: np.concatenate([good[name], bad[name]]) for name in good}
    keep = (both["created"] >= FIRST_DAY * _DAY + 5 * 3600) & (both["created"] < _END)
    order = np.flatnonzero(keep)[np.argsort(both["created"][keep], kind="stable")]
    return Leads(**{name: values[order] for name, values in both.items()})


def _converted(world: World, base: Deals, log: History, deal, region, stream) -> dict[str, np.ndarray]:
    """Leads of the deals: created a while before the deal, touched and answered in between."""
    count = len(deal)
    first = np.full(len(base), NONE)
    first[log.deal[log.first()]] = log.stamp[log.first()]
    sql = np.where(first[deal] >= 0, first[deal], base.created[deal] * _DAY + 15 * 3600)
    quality = _quality(base.source[deal], True, stream)
    lag = 6 + np.exp(np.log([6.0, 10.0, 16.0])[quality] + 0.7 * stream.standard_normal(count))
    created = _day_times(sql // _DAY - np.floor(lag).astype(int), region[deal], stream)
    touched = created_to_touch(created, quality, region[deal], stream)
    return {
        "deal": deal,
        "source": base.source[deal],
        "quality": quality,
        "region": region[deal],
        "segment": base.segment[deal],
        "created": created,
        "touched": touched,
        "answered": touched + ((sql - touched) * (0.1 + 0.7 * stream.random(count))).astype(int),
        "sql": sql,
    }


def _others(world: World, good: dict[str, np.ndarray], stream) -> dict[str, np.ndarray]:
    """Leads that never convert: as many per source as its conversion rate asks for."""
    rate = np.array(
        TRUTH.lead_conversion if world.source_effect else (TRUTH.lead_conversion[0],) * LEAD_SOURCES
    )
    counts = np.round(np.bincount(good["source"], minlength=LEAD_SOURCES) * (1 / rate - 1)).astype(int)
    source = np.repeat(np.arange(LEAD_SOURCES), counts)
    count = len(source)
    twin = (stream.random(count) * len(good["deal"])).astype(int)
    day = good["created"][twin] // _DAY + np.round(15 * stream.standard_normal(count)).astype(int)
    quality = _quality(source, False, stream)
    region, segment = good["region"][twin], good["segment"][twin]
    created = _day_times(day, region, stream)
    touched = created_to_touch(created, quality, region, stream)
    missed = stream.random(count) < TRUTH.never_touched_share
    answers = ~missed & (stream.random(count) < np.array([0.8, 0.55, 0.3])[quality])
    wait = (_DAY * 3 * stream.random(count)).astype(int)
    return {
        "deal": np.full(count, NONE),
        "source": source,
        "quality": quality,
        "region": region,
        "segment": segment,
        "created": created,
        "touched": np.where(missed, NONE, touched),
        "answered": np.where(answers, touched + 600 + wait, NONE),
        "sql": np.full(count, NONE),
    }


def _quality(source: np.ndarray, converts: bool, stream) -> np.ndarray:
    """Quality given the outcome: A converts far more often than C, whatever the source."""
    share = np.array(TRUTH.lead_quality_converted if converts else TRUTH.lead_quality_other)
    return np.searchsorted(np.cumsum(share), stream.random(len(source)) * 0.999999)


def _day_times(day: np.ndarray, region: np.ndarray, stream) -> np.ndarray:
    """A moment of the day: seven in ten in working hours, the rest at any hour."""
    opens = np.array(OPENS)[region] + np.array([5, 0, -8])[region]
    in_hours = stream.random(len(day)) < 0.7
    hour = np.where(in_hours, opens + 8.5 * stream.random(len(day)), 24 * stream.random(len(day)))
    return np.asarray(day, np.int64) * _DAY + np.round(hour * 3600).astype(np.int64)


def created_to_touch(created: np.ndarray, quality: np.ndarray, region: np.ndarray, stream) -> np.ndarray:
    """First human attempt: working minutes drawn from the quality alone, at most two working days."""
    minutes = np.array(TRUTH.response_minutes)[quality] * np.exp(1.1 * stream.standard_normal(len(created)))
    limit = 2 * 60 * (np.array(CLOSES) - np.array(OPENS))[region]
    return working_seconds(created, np.round(np.clip(minutes, 1, limit) * 60), region)


def leads_table(world: World, made: Leads, base: Deals, log: History, people: Staff) -> pd.DataFrame:
    """The table `leads`; stamps after LAST_DAY are not known yet."""
    stream = world.stream("lead_fields")
    count = len(made.deal)
    known = _progress(made, base, log, stream)
    table = pd.DataFrame(
        {
            "lead_id": [f"L{n:05d}" for n in range(1, count + 1)],
            "created_at": stamps(made.created),
            "source": np.array(SOURCES, object)[made.source],
            "campaign_id": _campaign(made.source, stream),
            "landing_page": np.array(PAGES, object)[(stream.random(count) ** 1.8 * len(PAGES)).astype(int)],
            "segment": np.array(SEGMENTS, object)[made.segment],
            "region": np.array(REGIONS, object)[made.region],
        }
    )
    table["owner_id"], assigned = _routing(world, made, people, stream)
    for name, seconds in {"assigned_at": assigned, **known}.items():
        table[name] = stamps(np.where(seconds < _END, seconds, NONE))
    linked = (made.deal >= 0) & (made.sql < _END)
    table["opportunity_id"] = np.where(linked, deal_ids(base)[made.deal], None)
    reason = np.array(REASONS, object)[(stream.random(count) * len(REASONS)).astype(int)]
    table["reason"] = np.where(table["disqualified_at"].notna(), reason, None)
    return _attributes(table, made, stream)


def _progress(made: Leads, base: Deals, log: History, stream) -> dict[str, np.ndarray]:
    """When each step of the funnel was taken, in seconds; NONE where it never is."""
    count = len(made.deal)
    won_at, lost_at = _outcome(made, base, log)
    out = (made.deal == NONE) & (made.touched >= 0) & (stream.random(count) < 0.72)
    after = np.maximum(made.touched, made.answered)
    disqualified = np.where(out, after + (_DAY * (2 + 25 * stream.random(count))).astype(int), NONE)
    qualified = stream.random(count) < np.array([0.9, 0.6, 0.3])[made.quality]
    mql = made.created + np.minimum(_DAY * stream.random(count), 60 * 60 * 20).astype(int)
    mql = np.where(qualified | (made.deal >= 0), mql, NONE)
    accepts = stream.random(count) < np.array([0.75, 0.6, 0.4])[made.quality]
    accepted = (mql >= 0) & (made.answered >= 0) & accepts
    sal = np.maximum(made.answered, mql) + 3600
    sal = np.where(made.deal >= 0, np.minimum(sal, made.sql), np.where(accepted, sal, NONE))
    return {
        "first_touch_at": made.touched,
        "first_contact_at": made.answered,
        "mql_at": mql,
        "sal_at": sal,
        "sql_at": made.sql,
        "won_at": won_at,
        "lost_at": lost_at,
        "disqualified_at": disqualified,
    }


def _outcome(made: Leads, base: Deals, log: History) -> tuple[np.ndarray, np.ndarray]:
    """When the lead's deal was won or lost."""
    at, stage = np.full(len(base), NONE), np.full(len(base), NONE)
    last = log.last()
    at[log.deal[last]], stage[log.deal[last]] = log.stamp[last], log.stage[last]
    has = made.deal >= 0
    won = np.where(has & (stage[made.deal] == WON), at[made.deal], NONE)
    lost = np.where(has & (stage[made.deal] > WON), at[made.deal], NONE)
    return won, lost


def _campaign(source: np.ndarray, stream) -> np.ndarray:
    number = 1 + (stream.random(len(source)) * 3).astype(int)
    names = np.array([[f"C{s + 1}{n}" for n in range(4)] for s in range(LEAD_SOURCES)], object)
    return names[source, number]


def _routing(world: World, made: Leads, people: Staff, stream) -> tuple[np.ndarray, np.ndarray]:
    """The SDR a lead went to; the first of each pod gets twice an even share, a few leads get nobody."""
    count = len(made.deal)
    pod = (stream.random(count) * world.pods).astype(int)
    seat = np.searchsorted(np.array([0.30, 0.44, 0.58, 0.72, 0.86]), stream.random(count))
    nobody = (made.deal == NONE) & (made.touched == NONE) & (stream.random(count) < 0.6)
    wait = (60 + 600 * stream.random(count)).astype(int)
    assigned = made.created + np.where(made.touched >= 0, np.minimum(wait, made.touched - made.created), wait)
    return np.where(nobody, None, people.ids[people.sdrs[pod, seat]]), np.where(nobody, NONE, assigned)


def lead_owners(world: World, made: Leads, people: Staff, table: pd.DataFrame) -> pd.DataFrame:
    """The table `lead_owners`: who had each lead when. `leads` holds the last owner, and stamps when it was
    first given. Who converts is passed on less often, whatever else is known of the lead."""
    stream = world.stream("lead_owners")
    count = len(table)
    odds = np.array(TRUTH.reassigned_share) / (1 - np.array(TRUTH.reassigned_share))
    odds = odds[made.region] * np.exp(np.where(made.deal >= 0, TRUTH.reassigned_log_odds, 0.0))
    coin, pick, noise = stream.random(count), stream.random(count), stream.standard_normal(count)
    days = np.minimum(TRUTH.reassigned_days * np.exp(0.8 * noise), 5.0)
    again = table["assigned_at"] + pd.to_timedelta(np.round(days * _DAY), unit="s")
    over = table["disqualified_at"].le(again) | table["sql_at"].le(again)
    over |= again >= pd.Timestamp(_END, unit="s", tz="UTC")
    passed = (coin < odds / (1 + odds)) & ~over.to_numpy()
    desks = people.ids[people.sdrs.ravel()]
    desk = table["owner_id"].map(dict(zip(desks, range(len(desks)), strict=True)))
    seats = people.sdrs.shape[1]
    given = (table["owner_id"].notna() & table["assigned_at"].notna()).to_numpy()
    at = desk.fillna(0).astype(int).to_numpy()
    other = desks[at - at % seats + (at % seats + 1 + (pick * (seats - 1)).astype(int)) % seats]
    first = np.where(passed, other, table["owner_id"])
    turns = {"lead_id": table["lead_id"], "assigned_at": table["assigned_at"], "owner_id": first}
    later = {"lead_id": table["lead_id"], "assigned_at": again, "owner_id": table["owner_id"]}
    both = [pd.DataFrame(turns)[given], pd.DataFrame(later)[given & passed]]
    return pd.concat(both).sort_values(["lead_id", "assigned_at"], kind="stable", ignore_index=True)


def _attributes(table: pd.DataFrame, made: Leads, stream) -> pd.DataFrame:
    """Declared attributes: grade and pages are known at creation, the tag only after the outcome."""
    count = len(table)
    table["fit_grade"] = np.array(QUALITY, object)[made.quality]
    table["pages_viewed"] = 1 + np.floor(
        -np.array([6.0, 4.0, 2.5])[made.quality] * np.log(1 - stream.random(count))
    ).astype(int)
    late = table["won_at"].notna(), table["lost_at"].notna(), table["disqualified_at"].notna()
    stray = stream.random(count) < 0.06
    tag = np.select([stray, *late], ["busy", "closed by sales", "lost to competitor", "not interested"], "")
    at = table["won_at"].fillna(table["lost_at"]).fillna(table["disqualified_at"])
    wait = pd.to_timedelta(np.round(4 * 3600 * stream.random(count)), unit="s")
    tagged = (tag != "") & at.notna() & ((at + wait) < pd.Timestamp(_END, unit="s", tz="UTC"))
    table["tag"] = np.where(tagged, tag, None)
    table["tag_at"] = (at + wait).where(tagged).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return table


def campaign_costs(world: World, made: Leads) -> pd.DataFrame:
    """The table `campaign_costs`: 15 campaigns x fiscal month; paid search costs more than it brings."""
    stream = world.stream("campaign_costs")
    months = [f"FY{24 + i // 12}-M{i % 12 + 1:02d}" for i in range(35)]
    rows = [(s, n, m) for s in range(LEAD_SOURCES) for n in (1, 2, 3) for m in months]
    volume = np.bincount(made.source, minlength=LEAD_SOURCES) / (3 * len(months))
    cost = [TRUTH.cost_per_lead[s] * volume[s] for s, _, _ in rows] * np.exp(
        0.15 * stream.standard_normal(len(rows))
    )
    return pd.DataFrame(
        {
            "campaign_id": [f"C{s + 1}{n}" for s, n, _ in rows],
            "period": [m for _, _, m in rows],
            "source": [SOURCES[s] for s, _, _ in rows],
            "cost_base": np.round(cost, 2),
        }
    )
