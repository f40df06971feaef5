"""Sellers, overlays, SDRs and managers: role spells, ramp, leave, leavers, movers, the reorganisation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import REGIONS, dates
from salesops_lib.inputs.sample.world import HORIZON, LAST_DAY, REORGANISATION, World, day

NEVER = day("2099-01-01")
SMB, MID, ENT = 0, 1, 2
SEGMENTS = ("SMB", "Mid-market", "Enterprise")
# team, region, account executives per segment (SMB, Mid-market, Enterprise), account managers
TEAMS = (
    ("AMER SMB", 0, (7, 0, 0), 0),
    ("AMER Mid-market East", 0, (0, 6, 0), 1),
    ("AMER Mid-market West", 0, (0, 6, 0), 1),
    ("AMER Enterprise", 0, (0, 0, 5), 1),
    ("EMEA Commercial", 1, (3, 3, 0), 1),
    ("EMEA Enterprise", 1, (0, 0, 4), 1),
    ("APAC Commercial", 2, (2, 3, 0), 1),
    ("APAC Enterprise", 2, (0, 0, 3), 0),
)
TEAM_REGION = np.array([t[1] for t in TEAMS])
HOMES = (
    ((40.71, -74.01), (41.88, -87.63), (37.77, -122.42)),
    ((51.51, -0.13), (48.86, 2.35)),
    ((1.35, 103.82), (35.68, 139.69)),
)
# (day, from team, segment, to team): who changes team, one per line and pod
MOVES = (
    ("2025-02-01", 2, MID, 1),
    ("2025-02-01", 2, MID, 1),
    ("2025-02-01", 0, SMB, 4),
    ("2025-02-01", 5, ENT, 3),
    ("2025-02-01", 6, MID, 2),
    ("2024-09-16", 1, MID, 2),
    ("2025-09-15", 2, MID, 1),
)
LEAVES = (("2024-04-15", "2024-07-29"), ("2025-05-05", "2025-08-18"))
LEAVERS, HIRES = 8, 12
RAMP_QUOTA = (0.0, 0.0, 0.25, 0.5, 0.75, 1.0)  # by month of tenure; the quota's ramp share
RAMP_OUTPUT = (0.1, 0.2, 0.4, 0.65, 0.9, 1.0)  # by month of tenure; the share of full activity


@dataclass(frozen=True)
class Roster:
    """Sellers (account executives first to last by pod) as arrays; every array has one element per seller."""

    pod: np.ndarray
    segment: np.ndarray
    manages: np.ndarray  # True: account manager, who owns renewals
    hired: np.ndarray
    left: np.ndarray
    leave: np.ndarray  # seller x 2: [start, end) of an absence, NEVER where none
    moved: np.ndarray  # day of the change of team, NEVER where none
    team: np.ndarray  # before the move
    team_after: np.ndarray
    skill: np.ndarray  # standard normal

    def __len__(self) -> int:
        return len(self.pod)

    def team_on(self, sellers: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Position in TEAMS (within the seller's pod) on a day."""
        return np.where(days >= self.moved[sellers], self.team_after[sellers], self.team[sellers])

    def present(self, sellers: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Hired, not gone and not on leave."""
        away = (days >= self.leave[sellers, 0]) & (days < self.leave[sellers, 1])
        return (days >= self.hired[sellers]) & (days < self.left[sellers]) & ~away


def roster(world: World) -> Roster:
    """The sellers of a world: per pod 42 account executives and 6 account managers."""
    stream = world.stream("reps")
    pods = [_pod(number, stream) for number in range(world.pods)]
    return Roster(**{name: np.concatenate([p[name] for p in pods]) for name in pods[0]})


def _pod(number: int, stream: np.random.Generator) -> dict[str, np.ndarray]:
    seats = [(t, s, False) for t, spec in enumerate(TEAMS) for s in (0, 1, 2) for _ in range(spec[2][s])]
    seats += [(t, SMB if t in (4, 6) else MID, True) for t, spec in enumerate(TEAMS) for _ in range(spec[3])]
    team, segment, manages = (np.array(x) for x in zip(*seats, strict=True))
    count = len(seats)
    order = stream.permutation(np.flatnonzero(~manages))
    hired = day("2019-03-01") + 7 * stream.integers(0, 150, count)
    left, moved, team_after = np.full(count, NEVER), np.full(count, NEVER), team.copy()
    leave = np.full((count, 2), NEVER)
    free = list(order)
    for when, source, kind, target in MOVES:
        who = next(i for i in free if team[i] == source and segment[i] == kind)
        free.remove(who)
        moved[who], team_after[who] = day(when), target
    for start, end in LEAVES:
        leave[free.pop(0)] = day(start), day(end)
    for k in range(LEAVERS):
        left[free.pop(0)] = day("2023-07-10") + 105 * k + stream.integers(0, 40)
    for k in range(HIRES):
        hired[free.pop(0)] = day("2023-04-03") + 7 * (11 * k + int(stream.integers(0, 5)))
    return {
        "pod": np.full(count, number),
        "segment": segment,
        "manages": manages,
        "hired": hired,
        "left": left,
        "leave": leave,
        "moved": moved,
        "team": team,
        "team_after": team_after,
        "skill": stream.standard_normal(count),
    }


def team_name(team: int, pod: int) -> str:
    """``AMER SMB``, and ``AMER SMB 002`` in further pods."""
    return TEAMS[team][0] if pod == 0 else f"{TEAMS[team][0]} {pod + 1:03d}"


@dataclass(frozen=True)
class Staff:
    """Everyone by position: sellers, team managers, SDRs, engineers, directors, head, operations."""

    ids: np.ndarray  # rep_id of every position
    managers: np.ndarray  # pod x team x 2: position of the manager before and after `manager_change`
    sdrs: np.ndarray  # pod x 6
    engineers: np.ndarray  # pod x region
    directors: np.ndarray  # region
    head: int
    operations: int


MANAGER_CHANGE = {
    1: day("2024-06-03"),
    4: REORGANISATION,
}  # team -> day its manager changes (first pod and further)


def staff(world: World, sellers: Roster) -> Staff:
    """Positions of all people; the first are the sellers."""
    pods, at = world.pods, len(sellers)
    first = at + np.arange(pods * len(TEAMS)).reshape(pods, len(TEAMS))
    at += first.size
    second = first.copy()
    for team in MANAGER_CHANGE:
        second[:, team] = at + np.arange(pods)
        at += pods
    sdrs = at + np.arange(pods * 6).reshape(pods, 6)
    at += sdrs.size
    engineers = at + np.arange(pods * 3).reshape(pods, 3)
    at += engineers.size
    ids = np.array([f"R{n:03d}" for n in range(1, at + 6)], object)
    return Staff(ids, np.stack([first, second], 2), sdrs, engineers, at + np.arange(3), at + 3, at + 4)


def reps(world: World, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `reps`: one row per role spell; a leave is a gap between two spells."""
    rows = [row for seller in range(len(sellers)) for row in _seller_spells(seller, sellers, people)]
    began = day("2019-01-07")
    for pod in range(world.pods):
        for team, spec in enumerate(TEAMS):
            rows += _manager_spells(pod, team, spec[1], people)
        boss = people.managers[pod, 0, 0]
        rows += [
            _row(p, (began + 400 + 9 * k, NEVER), "SDR", (0, pod, 0), boss)
            for k, p in enumerate(people.sdrs[pod])
        ]
        rows += [
            _row(p, (began + 300, NEVER), "Sales Engineer", (None, 0, r), people.directors[r])
            for r, p in enumerate(people.engineers[pod])
        ]
    rows += [
        _row(p, (began, NEVER), "Sales Director", (None, 0, r), people.head)
        for r, p in enumerate(people.directors)
    ]
    rows.append(_row(people.head, (began, NEVER), "Head of Sales", (None, 0, None), None))
    rows.append(
        _row(people.operations, (began + 200, NEVER), "Sales Operations", (None, 0, None), people.head)
    )
    return _frame(rows, people)


def _seller_spells(seller: int, sellers: Roster, people: Staff) -> list[tuple]:
    """Cut a seller's time at leave, move and a change of manager."""
    team, after = int(sellers.team[seller]), int(sellers.team_after[seller])
    start, end = int(sellers.hired[seller]), int(sellers.left[seller])
    away = sellers.leave[seller]
    cuts = {start, end, int(sellers.moved[seller]), int(away[0]), int(away[1])}
    cuts |= {MANAGER_CHANGE[t] for t in (team, after) if t in MANAGER_CHANGE}
    inside = sorted(c for c in cuts if start <= c <= end and c < NEVER) + ([NEVER] if end == NEVER else [])
    role = "Account Manager" if sellers.manages[seller] else "Account Executive"
    pod, rows = int(sellers.pod[seller]), []
    for a, b in pairwise(inside):
        if away[0] <= a < away[1] or a > LAST_DAY:
            continue
        now = after if a >= sellers.moved[seller] else team
        boss = people.managers[pod, now, int(a >= MANAGER_CHANGE.get(now, NEVER))]
        region = int(TEAM_REGION[now])
        row = _row(seller, (a, b), role, (now, pod, region), boss, start)
        if rows and rows[-1][2] == a and rows[-1][3:7] == row[3:7]:
            row = (*rows.pop()[:2], *row[2:])
        rows.append(row)
    return rows


def _manager_spells(pod: int, team: int, region: int, people: Staff) -> list[tuple]:
    first, second = people.managers[pod, team]
    change = MANAGER_CHANGE.get(team, NEVER)
    boss, began = people.directors[region], day("2019-02-04")
    rows = [_row(first, (began, change), "Sales Manager", (team, pod, region), boss)]
    if second != first:
        rows.append(_row(second, (change, NEVER), "Sales Manager", (team, pod, region), boss))
    return rows


def _row(person, span: tuple, role: str, place: tuple, boss, hired=None) -> tuple:
    """person, start, end, role, team, region, manager, hire day; ``place``: team, pod, region."""
    start, end = span
    team, pod, region = place
    named = None if team is None else team_name(team, pod)
    return (
        int(person),
        int(start),
        int(end),
        role,
        named,
        region,
        boss,
        int(start if hired is None else hired),
    )


def _frame(rows: list[tuple], people: Staff) -> pd.DataFrame:
    who = np.array([r[0] for r in rows])
    home = [HOMES[r[5] or 0][r[0] % len(HOMES[r[5] or 0])] for r in rows]
    ends = np.array([r[2] for r in rows])
    return pd.DataFrame(
        {
            "rep_id": people.ids[who],
            "start_date": dates(np.array([r[1] for r in rows])),
            "end_date": dates(np.where(ends > HORIZON, -1, ends)),
            "name": np.array([f"Rep {n + 1:03d}" for n in who], object),
            "role": [r[3] for r in rows],
            "team": [r[4] for r in rows],
            "region": [None if r[5] is None else REGIONS[r[5]] for r in rows],
            "manager_id": [None if r[6] is None else people.ids[r[6]] for r in rows],
            "hire_date": dates(np.array([r[7] for r in rows])),
            "latitude": [h[0] for h in home],
            "longitude": [h[1] for h in home],
            "work_hours": np.where(who % 23 == 11, 32.0, 40.0),
        }
    )


def monthly_output(sellers: Roster, months: np.ndarray) -> np.ndarray:
    """Share of a full month's activity, seller x month. ``months``: first days, and the end of the last."""
    starts, ends = months[:-1], months[1:]
    low = np.maximum(sellers.hired[:, None], starts)
    high = np.minimum(sellers.left[:, None], ends)
    present = np.clip(high - low, 0, None)
    away = np.minimum(high, sellers.leave[:, 1:]) - np.maximum(low, sellers.leave[:, :1])
    present = present - np.clip(away, 0, None)
    tenure = np.clip((starts - sellers.hired[:, None] + 15) // 30, 0, len(RAMP_OUTPUT) - 1)
    return present / (ends - starts) * np.array(RAMP_OUTPUT)[tenure]


def ramp_share(hired: np.ndarray, quarter_start: int) -> np.ndarray:
    """Mean quota ramp over the months of a quarter that a seller was there, by month of tenure."""
    starts = quarter_start + np.array([0, 31, 61])
    tenure = (starts[None, :] - hired[:, None] + 15) // 30
    share = np.array(RAMP_QUOTA)[np.clip(tenure, 0, len(RAMP_QUOTA) - 1)]
    held = np.maximum((tenure >= 0).sum(axis=1), 1)
    return np.round(np.where(tenure < 0, 0.0, share).sum(axis=1) / held, 4)
