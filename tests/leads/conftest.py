"""Made leads with planted truths, and the sample's leads checked once."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.leads.lifecycle import checked_leads

AS_OF = date(2025, 12, 12)


def stamped(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


def _made_leads(rows: list[dict]) -> pd.DataFrame:
    """Leads from what differs; every one was created on 1 March 2025."""
    base = {"created_at": stamped("2025-03-01"), "source": "Web"}
    stamps = ("first_touch_at", "sql_at", "disqualified_at", "won_at")
    made = pd.DataFrame(
        [{"lead_id": f"L{i}"} | base | dict.fromkeys(stamps, pd.NaT) | r for i, r in enumerate(rows)]
    )
    for name in ("created_at", *stamps):
        made[name] = pd.to_datetime(made[name], utc=True)
    return made


def _drawn_leads(
    count: int, seed: int, rate: float = 0.2, since: str = "2024-01-01", days: int = 600
) -> pd.DataFrame:
    """Leads whose conversion is known: ``rate`` convert after 20 days on average, the others end after 30."""
    rng = np.random.default_rng(seed)
    created = stamped(since) + pd.to_timedelta(np.sort(rng.uniform(0, days, count)), unit="D")
    hit = rng.random(count) < rate
    waits = np.where(hit, rng.exponential(20, count), rng.exponential(30, count))
    end = created + pd.to_timedelta(waits, unit="D")
    known = end < stamped(str(AS_OF)) + pd.Timedelta(days=1)
    return pd.DataFrame(
        {
            "lead_id": [f"L{i:05d}" for i in range(count)],
            "created_at": created,
            "sql_at": pd.Series(end).where(hit & known),
            "disqualified_at": pd.Series(end).where(~hit & known),
            "source": rng.choice(["Web", "Event", "Partner"], count),
        }
    )


@pytest.fixture(scope="session")
def snapshot():
    return inputs.open_snapshot("", "2025-12-12")


@pytest.fixture(scope="session")
def sample_leads(snapshot):
    """The sample's leads, checked."""
    return checked_leads(snapshot.frame("leads"), AS_OF)[0]


@pytest.fixture(scope="session")
def policy(snapshot):
    return snapshot.policy("leads")


@pytest.fixture(scope="session")
def made_leads():
    """Leads from what differs."""
    return _made_leads


@pytest.fixture(scope="session")
def drawn_leads():
    """Leads whose conversion is known."""
    return _drawn_leads
