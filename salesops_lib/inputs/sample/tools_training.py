"""Tools with a staggered rollout (one works, one does nothing) and training given to the weak quartile."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import dates, next_business, stamps
from salesops_lib.inputs.sample.people import NEVER, Roster, Staff, team_name
from salesops_lib.inputs.sample.quotas import SellerQuotas
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import LAST_DAY, World, day

# tool, name, category, cost a year per seat, renewal, notice days, capabilities, share of active seats
TOOLS = (
    ("T01", "CRM", "crm", 1500, "2026-02-01", 60, ("records", "pipeline", "reports"), 0.99),
    (
        "T02",
        "Conversation Intelligence",
        "coaching",
        1400,
        "2026-02-05",
        90,
        ("call recording", "coaching", "transcripts"),
        0.86,
    ),
    (
        "T03",
        "Email Sequencer",
        "engagement",
        900,
        "2026-05-06",
        60,
        ("sequences", "email tracking", "tasks"),
        0.74,
    ),
    (
        "T04",
        "Dialer",
        "engagement",
        800,
        "2026-03-15",
        60,
        ("dialing", "call recording", "sequences", "tasks"),
        0.66,
    ),
    ("T05", "Prospect Data", "data", 1100, "2026-03-01", 90, ("contact data", "firmographics"), 0.42),
    ("T06", "Quoting", "cpq", 700, "2026-07-01", 30, ("quotes", "approvals", "email tracking"), 0.80),
)
WAVES = (day("2024-02-05"), day("2024-08-05"), day("2025-02-03"), NEVER)  # of T02, drawn by lot per seller
TEAM_WAVES = {
    0: day("2024-05-06"),
    4: day("2024-05-06"),
    6: day("2024-05-06"),
    2: day("2025-05-05"),
    5: day("2025-05-05"),
}
WEAK_TRAINING, COACHING = "P01", "P02"
WEAK_DAY = day("2024-09-09")  # after FY25-Q2, whose result chose the trainees
COACHING_DAYS = (day("2025-03-10"), NEVER)
_FIRST_SEATS = day("2022-11-01")


def treated_from(world: World, sellers: Roster) -> np.ndarray:
    """First day each seller had Conversation Intelligence; NEVER for controls and account managers."""
    stream = world.stream("rollouts")
    start = np.full(len(sellers), NEVER)
    for pod in range(world.pods):
        able = np.flatnonzero((sellers.pod == pod) & ~sellers.manages)
        start[stream.permutation(able)] = np.array(WAVES)[np.arange(len(able)) % len(WAVES)]
    return np.where(start < NEVER, np.maximum(start, sellers.hired + 30), NEVER)


def sequencer_from(sellers: Roster) -> np.ndarray:
    """First day of the Email Sequencer, by team; it changes nothing."""
    waves = np.array([TEAM_WAVES.get(team, NEVER) for team in range(8)])
    start = waves[sellers.team]
    return np.where(start < NEVER, np.maximum(start, sellers.hired + 30), NEVER)


def trainees(booked: np.ndarray, plan: SellerQuotas, sellers: Roster) -> np.ndarray:
    """The weakest quarter of the account executives by attainment of FY25-Q2."""
    need = (plan.full * plan.ramp * plan.held)[:, 5]
    result = np.where(need > 0, booked[:, 5] / np.where(need > 0, need, 1), np.inf)
    result[sellers.manages | (sellers.left <= WEAK_DAY) | (sellers.hired > WEAK_DAY - 200)] = np.inf
    able = np.flatnonzero(np.isfinite(result))
    return able[np.argsort(result[able], kind="stable")[: len(able) // 4]]


def coached(world: World, sellers: Roster) -> np.ndarray:
    """Sellers drawn by lot for the coaching of March 2025."""
    able = np.flatnonzero(
        ~sellers.manages & sellers.present(np.arange(len(sellers)), np.full(len(sellers), COACHING_DAYS[0]))
    )
    return np.sort(world.stream("training").permutation(able)[: len(able) // 2])


def tools(world: World) -> pd.DataFrame:
    """The table `tools`."""
    names = ("tool_id", "name", "category", "cost", "renewal_date", "notice_days")
    table = pd.DataFrame([t[:6] for t in TOOLS], columns=names)
    table["owner"] = [
        "sales operations",
        "enablement",
        "sales operations",
        "sales development",
        "marketing",
        "deal desk",
    ]
    table["annual_cost"] = table.pop("cost") * 60 * world.pods
    table["renewal_date"] = pd.to_datetime(table["renewal_date"])
    return table[["tool_id", "name", "category", "owner", "annual_cost", "renewal_date", "notice_days"]]


def tool_capabilities() -> pd.DataFrame:
    """The table `tool_capabilities`; the Dialer repeats most of the Email Sequencer."""
    rows = [(t[0], capability) for t in TOOLS for capability in t[6]]
    return pd.DataFrame(rows, columns=["tool_id", "capability"])


def _seat_days(world: World, sellers: Roster) -> dict[str, np.ndarray]:
    first = np.maximum(sellers.hired, _FIRST_SEATS)
    return {t[0]: first for t in TOOLS} | {
        "T02": treated_from(world, sellers),
        "T03": sequencer_from(sellers),
    }


def tool_seats(world: World, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `tool_seats`; seats of Prospect Data are never taken back from leavers."""
    parts = []
    for tool, start in _seat_days(world, sellers).items():
        who = np.flatnonzero((start <= LAST_DAY) & (start < sellers.left))
        gone = sellers.left[who] + 2
        back = np.where((gone <= LAST_DAY) & (tool != "T05"), gone * 86400 + 15 * 3600, -1)
        given = next_business(start[who]) * 86400 + 14 * 3600
        parts.append((tool, people.ids[who], stamps(given), stamps(back)))
    frames = [
        pd.DataFrame({"tool_id": tool, "rep_id": who, "provisioned_at": given, "revoked_at": back})
        for tool, who, given, back in parts
    ]
    return pd.concat(frames, ignore_index=True)


