"""What happened to each deal, change by change, cut at LAST_DAY; the last change is the deal's state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops_lib.inputs.sample.calendar_fx import (
    ENTRY_CLOSES,
    ENTRY_OPENS,
    QUARTER_STARTS,
    next_business,
    previous_business,
    quarter_of,
    utc_seconds,
)
from salesops_lib.inputs.sample.deals import AMOUNT_STEP, RENEWAL, Deals
from salesops_lib.inputs.sample.handovers import Handovers
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import FIRST_DAY, HORIZON, LAST_DAY, World

OPEN_STAGES = 5  # positions 0-4 of STAGES; then won, lost
STAGES = ("Qualification", "Discovery", "Solution", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
WON, LOST = 5, 6
PROBABILITY = (0.05, 0.15, 0.30, 0.55, 0.80, 1.0, 0.0)
CATEGORY = ("Pipeline", "Pipeline", "Best Case", "Best Case", "Commit", "Closed", "Omitted")
EXIT_STAGE = (0.34, 0.26, 0.18, 0.13, 0.09)  # where lost deals end
PUSHES = 7


@dataclass(frozen=True)
class History:
    """Changes as arrays, sorted by deal and time; every element holds the full state after the change."""

    deal: np.ndarray
    sequence: np.ndarray
    stamp: np.ndarray  # seconds UTC
    day: np.ndarray
    stage: np.ndarray
    amount: np.ndarray
    due: np.ndarray  # close date
    owner: np.ndarray
    bulk: np.ndarray  # written by sales operations in one go

    def last(self) -> np.ndarray:
        """Position of each deal's last change, in order of deal."""
        return np.flatnonzero(np.append(self.deal[1:] != self.deal[:-1], True))

    def first(self) -> np.ndarray:
        """Position of each deal's first change."""
        return np.flatnonzero(np.append(True, self.deal[1:] != self.deal[:-1]))


_Events = dict[str, np.ndarray]
_STATE = ("stage", "amount", "due", "owner")


def history(world: World, base: Deals, hands: Handovers, region: np.ndarray) -> History:
    """All changes of the deals that the extract holds. ``region`` is each deal's, for the working hours."""
    stream = world.stream("opportunity_history")
    keep = (base.created <= LAST_DAY) & (base.close >= FIRST_DAY)
    if world.hole:
        keep &= ~(base.won & (base.close >= world.hole[0]) & (base.close < world.hole[1]))
    rows = np.flatnonzero(keep)
    start = _start_amounts(base, rows, stream)
    parts = [
        *_stage_events(base, rows, stream),
        *_due_events(base, rows, start, stream),
        _amount_event(base, rows, start, stream),
        _events(rows, hands.day[rows].astype(float), owner=hands.heir[rows]),
        _bulk_event(base, rows, stream),
    ]
    log = {name: np.concatenate([p[name] for p in parts]) for name in ("deal", "time", "bulk", *_STATE)}
    inside = (log["time"] < LAST_DAY + 1) & (log["time"] <= base.close[log["deal"]] + 0.999)
    return _timed(base, {name: values[inside] for name, values in log.items()}, region, stream)


def _events(deal: np.ndarray, time: np.ndarray, bulk: bool = False, **state) -> _Events:
    """Changes of some fields; -1 stands for unchanged."""
    full = {name: np.asarray(state.get(name, np.full(len(deal), -1)), float) for name in _STATE}
    return {"deal": deal, "time": time, "bulk": np.full(len(deal), bulk), **full}


def _stage_events(base: Deals, rows: np.ndarray, stream) -> list[_Events]:
    """Entry into each visited stage, back-steps, reopenings, and the end."""
    count = len(rows)
    exit_stage = np.searchsorted(np.cumsum(EXIT_STAGE), stream.random(count) * 0.9999)
    last = np.where(base.won[rows], OPEN_STAGES - 1, exit_stage)
    skipped = stream.random((count, OPEN_STAGES)) < TRUTH.skip_share
    skipped[:, 0] = False
    renewal = base.kind[rows] == RENEWAL
    skipped[:, 1:3] |= renewal[:, None]
    visited = ~skipped & (np.arange(OPEN_STAGES) <= last[:, None])
    weight = np.array(TRUTH.dwell_weight) * (0.35 - np.log(1 - stream.random((count, OPEN_STAGES)))) * visited
    share = np.cumsum(weight, axis=1)
    left = np.column_stack([np.zeros(count), share[:, :-1]]) / share[:, -1:]
    length = base.close[rows] - base.created[rows]
    entry = base.created[rows][:, None] + left * length[:, None]
    events = []
    for stage in range(1, OPEN_STAGES):
        on = visited[:, stage]
        events.append(_events(rows[on], entry[on, stage], stage=np.full(on.sum(), stage)))
    events += _back_steps(rows, entry, visited, base.close[rows], stream)
    events += _reopened(base, rows, last, entry, stream)
    end = np.where(base.won[rows], WON, LOST)
    events.append(
        _events(rows, base.close[rows] + 0.99, stage=end, due=base.close[rows], amount=base.amount[rows])
    )
    return events


