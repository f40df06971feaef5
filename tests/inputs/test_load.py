"""A table read as of a day holds nothing learnt later."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.errors import ParameterError, PolicyError, TableError
from salesops_lib.inputs.asof import Day

COLUMNS = (
    "opportunity_id,account_id,owner_id,name,created_date,close_date,recorded_at,stage,is_closed,is_won,"
    "amount,currency,amount_base,forecast_category,probability,next_step,loss_reason"
)
CHANGES = (
    "opportunity_id,sequence,changed_at,stage,amount_base,close_date,forecast_category,probability,owner_id"
)
OUTCOME = {"Closed Won": ("true", "true"), "Closed Lost": ("true", "false")}


def opportunity(snapshot, key):
    frame = snapshot.frame("opportunities").set_index("opportunity_id")
    return frame.loc[key]


def test_the_default_day_is_the_last_on_which_the_data_records_anything(make_company):
    # The last stamp is 2025-03-20 15:00 UTC, the same day in New York.
    assert inputs.open_snapshot(make_company()).as_of == date(2025, 3, 20)


def test_the_day_is_the_companys_not_the_worlds(make_company):
    # 02:00 UTC on the 21st is the evening of the 20th in New York.
    text = f"{COLUMNS.split(',')[0]},recorded_at\nA,2025-03-21T02:00:00Z\n"
    assert inputs.open_snapshot(make_company({"opportunities": text})).as_of == date(2025, 3, 20)


MISTAKEN = (
    "opportunity_id,created_date,recorded_at\nA,2025-03-20,2025-03-20T15:00:00Z\nB,{},2025-03-20T15:00:00Z\n"
)


def test_a_mistaken_day_of_the_future_does_not_become_the_day_read(make_company):
    snapshot = inputs.open_snapshot(make_company({"opportunities": MISTAKEN.format("2105-01-01")}))
    assert snapshot.as_of == date(2025, 3, 20)
    (said,) = [s for s in snapshot.limits if "2105-01-01" in s]
    assert said.startswith("1 rows of opportunities are dated after ")
    early = inputs.open_snapshot(snapshot.company.root, "2025-03-01")
    assert not [s for s in early.limits if "2105-01-01" in s]


@pytest.mark.parametrize(("day", "read"), [("2025-06-01", "2025-06-01"), ("2025-06-02", "2025-03-20")])
def test_the_last_import_bounds_the_day_read(make_company, day, read):
    # 02:00 UTC on 2 June is the evening of 1 June in New York.
    tables = {"opportunities": MISTAKEN.format(day)}
    root = make_company(tables, imports=[{"at": "2025-06-02T02:00:00Z"}, {"at": "2025-01-01T00:00:00Z"}])
    assert str(inputs.open_snapshot(root).as_of) == read


def test_where_every_day_is_of_the_future_the_last_is_read(make_company):
    text = "opportunity_id,created_date,recorded_at\nB,2105-01-01,2105-01-01T15:00:00Z\n"
    assert inputs.open_snapshot(make_company({"opportunities": text})).as_of == date(2105, 1, 1)


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        ("2025-03-09", "2025-03-10 04:00"),
        ("2025-11-02", "2025-11-03 05:00"),
        ("2024-02-29", "2024-03-01 05:00"),
    ],
)
def test_a_day_of_23_or_25_hours_ends_when_its_last_hour_does(make_company, day, ends):
    # New York moves its clocks on 2025-03-09 and 2025-11-02: midnight is 04:00 UTC in summer, else 05:00.
    zone = inputs.open_snapshot(make_company(), day).company.zone
    assert Day.of(date.fromisoformat(day), zone).ends == datetime.fromisoformat(ends)


@pytest.mark.parametrize("as_of", ["12.12.2025", "2025-13-01", "yesterday", "20251212", 5])
def test_a_day_that_is_none_is_refused(make_company, as_of):
    with pytest.raises(ParameterError, match="as_of is"):
        inputs.open_snapshot(make_company(), as_of)


def test_the_last_version_known_stands(make_company):
    root = make_company()
    assert opportunity(inputs.open_snapshot(root, "2025-03-19"), "A")["stage"] == "Qualification"
    assert opportunity(inputs.open_snapshot(root, "2025-03-20"), "A")["stage"] == "Closed Won"


def test_quotas_are_read_in_the_version_of_the_day(make_company):
    text = (
        "holder_id,level,period,measure,recorded_at,quota_base\n"
        "R1,rep,FY26-Q1,bookings,2025-01-20T12:00:00Z,100\nR1,rep,FY26-Q1,bookings,2025-03-01T12:00:00Z,80\n"
    )
    root = make_company({"quotas": text})
    for day, quota in (("2025-02-28", [100.0]), ("2025-03-01", [80.0]), ("2025-01-19", [])):
        assert inputs.open_snapshot(root, day).frame("quotas")["quota_base"].tolist() == quota


def test_stamps_and_what_they_made_known_are_empty_before_they_come(make_company):
    text = (
        "lead_id,created_at,owner_id,assigned_at,disqualified_at,reason\n"
        "L1,2025-01-05T12:00:00Z,R1,2025-01-10T12:00:00Z,2025-02-01T12:00:00Z,budget\n"
        "L2,2025-03-05T12:00:00Z,R1,2025-03-05T12:00:00Z,,\n"
    )
    root = make_company({"leads": text})
    before = inputs.open_snapshot(root, "2025-01-07").frame("leads")
    assert before["lead_id"].tolist() == ["L1"]
    assert before[["owner_id", "assigned_at", "reason", "disqualified_at"]].isna().all(axis=None)
    after = inputs.open_snapshot(root, "2025-02-01").frame("leads").iloc[0]
    assert (after["owner_id"], after["reason"]) == ("R1", "budget")


def test_an_end_after_the_day_means_still(make_company):
    text = "rep_id,start_date,end_date\nR1,2024-01-01,2025-02-01\nR1,2025-02-01,\n"
    root = make_company({"reps": text})
    assert inputs.open_snapshot(root, "2025-01-31").frame("reps")["end_date"].isna().tolist() == [True]
    assert inputs.open_snapshot(root, "2025-02-01").frame("reps")["end_date"].isna().tolist() == [False, True]


HISTORY = (
    f"{CHANGES}\nA,1,2025-01-02T15:00:00Z,Qualification,100,2025-03-31,Pipeline,0.1,R1\n"
    "A,2,2025-02-01T15:00:00Z,Proposal,110,2025-04-30,Commit,0.6,R2\n"
    "A,3,2025-03-20T15:00:00Z,Closed Won,120,2025-03-20,Closed,1,R2\n"
    "B,1,2025-02-10T15:00:00Z,Proposal,55,2025-04-30,Pipeline,0.4,R1\n"
)


def test_an_opportunity_is_rebuilt_from_its_last_change_by_the_day(make_company):
    found = opportunity(
        inputs.open_snapshot(make_company({"opportunity_history": HISTORY}), "2025-03-01"), "A"
    )
    assert (found["stage"], found["amount_base"], found["owner_id"]) == ("Proposal", 110.0, "R2")
    assert (found["is_closed"], found["is_won"]) == (False, False)
    assert found["close_date"] == pd.Timestamp("2025-04-30")
    assert found["amount"] == 110.0  # the currency is the reporting currency


def test_an_amount_in_another_currency_is_unknown_after_it_changed(make_company):
    changed = HISTORY + "B,2,2025-02-20T15:00:00Z,Proposal,66,2025-04-30,Pipeline,0.4,R1\n"
    root = make_company({"opportunity_history": changed})
    assert opportunity(inputs.open_snapshot(root, "2025-02-15"), "B")["amount"] == 50.0
    found = opportunity(inputs.open_snapshot(root, "2025-02-25"), "B")
    assert found["amount_base"] == 66.0
    assert pd.isna(found["amount"])


def test_one_recorded_later_with_changes_by_the_day_keeps_its_identity_and_no_more(make_company):
    text = (
        f"{COLUMNS}\nA,ACC,R9,Deal,2025-01-02,2025-03-20,2025-06-01T00:00:00Z,Closed Lost,true,false,9,USD,9,"
        "Omitted,0,call,price\n"
    )
    root = make_company({"opportunities": text, "opportunity_history": HISTORY})
    found = opportunity(inputs.open_snapshot(root, "2025-02-15"), "A")
    assert (found["account_id"], found["name"], found["stage"], found["owner_id"]) == (
        "ACC",
        "Deal",
        "Proposal",
        "R2",
    )
    assert found["next_step"] is None
    assert found["loss_reason"] is None
    # B has changes but stands nowhere: it is no opportunity.
    assert len(inputs.open_snapshot(root, "2025-02-15").frame("opportunities")) == 1


def test_one_recorded_later_without_changes_does_not_exist_where_history_reaches_back(make_company):
    root = make_company({"opportunity_history": HISTORY.replace("B,1,", "A,0,")})
    snapshot = inputs.open_snapshot(root, "2025-02-09")
    assert snapshot.frame("opportunities")["opportunity_id"].tolist() == ["A"]
    assert snapshot.limits == []


PLAIN = f"""{COLUMNS}
won,,R1,,2025-01-02,2025-02-20,2025-06-01T00:00:00Z,Closed Won,true,true,10,USD,10,Closed,1,,
lost_later,,R1,,2025-01-02,2025-05-20,2025-06-01T00:00:00Z,Closed Lost,true,false,20,USD,20,Omitted,0,,price
open,,R1,,2025-01-02,2025-07-20,2025-06-01T00:00:00Z,Proposal,false,false,30,USD,30,Commit,0.5,call,
later,,R1,,2025-04-02,2025-07-20,2025-06-01T00:00:00Z,Proposal,false,false,40,USD,40,Commit,0.5,call,
undated,,R1,,2025-01-02,,2025-06-01T00:00:00Z,Closed Lost,true,false,50,USD,50,Omitted,0,,price
"""


def test_without_history_only_dates_are_rewound_and_the_limits_say_so(make_company):
    snapshot = inputs.open_snapshot(make_company({"opportunities": PLAIN}), "2025-03-31")
    frame = snapshot.frame("opportunities").set_index("opportunity_id")
    assert sorted(frame.index) == ["lost_later", "open", "undated", "won"]
    assert frame.loc["won", ["stage", "amount_base", "is_won"]].tolist() == ["Closed Won", 10.0, True]
    for key in ("lost_later", "open"):
        assert not frame.loc[key, "is_closed"]
        unknown = [
            "amount",
            "amount_base",
            "stage",
            "forecast_category",
            "probability",
            "close_date",
            "loss_reason",
        ]
        assert frame.loc[key, unknown].isna().all()
    assert pd.isna(frame.loc["undated", "is_closed"])
    assert any(
        "4 are known by their dates only, and 2 of them count as open" in said for said in snapshot.limits
    )
    assert any("1 opportunities are closed without a close date" in said for said in snapshot.limits)


GARBAGE = (
    "ZZ,XX,Garbage,2031-01-01,2031-01-01,{at},Closed Won,true,true,999999,EUR,999999,Omitted,1,junk,junk"
)


def test_garbage_in_rows_recorded_later_changes_nothing(make_company):
    text = (
        f"{COLUMNS}\nA,ACC,R1,Deal,2025-01-02,2025-03-31,2025-01-02T15:00:00Z,Qualification,false,false,100,USD,100,"
        "Pipeline,0.1,call,\n"
    )
    quotas = "holder_id,level,period,measure,recorded_at,quota_base\n"
    quotas += "R1,rep,FY26-Q1,bookings,2025-01-20T12:00:00Z,100\n"
    clean = make_company(
        {"opportunities": text, "opportunity_history": HISTORY, "quotas": quotas}, name="clean"
    )
    later = "".join(f"{key},{GARBAGE.format(at='2025-02-16T05:00:00Z')}\n" for key in ("A", "new"))
    soiled = make_company(
        {
            "opportunities": text + later,
            "opportunity_history": HISTORY
            + "A,9,2025-02-16T05:00:00Z,Closed Lost,-7,2031-01-01,Omitted,1,XX\n",
            "quotas": quotas + "R1,rep,FY26-Q1,bookings,2025-02-16T05:00:00Z,0\n",
        },
        name="soiled",
    )
    for name in ("opportunities", "opportunity_history", "quotas"):
        known = [inputs.open_snapshot(root, "2025-02-15").frame(name) for root in (clean, soiled)]
        pd.testing.assert_frame_equal(*known)


def random_company(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Versions and changes of a company that records every change as it happens."""
    stream = random.Random(seed)
    stages = ["Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost"]
    versions, changes = [], []
    for number in range(25):
        at = datetime(2025, 1, 1, 12) + timedelta(hours=stream.randrange(2000))
        created = at.date().isoformat()
        for sequence in range(1, stream.randrange(2, 6)):
            stage, amount = stream.choice(stages), str(stream.randrange(1, 99))
            stamp, close = (
                f"{at.isoformat()}Z",
                (at.date() + timedelta(days=stream.randrange(99))).isoformat(),
            )
            closed, won = OUTCOME.get(stage, ("false", "false"))
            changes.append(
                [f"O{number}", str(sequence), stamp, stage, amount, close, "Pipeline", "0.5", "R1"]
            )
            versions.append(
                [f"O{number}", f"ACC{number}", "R1", "Deal", created, close, stamp, stage, closed, won,
                 amount, "USD", amount, "Pipeline", "0.5", f"step {sequence}", ""]
            )  # fmt: skip
            at += timedelta(hours=stream.randrange(1, 900))
    return versions, changes


