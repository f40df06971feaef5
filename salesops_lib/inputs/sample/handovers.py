"""Deals that change hands: the seller left, or moved in the reorganisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops_lib.inputs.sample.deals import Deals
from salesops_lib.inputs.sample.people import NEVER, TEAM_REGION, Roster
from salesops_lib.inputs.sample.world import World


@dataclass(frozen=True)
class Handovers:
    """Per deal: who takes over, and on which day (NEVER where nobody does)."""

    heir: np.ndarray
    day: np.ndarray

    def owner_on(self, base: Deals, days: np.ndarray) -> np.ndarray:
        """Seller who owns each deal on a day per deal."""
        return np.where(days >= self.day, self.heir, base.owner)


def handovers(world: World, base: Deals, sellers: Roster) -> Handovers:
    """Open deals of leavers pass to a colleague within ten days; movers hand over half of theirs.

    Who goes on leave hands over what closes meanwhile, so nobody is credited on a day out of role.
    """
    stream = world.stream("handovers")
    lag = (stream.random(len(base)) * 10).astype(int)
    coin, pick = stream.random(len(base)), stream.random(len(base))
    heir, when = base.owner.copy(), np.full(len(base), NEVER)
    order = np.argsort(base.owner, kind="stable")
    bounds = np.searchsorted(base.owner[order], np.arange(len(sellers) + 1))
    absent = np.minimum(np.minimum(sellers.left, sellers.moved), sellers.leave[:, 0])
    for seller in np.flatnonzero(absent < NEVER):
        gone = int(absent[seller])
        rows = order[bounds[seller] : bounds[seller + 1]]
        rows = rows[(base.created[rows] < gone) & (base.close[rows] >= gone)]
        if sellers.moved[seller] == gone:
            rows = rows[coin[rows] < 0.5]
        elif sellers.leave[seller, 0] == gone:
            rows = rows[base.close[rows] < sellers.leave[seller, 1]]
        others = colleagues(sellers, seller, gone)
        others = others[(sellers.left[others] == NEVER) & (sellers.leave[others, 0] == NEVER)]
        if len(others):
            heir[rows] = others[(pick[rows] * len(others)).astype(int)]
            when[rows] = np.minimum(gone + lag[rows], base.close[rows])
    return Handovers(heir, when)


def colleagues(sellers: Roster, seller: int, on: int) -> np.ndarray:
    """Present sellers of the same pod, role and segment: of the same team, else region, else anywhere."""
    everyone = np.arange(len(sellers))
    days = np.full(len(sellers), on)
    same = (sellers.pod == sellers.pod[seller]) & (sellers.manages == sellers.manages[seller])
    same &= (sellers.segment == sellers.segment[seller]) & (everyone != seller)
    same &= sellers.present(everyone, days)
    team = np.array(TEAM_REGION)[sellers.team]
    for near in (sellers.team == sellers.team[seller], team == team[seller], np.ones(len(sellers), bool)):
        if (same & near).any():
            return np.flatnonzero(same & near)
    return np.array([], int)
