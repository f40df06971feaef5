"""The engine is locked down, CSV is read by contract, what does not cast is named, writes are whole."""

from __future__ import annotations

import gc
import re

import duckdb
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.errors import TableError
from salesops_lib.inputs import textfiles
from salesops_lib.inputs.company import CompanyError
from salesops_lib.inputs.warehouse import PARQUET_ROWS, open_warehouse, write_table


@pytest.mark.parametrize(
    ("attack", "refusal"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "Cannot access file"),
        ("SELECT * FROM '/etc/passwd'", "Cannot access|does not exist"),
        ("ATTACH '/tmp/elsewhere.duckdb'", "Cannot access file"),
        ("COPY (SELECT 1) TO '/tmp/salesops-out.csv'", "Cannot access file"),
        ("SET enable_external_access=true", "locked"),
        ("SET allowed_directories=['/etc/']", "locked"),
        ("INSTALL httpfs", "Cannot access|disabled"),
    ],
)
def test_the_engine_reaches_nothing_but_the_tables_folder(make_company, attack, refusal):
    connection = open_warehouse(make_company()).connection
    with pytest.raises(duckdb.Error, match=refusal):
        connection.raw_sql(attack)


@pytest.mark.parametrize("hostile", ["A' OR 1=1 --", "A'; DROP TABLE read_opportunities; --"])
def test_a_hostile_value_is_a_value_and_no_query(make_company, hostile):
    snapshot = inputs.open_snapshot(make_company())
    table = snapshot.table("opportunities")
    assert table.filter(table.opportunity_id == hostile).count().execute() == 0
    assert table.count().execute() == 2


@pytest.mark.parametrize("name", ["../company", "opportunities; drop table x", "/etc/passwd", ""])
def test_a_hostile_table_name_is_refused(make_company, name):
    root = make_company()
    with pytest.raises(TableError, match="there is no table"):
        inputs.open_snapshot(root).table(name)
    with pytest.raises(TableError, match="there is no table"):
        write_table(root, name, pd.DataFrame({"a": ["1"]}))


def test_a_link_out_of_the_folder_is_refused(make_company, tmp_path):
    root = make_company()
    secret = tmp_path / "secret.csv"
    secret.write_text("rep_id,start_date\nR1,2025-01-01\n")
    (root / "tables" / "reps.csv").symlink_to(secret)
    with pytest.raises(TableError, match="put the file itself there, not a link"):
        inputs.open_snapshot(root).table("reps")


@pytest.mark.parametrize("path", ["data/*", "a\x00b", "x{y}"])
def test_a_hostile_company_path_is_refused(path):
    with pytest.raises(CompanyError, match="is no path of a company folder"):
        inputs.open_snapshot(path)


OFFENDERS = [
    ("quota_base", "1.234,5", "is no money"),
    ("quota_base", "nan", "is no money"),
    ("quota_base", "inf", "is no money"),
    ("quota_base", "-1", "out of range"),
    ("recorded_at", "2025-02-01T10:00:00+02:00", "is no datetime"),
    ("recorded_at", "01.02.2025", "is no datetime"),
    ("recorded_at", "1900-01-01", "out of range"),
    ("level", "squad", "is not allowed"),
    ("ramp_share", "Select", "is no ratio"),
    ("ramp_share", "1.5", "out of range"),
]


def quoted(row: dict[str, str]) -> list[str]:
    return [f'"{value}"' for value in row.values()]


@pytest.mark.parametrize(("column", "value", "found"), OFFENDERS)
def test_a_cell_that_breaks_its_contract_is_named_with_its_row(make_company, column, value, found):
    good = {"level": "rep", "recorded_at": "2025-02-01T00:00:00Z", "quota_base": "10", "ramp_share": "1"}
    bad = good | {column: value}
    lines = [f"R{i},FY26-Q1,bookings,{','.join(quoted(bad if i == 7 else good))}" for i in range(9)]
    text = "\n".join(["holder_id,period,measure,level,recorded_at,quota_base,ramp_share", *lines])
    snapshot = inputs.open_snapshot(make_company({"quotas": text}))
    with pytest.raises(TableError, match=rf"table 'quotas', column '{column}', row holder_id=R7.*{found}"):
        snapshot.table("quotas")