def csv(header: str, rows: list[list[str]]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows), ""])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("with_history", [True, False])
def test_reading_as_of_a_day_equals_reading_what_was_there_on_the_day(make_company, seed, with_history):
    versions, changes = random_company(seed)
    day = date(2025, 1, 1) + timedelta(days=random.Random(seed).randrange(20, 80))
    end = f"{(day + timedelta(days=1)).isoformat()}T0{4 if day >= date(2025, 3, 9) else 5}:00:00Z"
    if not with_history:  # a history is a table of its own; without it every opportunity must have a version
        versions = [row for row in versions if min(r[6] for r in versions if r[0] == row[0]) < end]
    full = {"opportunities": csv(COLUMNS, versions)}
    cut = {"opportunities": csv(COLUMNS, [row for row in versions if row[6] < end])}
    if with_history:
        full["opportunity_history"] = csv(CHANGES, changes)
        cut["opportunity_history"] = csv(CHANGES, [row for row in changes if row[2] < end])
    roots = make_company(full, name="full"), make_company(cut, name="cut")
    for name in full:
        pd.testing.assert_frame_equal(*[inputs.open_snapshot(root, day).frame(name) for root in roots])


def test_the_order_of_rows_in_a_file_does_not_matter(make_company):
    versions, changes = random_company(11)
    first = make_company(
        {"opportunities": csv(COLUMNS, versions), "opportunity_history": csv(CHANGES, changes)}, name="one"
    )
    second = make_company(
        {"opportunities": csv(COLUMNS, versions[::-1]), "opportunity_history": csv(CHANGES, changes[::-1])},
        name="two",
    )
    frames = [inputs.open_snapshot(root, "2025-02-20").frame("opportunities") for root in (first, second)]
    pd.testing.assert_frame_equal(*frames)


