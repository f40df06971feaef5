"""What one report has read and checked, the next one finds; never anything else than it would read itself."""

import os

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.errors import TableError
from salesops_lib.inputs import cache, warehouse
from salesops_lib.inputs.importing import store
from salesops_lib.publish import provenance

ROWS = """\
opportunity_id,recorded_at,stage,amount_base,is_closed,is_won,created_date,close_date
A,2025-01-02T10:00:00Z,Prospecting,10,false,false,2025-01-02,2025-03-01
A,2025-03-02T10:00:00Z,Won,12,true,true,2025-01-02,2025-03-01
B,2025-02-02T10:00:00Z,Prospecting,7,false,false,2025-02-02,2025-06-01
"""
HISTORY = """\
opportunity_id,changed_at,sequence,stage,amount_base
A,2025-01-02T10:00:00Z,1,Prospecting,10
A,2025-02-01T10:00:00Z,2,Proposal,11
A,2025-03-01T10:00:00Z,3,Won,12
"""
DAY = "2025-02-15"


@pytest.fixture
def company(make_company):
    return make_company({"opportunities": ROWS, "opportunity_history": HISTORY})


@pytest.fixture
def refuse_reading(monkeypatch):
    """After it, whoever reads a file and checks it fails."""

    def refuse():
        def fail(*_):
            raise AssertionError("a table was read and checked again")

        monkeypatch.setattr(warehouse, "cell_breaches", fail)

    return refuse


def known(root, day=DAY, name="opportunities"):
    return inputs.open_snapshot(root, day).frame(name)


def copies(root, kind=""):
    return sorted((root / cache.FOLDER).glob(f"{kind}*.parquet"))


def test_a_second_report_of_the_day_reads_the_copy_and_the_same(company, refuse_reading):
    first = {name: known(company, name=name) for name in ("opportunities", "opportunity_history")}
    refuse_reading()
    for name, frame in first.items():
        pd.testing.assert_frame_equal(known(company, name=name), frame)


def test_copies_of_the_sample_hold_what_the_files_hold(sample, monkeypatch):
    day = "2025-06-30"
    known(sample, day)
    kept = {name: known(sample, day, name) for name in ("opportunities", "leads", "accounts", "reps")}
    monkeypatch.setenv("SALESOPS_CACHE", "0")
    for name, frame in kept.items():
        pd.testing.assert_frame_equal(frame, known(sample, day, name))


def test_a_changed_cell_is_read_though_size_and_time_of_the_file_are_as_before(company):
    path = company / "tables" / "opportunity_history.csv"
    assert known(company)["amount_base"].tolist()[0] == 11
    before = path.stat()
    path.write_text(HISTORY.replace("Proposal,11", "Proposal,99"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert known(company)["amount_base"].tolist()[0] == 99


def test_every_day_has_its_own_copy(company):
    stages = {day: known(company, day)["stage"].tolist()[0] for day in ("2025-01-15", DAY, "2025-03-15")}
    assert list(stages.values()) == ["Prospecting", "Proposal", "Won"]
    assert stages == {day: known(company, day)["stage"].tolist()[0] for day in stages}


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("time_zone: America/New_York", "time_zone: Pacific/Auckland"), ("currency: USD", "currency: EUR")],
)
def test_another_zone_or_currency_has_its_own_copy(company, was, becomes):
    known(company)
    settings = company / "company.yaml"
    assert was in settings.read_text(encoding="utf-8")
    settings.write_text(settings.read_text(encoding="utf-8").replace(was, becomes), encoding="utf-8")
    before = len(copies(company, "known_opportunities"))
    known(company)
    assert len(copies(company, "known_opportunities")) == before + 1


def test_other_stages_have_their_own_copy(company):
    assert not known(company, "2025-03-15")["is_won"].isna().any()
    (company / "policy").mkdir()
    (company / "policy" / "stages.yaml").write_text(
        "stages:\n- {stage: Won, position: 1, outcome: lost}\n", encoding="utf-8"
    )
    assert not known(company, "2025-03-15")["is_won"].tolist()[0]


def test_other_code_or_another_engine_reads_anew(company, monkeypatch, refuse_reading):
    known(company)
    monkeypatch.setattr(cache, "_made_by", lambda: "another release")
    refuse_reading()
    with pytest.raises(AssertionError, match="read and checked again"):
        known(company)


def test_a_file_that_changes_while_it_is_read_leaves_no_copy(company, monkeypatch):
    path = company / "tables" / "opportunities.csv"
    check = warehouse.cell_breaches

    def changed_meanwhile(raw, contract):
        if contract.name == "opportunities":
            path.write_text(ROWS.replace("A,", "C,"), encoding="utf-8")
        return check(raw, contract)

    monkeypatch.setattr(warehouse, "cell_breaches", changed_meanwhile)
    known(company)
    monkeypatch.setattr(warehouse, "cell_breaches", check)
    assert copies(company, "read_opportunities-") == copies(company, "known_opportunities-") == []
    path.write_text(ROWS, encoding="utf-8")
    assert known(company)["opportunity_id"].tolist() == ["A", "B"]


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:40] + b"\0" + b[41:], lambda b: b""]
)
def test_a_torn_copy_is_not_used(company, damage):
    first = known(company)
    for path in copies(company):
        path.write_bytes(damage(path.read_bytes()))
    pd.testing.assert_frame_equal(known(company), first)


def test_a_breach_is_told_every_time_and_leaves_no_copy(company):
    path = company / "tables" / "opportunities.csv"
    path.write_text(ROWS.replace("2025-06-01", "soon"), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(TableError, match=r"'soon' is no date"):
            known(company)
    assert copies(company, "read_opportunities-") == []


def test_where_nothing_can_be_kept_reports_run_all_the_same(company):
    (company / cache.FOLDER).write_text("a file where the folder would be", encoding="utf-8")
    assert known(company)["opportunity_id"].tolist() == ["A", "B"]


def test_it_can_be_switched_off(company, monkeypatch):
    monkeypatch.setenv("SALESOPS_CACHE", "0")
    known(company)
    assert not (company / cache.FOLDER).exists()


def test_beyond_its_size_the_copies_unused_for_longest_go(company, monkeypatch):
    known(company, "2025-01-15")
    old, size = copies(company), sum(p.stat().st_size for p in copies(company))
    for path in old:
        os.utime(path, (1, 1))
    known(company, DAY)
    monkeypatch.setattr(cache, "MOST_BYTES", size)
    known(company, "2025-03-15")
    left = copies(company)
    assert len(set(old) & set(left)) < len(old)
    assert any("known_opportunities-" in p.name for p in left)


def test_copies_are_no_part_of_a_company(company, tmp_path):
    hash_before = provenance.data_hash(str(company), tmp_path)
    known(company)
    assert copies(company)
    assert provenance.data_hash(str(company), tmp_path) == hash_before
    (tmp_path / "work").mkdir()
    assert not (store.stage_folder(company, tmp_path / "work") / cache.FOLDER).exists()
    assert (company / cache.FOLDER / ".gitignore").read_text(encoding="utf-8") == "*\n"