def test_every_cell_that_does_not_cast_is_counted(make_company):
    rows = "".join(f"EUR,2025-01-{d:02d},{'x' if d > 28 else 1.1}\n" for d in range(1, 32))
    warehouse = open_warehouse(make_company({"fx_rates": f"currency,date,base_per_unit\n{rows}"}))
    (breach,) = warehouse.breaches("fx_rates")
    assert (breach.column, breach.rule, breach.rows) == ("base_per_unit", "type", 3)
    assert breach.row == "currency=EUR, date=2025-01-29"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("currency,date\nEUR,2025-01-01\n", "lacks the column 'base_per_unit'"),
        (
            "currency,date,base_per_unit,dat\nEUR,2025-01-01,1,\n",
            "column 'dat' is not declared. Did you mean 'date'",
        ),
        ("currency,date,base_per_unit,date\nEUR,2025-01-01,1,\n", "stands twice"),
        ("currency,date,base_per_unit\nEUR,2025-01-01,1\nEUR,2025-01-01,2\n", "the key stands 2 times"),
        ("currency,date,base_per_unit\n,2025-01-01,1\n", "it is empty"),
        ("currency,date,base_per_unit\nEUR,2025-01-01\n", "line 2.*correct the file"),
        ("currency,date,base_per_unit\nEUR,2025-02-30,1\n", "'2025-02-30' is no date"),
        ("currency,date,base_per_unit\nEUR,01/02/2025,1\n", "'01/02/2025' is no date"),
        ("", "is an empty file"),
    ],
)
def test_a_file_that_breaks_its_contract_is_refused(make_company, text, found):
    snapshot = inputs.open_snapshot(make_company({"fx_rates": text}))
    with pytest.raises(TableError, match=rf"table 'fx_rates'.*{found}"):
        snapshot.table("fx_rates")


def test_a_file_that_is_not_utf8_is_refused(make_company):
    root = make_company()
    (root / "tables" / "reps.csv").write_bytes("rep_id,start_date,näme\n".encode("latin-1"))
    with pytest.raises(TableError, match="is not UTF-8"):
        inputs.open_snapshot(root).table("reps")


def test_a_byte_order_mark_and_line_breaks_within_quotes_are_read(make_company):
    text = '\ufeffaccount_id,name\nA1,"Two\nlines, ""quoted"""\n'
    frame = inputs.open_snapshot(make_company({"accounts": text})).frame("accounts")
    assert frame["name"].tolist() == ['Two\nlines, "quoted"']


@pytest.mark.parametrize("ends", [("\r\n", "\r\n", "\r\n"), ("\n", "\n", "\r\n"), ("\r\n", "\n", "\r\n")])
def test_line_ends_of_any_system_and_mixed_ones_are_read(make_company, ends):
    rows = ("account_id,name", 'A1,"Two\r\nlines, ""quoted"""', "A2,Plain")
    content = "".join(row + end for row, end in zip(rows, ends, strict=True))
    frame = inputs.open_snapshot(make_company({"accounts": content})).frame("accounts")
    assert frame["name"].tolist() == ['Two\r\nlines, "quoted"', "Plain"]


def test_a_copy_made_for_mixed_line_ends_goes_with_the_warehouse(make_company):
    warehouse = open_warehouse(make_company({"accounts": "account_id,name\nA1,One\r\n"}))
    assert warehouse.table("accounts").count().execute() == 1
    copies = warehouse._copies
    assert (copies / "accounts.csv").is_file()
    del warehouse
    gc.collect()
    assert not copies.exists()


def test_mixed_line_ends_are_made_even_across_blocks(tmp_path, monkeypatch):
    # By hand: outside quotes CRLF becomes LF, within them it stays, wherever a block of 3 bytes ends.
    path = tmp_path / "made.csv"
    path.write_bytes(b'a,b\r\n1,"x\r\ny"\n"""\r\n",2\r\n')
    monkeypatch.setattr(textfiles, "BLOCK", 3)
    copy = textfiles.even(path, tmp_path / "copies" / "made.csv")
    assert copy.read_bytes() == b'a,b\n1,"x\r\ny"\n"""\r\n",2\n'


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('A2,"x"y', "line 3: a quote is not closed, or stands alone"),
        ('A2,"x', "line 3: a quote is not closed"),
        ("A2,x\ry", "line 3: a carriage return stands alone"),
        ("A2", "line 3: it has 1 cells, the header has 2"),
    ],
)
def test_a_line_that_is_no_csv_is_refused_in_plain_words(make_company, row, found):
    snapshot = inputs.open_snapshot(make_company({"accounts": f"account_id,name\nA1,One\n{row}\n"}))
    with pytest.raises(TableError, match=found) as refused:
        snapshot.table("accounts")
    assert "correct the file" in str(refused.value)
    assert not re.search("state machine|strict|Invalid Input|Expected Number", str(refused.value))