def test_a_missing_table_and_a_missing_column_are_said(make_company):
    snapshot = inputs.open_snapshot(make_company())
    assert not snapshot.has("quotas")
    assert snapshot.has("opportunities", "amount_base")
    assert not snapshot.has("opportunities", "loss_reason")
    with pytest.raises(TableError, match="'Tiny' has no table 'quotas'; import it"):
        snapshot.frame("quotas")
    with pytest.raises(TableError, match=r"there is no table 'qotas'\. Did you mean 'quotas'"):
        snapshot.has("qotas")
    with pytest.raises(TableError, match=r"no column 'amont'\. Did you mean 'amount'"):
        snapshot.has("opportunities", "amont")


def test_a_companys_policy_overrides_the_shipped_one_key_by_key(make_company):
    root = make_company()
    (root / "policy").mkdir()
    own = "stale_after_days: {description: d, unit: days, source: us, values: {2000-01-01: 2}}\n"
    (root / "policy" / "inputs.yaml").write_text(own)
    policy = inputs.open_snapshot(root).policy("inputs")
    assert policy.value("stale_after_days", date(2025, 1, 1)).value == 2
    assert policy.value("row_count_band", date(2025, 1, 1)).value == 0.33
    with pytest.raises(PolicyError, match="has no file"):
        inputs.open_snapshot(root).policy("nonsense")