def _back_steps(rows, entry, visited, close, stream) -> list[_Events]:
    """Some deals in Proposal fall back to Solution for a third of their time there, then return."""
    stage = 3
    chosen = visited[:, stage] & (stream.random(len(rows)) < TRUTH.back_step_share)
    following = np.where(visited[:, 4], entry[:, 4], close)
    span = following[chosen] - entry[chosen, stage]
    back, again = entry[chosen, stage] + span / 3, entry[chosen, stage] + 2 * span / 3
    long = span > 6
    who = rows[chosen][long]
    return [
        _events(who, back[long], stage=np.full(len(who), stage - 1)),
        _events(who, again[long], stage=np.full(len(who), stage)),
    ]


def _reopened(base: Deals, rows, last, entry, stream) -> list[_Events]:
    """A few deals are closed as lost in their last open stage and opened again before their true end."""
    start = entry[np.arange(len(rows)), last]
    span = base.close[rows] - start
    chosen = (stream.random(len(rows)) < TRUTH.reopened_share) & (span > 15)
    who, closed = rows[chosen], start[chosen] + 0.4 * span[chosen]
    return [
        _events(who, closed, stage=np.full(len(who), LOST), due=next_business(np.floor(closed))),
        _events(who, closed + 0.4 * span[chosen], stage=last[chosen], due=np.floor(closed) + 60),
    ]


def _due_events(base: Deals, rows: np.ndarray, start: np.ndarray, stream) -> list[_Events]:
    """The first promise and each push of it: promised dates are optimistic and drift."""
    created, close, count = base.created[rows], base.close[rows], len(rows)
    median = np.array(TRUTH.days_to_win)[base.segment[rows]]
    guess = created + median * np.exp(0.35 * stream.standard_normal(count))
    guess = np.where(base.kind[rows] == RENEWAL, created + 90, guess)
    guess = np.minimum(guess, HORIZON + 300).astype(int)
    last = len(QUARTER_STARTS) - 2
    to_end = stream.random(count) < 0.45
    due = np.where(to_end, QUARTER_STARTS[np.minimum(quarter_of(guess), last) + 1] - 1, guess)
    owner = base.owner[rows]
    events = [
        _events(rows, created.astype(float) - 0.5, stage=np.zeros(count), due=due, owner=owner, amount=start)
    ]
    for _ in range(PUSHES):
        late = stream.random(count) < TRUTH.sloppy_push_share
        lag = np.where(late, 25 * stream.random(count), -6 * stream.random(count))
        when = np.maximum(due + lag, created + 1.0)
        step = np.array([14, 30, 30, 60, 91])[(stream.random(count) * 5).astype(int)]
        moved = (when < close) & (due < close)
        due = np.where(moved, np.maximum(due, np.floor(when).astype(int)) + step, due)
        events.append(_events(rows[moved], when[moved], due=due[moved]))
    return events


def _start_amounts(base: Deals, rows: np.ndarray, stream) -> np.ndarray:
    """A third of the deals start with another amount than they end with."""
    changed = stream.random(len(rows)) < TRUTH.amount_change_share
    step = np.array(AMOUNT_STEP)[base.currency[rows]]
    factor = np.exp(0.05 + 0.22 * stream.standard_normal(len(rows)))
    other = np.maximum(np.round(base.amount[rows] * factor / step), 1) * step
    return np.where(changed, other, base.amount[rows])


def _amount_event(base: Deals, rows: np.ndarray, start: np.ndarray, stream) -> _Events:
    """The correction of a start amount, at a random time before the end."""
    when = 0.2 + 0.75 * stream.random(len(rows))
    who = rows[start != base.amount[rows]]
    when = when[start != base.amount[rows]]
    return _events(
        who, base.created[who] + when * (base.close[who] - base.created[who]), amount=base.amount[who]
    )


def _bulk_event(base: Deals, rows: np.ndarray, stream) -> _Events:
    """One afternoon sales operations touched a quarter of the open deals and changed nothing."""
    day = TRUTH.bulk_update_day
    open_then = (
        (base.created[rows] < day - 2) & (base.close[rows] > day + 2) & (stream.random(len(rows)) < 0.25)
    )
    who = rows[open_then]
    return _events(who, np.full(len(who), day + 0.5), bulk=True)


def _timed(base: Deals, log: _Events, region: np.ndarray, stream) -> History:
    """Sort, fill each change's full state, and stamp it within working hours."""
    order = np.lexsort((log["time"], log["deal"]))
    log = {name: values[order] for name, values in log.items()}
    deal = log["deal"]
    day = np.maximum(np.floor(log["time"]).astype(int), base.created[deal])
    day = np.minimum(next_business(day), base.close[deal])
    day = np.minimum(day, previous_business(np.full(1, LAST_DAY))[0])
    hour = stream.random(len(deal))
    hour = hour[np.lexsort((hour, day, deal))]
    zone = region[deal]
    opens, closes = np.array(ENTRY_OPENS)[zone], np.array(ENTRY_CLOSES)[zone]
    at = utc_seconds(day, opens + hour * (closes - opens), zone)
    state = {name: _filled(log[name]) for name in _STATE}
    start = np.flatnonzero(np.append(True, deal[1:] != deal[:-1]))
    sequence = np.arange(len(deal)) - np.repeat(start, np.diff(np.append(start, len(deal)))) + 1
    ints = {name: state[name].astype(int) for name in ("stage", "due", "owner")}
    return History(deal, sequence, at, day, amount=state["amount"], bulk=log["bulk"], **ints)


def _filled(values: np.ndarray) -> np.ndarray:
    """Each -1 takes the last value before it; every deal's first change is complete."""
    known = np.where(values >= 0, np.arange(len(values)), 0)
    return values[np.maximum.accumulate(known)]