def test_a_parquet_file_that_is_none_is_refused(make_company):
    root = make_company()
    (root / "tables" / "accounts.parquet").write_bytes(b"no parquet")
    with pytest.raises(TableError, match=r"table 'accounts': accounts\.parquet is no Parquet file"):
        inputs.open_snapshot(root).table("accounts")


def test_a_csv_and_a_parquet_of_one_table_are_refused(make_company):
    root = make_company()
    pd.DataFrame({"opportunity_id": ["A"]}).to_parquet(root / "tables" / "opportunities.parquet")
    with pytest.raises(TableError, match="stands twice"):
        inputs.open_snapshot(root, "2025-03-31").table("opportunities")


def test_what_is_written_is_read_back(make_company):
    root = make_company()
    frame = pd.DataFrame(
        {
            "lead_id": ["007", "NA", "=cmd()"],
            "created_at": pd.to_datetime(["2025-01-01 10:00", None, "2025-01-02 23:59"]).tz_localize(
                "US/Eastern"
            ),
            "reason": ["", None, 'a "b"'],
            "employees": [1.5, None, 3.0],
        }
    )
    path = write_table(root, "leads", frame)
    assert path.read_text().splitlines()[1] == '007,2025-01-01T15:00:00Z,"",1.5'
    read = inputs.open_snapshot(root).frame("leads")
    assert read["lead_id"].tolist() == ["007", "=cmd()", "NA"]
    assert read["created_at"].tolist()[1] == pd.Timestamp("2025-01-03 04:59", tz="UTC")
    assert read["employees"].tolist() == ["1.5", "3.0", None]  # undeclared columns of leads are text


def test_a_table_above_the_limit_is_stored_as_parquet(make_company):
    root = make_company()
    many = PARQUET_ROWS + 1
    frame = pd.DataFrame({"activity_id": [f"a{i}" for i in range(many)], "automated": True})
    assert write_table(root, "activities", frame).suffix == ".parquet"
    assert inputs.open_snapshot(root).table("activities").count().execute() == many
    assert write_table(root, "activities", frame.head()).suffix == ".csv"
    assert not (root / "tables" / "activities.parquet").exists()


def test_a_write_that_breaks_the_contract_leaves_the_old_file(make_company):
    root = make_company()
    before = (root / "tables" / "opportunities.csv").read_bytes()
    bad = pd.DataFrame(
        {"opportunity_id": ["A"], "recorded_at": ["2025-01-01T00:00:00Z"], "probability": [3.0]}
    )
    with pytest.raises(TableError, match=r"'probability'.*out of range"):
        write_table(root, "opportunities", bad)
    assert (root / "tables" / "opportunities.csv").read_bytes() == before
    assert [p.name for p in (root / "tables").iterdir()] == ["opportunities.csv"]


def test_a_database_gives_what_the_folder_gives(make_company, tmp_path):
    root = make_company()
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE opportunities AS SELECT * FROM read_csv(?)",
            [str(root / "tables/opportunities.csv")],
        )
        con.execute("CREATE TABLE company (key VARCHAR, value VARCHAR)")
        rows = [("schema_version", "1"), ("name", "Tiny"), ("reporting_currency", "USD")]
        rows += [("time_zone", "America/New_York"), ("fiscal_calendar", "{kind: months, first_month: 2}")]
        con.executemany("INSERT INTO company VALUES (?, ?)", rows)
    stored = inputs.open_snapshot(f"duckdb://{path}")
    assert stored.company.name == "Tiny"
    pd.testing.assert_frame_equal(
        stored.frame("opportunities"), inputs.open_snapshot(root).frame("opportunities")
    )
    with pytest.raises(duckdb.Error, match="Cannot access file"):
        stored.warehouse.connection.raw_sql("SELECT * FROM read_csv('/etc/passwd')")


@pytest.mark.parametrize(
    ("url", "refusal"),
    [("mysql://host/x", "no database this reads"), ("duckdb:///no/such.duckdb", "names no file")],
)
def test_a_database_that_is_none_is_refused(url, refusal):
    with pytest.raises(CompanyError, match=refusal):
        inputs.open_snapshot(url)