@pytest.mark.parametrize(
    ("stages", "refusal"),
    [
        ("stages: []", "has no list 'stages'"),
        ("stages: [{stage: A, position: 1}]", "has no outcome"),
        ("stages: [{stage: A, outcome: open}]", "has no position"),
        ("stages: [{stage: A, position: 1, outcome: open, colour: red}]", "has 'colour'"),
        ("stages: [{stage: A, position: 1, outcome: open, evidence_activities: call}]", "'call'; list kinds"),
        (
            "stages: [{stage: A, position: 1, outcome: won, evidence_activities: [call]}]",
            "only an open stage",
        ),
        (
            "stages: [{stage: A, position: 1, outcome: open}, {stage: A, position: 2, outcome: won}]",
            "stands twice",
        ),
    ],
)
def test_stages_that_are_none_are_refused(make_company, stages, refusal):
    root = make_company()
    (root / "policy").mkdir()
    (root / "policy" / "stages.yaml").write_text(stages)
    with pytest.raises(PolicyError, match=refusal):
        inputs.open_snapshot(root).stages()


def test_a_stage_that_is_not_declared_is_said_and_not_guessed(make_company):
    history = HISTORY.replace("A,2,2025-02-01T15:00:00Z,Proposal", "A,2,2025-02-01T15:00:00Z,Legal")
    snapshot = inputs.open_snapshot(make_company({"opportunity_history": history}), "2025-03-01")
    assert pd.isna(opportunity(snapshot, "A")["is_closed"])
    assert any("lacks 1 stages in use" in said and "'Legal' (1)" in said for said in snapshot.limits)


def test_versions_are_all_rows_recorded_by_the_day_as_they_were_written(sample):
    # Of the sample's file: O00004 was written on 2022-09-01, and anew when it was lost on 2023-11-15.
    for day, stages in (("2023-11-14", ["Qualification"]), ("2023-11-15", ["Qualification", "Closed Lost"])):
        versions = inputs.open_snapshot(sample, day).versions("opportunities")
        mine = versions[versions["opportunity_id"] == "O00004"].sort_values("recorded_at")
        assert mine["stage"].tolist() == stages
        assert versions["recorded_at"].max() < pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=32)