def tool_usage(world: World, sellers: Roster, people: Staff) -> pd.DataFrame:
    """The table `tool_usage`, per fiscal month, without the CRM; sellers who do not use a tool have zeros."""
    stream = world.stream("tool_usage")
    months = np.arange("2023-02", "2025-12", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
    names = np.array([f"FY{24 + i // 12}-M{i % 12 + 1:02d}" for i in range(len(months))], object)
    frames = []
    for (tool, start), spec in zip(_seat_days(world, sellers).items(), TOOLS, strict=True):
        if tool == "T01":
            continue
        user = stream.random(len(sellers)) < spec[7]
        on = (
            (start[:, None] <= months) & (sellers.left[:, None] > months) & (sellers.hired[:, None] <= months)
        )
        who, month = np.nonzero(on)
        quiet = stream.random(len(who)) < 0.06
        days = np.where(user[who] & ~quiet, 6 + (12 * stream.random(len(who))).astype(int), 0)
        actions = np.round(days * (1.5 + 2 * stream.random(len(who)))).astype(int)
        frames.append(
            pd.DataFrame(
                {
                    "tool_id": tool,
                    "rep_id": people.ids[who],
                    "period": names[month],
                    "active_days": days,
                    "key_actions": actions,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def rollouts(world: World, sellers: Roster, people: Staff, weak: np.ndarray) -> pd.DataFrame:
    """The table `rollouts`: who got which tool or program, since when, by which rule."""
    lot = "drawn by lot per rep, four waves"
    waves = (
        ("T02", treated_from(world, sellers), lot),
        ("T03", sequencer_from(sellers), "team by team, chosen by the director"),
        (WEAK_TRAINING, _on(weak, WEAK_DAY, len(sellers)), "weakest quarter by attainment of FY25-Q2"),
        (COACHING, _on(coached(world, sellers), COACHING_DAYS[0], len(sellers)), "drawn by lot per rep"),
    )
    frames = []
    for treatment, start, rule in waves:
        who = np.flatnonzero((start <= LAST_DAY) & (start < sellers.left))
        team = sellers.team_on(who, start[who])
        frames.append(
            pd.DataFrame(
                {
                    "treatment_id": treatment,
                    "rep_id": people.ids[who],
                    "team": [team_name(t, p) for t, p in zip(team, sellers.pod[who], strict=True)],
                    "treated_from": dates(start[who]),
                    "assignment_rule": rule,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _on(who: np.ndarray, when: int, count: int) -> np.ndarray:
    start = np.full(count, NEVER)
    start[who] = when
    return start


def training_programs(world: World) -> pd.DataFrame:
    """The table `training_programs`."""
    rows = [
        (WEAK_TRAINING, 48_000.0 * world.pods, 16.0, "attainment.attainment"),
        (COACHING, 36_000.0 * world.pods, 24.0, "pipeline.win_rate"),
    ]
    return pd.DataFrame(rows, columns=["program_id", "cost", "hours", "objective_metric"])


def training_records(world: World, sellers: Roster, people: Staff, weak: np.ndarray) -> pd.DataFrame:
    """The table `training_records`: tests rise, behaviour rises a little, results do not move."""
    stream = world.stream("training_records")
    frames = []
    for program, who, when in (
        (WEAK_TRAINING, weak, WEAK_DAY),
        (COACHING, coached(world, sellers), COACHING_DAYS[0]),
    ):
        count = len(who)
        before = np.clip(58 + 10 * stream.standard_normal(count), 20, 95)
        gain = TRUTH.training_test_gain + 5 * stream.standard_normal(count)
        done = next_business(when + (stream.random(count) * 12).astype(int)) * 86400 + 20 * 3600
        frames.append(
            pd.DataFrame(
                {
                    "program_id": program,
                    "rep_id": people.ids[who],
                    "completed_at": stamps(done),
                    "reaction": np.round(np.clip(4.2 + 0.5 * stream.standard_normal(count), 1, 5), 1),
                    "pre_test": np.round(before),
                    "post_test": np.round(np.clip(before + gain, 0, 100)),
                    "behaviour_score": np.round(np.clip(3.1 + 0.5 * stream.standard_normal(count), 1, 5), 1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
