"""What an audience may not see is not in its copy of the data: not as a row, a cell, a word or a hash."""

import functools
import json
import shutil
from datetime import date

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.contracts import checked
from salesops_lib.core.errors import ParameterError, PolicyError
from salesops_lib.inputs import company
from salesops_lib.inputs.cutting.fields import WITHHELD, Censor, mean_pay
from salesops_lib.inputs.view import VIEW_DIR, ViewError

DAY = date(2025, 6, 30)
REPS = """\
rep_id,start_date,end_date,name,role,team,region,manager_id,recorded_at
R1,2024-01-01,2025-06-01,Ada Seen,AE,North,AMER,M1,2024-01-01T00:00:00Z
R1,2025-06-01,,Ada Seen,AE,South,AMER,M2,2025-05-20T00:00:00Z
R2,2024-01-01,,Quinn Planted,AE,South,AMER,M2,
R3,2024-01-01,,Bo Third,AE,North,AMER,M1,
M1,2024-01-01,,Mo First,Manager,North,AMER,VP,
M2,2024-01-01,,Mo Second,Manager,South,AMER,VP,
VP,2024-01-01,,Vi Chief,VP,Heads,AMER,,
"""
PAY = """\
rep_id,start_date,end_date,plan_id,target_cash,base_salary,currency
R1,2024-01-01,,ae,120000,60000,USD
R2,2024-01-01,,ae,183457,91728,USD
R3,2024-01-01,,ae,130000,65000,USD
"""
SAYS = "PLANTED, Quinn: OTE 183,457 or 183k"
DEALS = f"""\
opportunity_id,account_id,owner_id,name,created_date,close_date,recorded_at,stage,is_closed,is_won,amount_base,next_step
D1,A1,R1,Seen deal,2025-01-02,2025-09-30,2025-01-02T15:00:00Z,Proposal,false,false,100,"{SAYS}"
D2,A2,R2,Other deal,2025-01-02,2025-09-30,2025-01-02T15:00:00Z,Proposal,false,false,777123,call
D3,A3,R3,Third deal,2025-01-02,2025-09-30,2025-01-02T15:00:00Z,Proposal,false,false,300,call
"""
CREDITS = "opportunity_id,rep_id,credit_type,recorded_at,share\nD3,R1,split,2025-01-02T15:00:00Z,0.5\n"
QUOTAS = """\
holder_id,level,period,measure,recorded_at,parent_id,quota_base
company,company,FY26-Q2,bookings,2025-01-02T15:00:00Z,,900000
South,team,FY26-Q2,bookings,2025-01-02T15:00:00Z,company,500000
North,team,FY26-Q2,bookings,2025-01-02T15:00:00Z,company,400000
R1,rep,FY26-Q2,bookings,2025-01-02T15:00:00Z,South,250000
R2,rep,FY26-Q2,bookings,2025-01-02T15:00:00Z,South,250000
"""
ACCOUNTS = (
    "account_id,name,parent_id,created_date\nA1,One,A2,2024-01-01\nA2,Two,,2024-01-01\nA3,Three,,2024-01-01\n"
)
TOLD = f"{WITHHELD}, {WITHHELD}: OTE {WITHHELD} or {WITHHELD}"
COSTS = "campaign_id,period,cost_base\nC1,FY26-Q2,5000\n"
COMPANY = """\
schema_version: 1
name: Tiny
reporting_currency: USD
time_zone: America/New_York
fiscal_calendar: {kind: months, first_month: 2, named_by: end}
"""
TABLES = {
    "reps": REPS, "plan_assignments": PAY, "opportunities": DEALS, "credits": CREDITS, "quotas": QUOTAS,
    "accounts": ACCOUNTS, "campaign_costs": COSTS,
}  # fmt: skip


def write(root, tables=TABLES, policy=None):
    (root / "tables").mkdir(parents=True)
    (root / "company.yaml").write_text(COMPANY)
    for name, text in tables.items():
        (root / "tables" / f"{name}.csv").write_text(text)
    if policy is not None:
        (root / "policy").mkdir()
        (root / "policy" / "audiences.yaml").write_text(json.dumps({"audiences": policy}))
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The company: nobody changes it."""
    return write(tmp_path_factory.mktemp("company") / "tiny")


@pytest.fixture(scope="module")
def view(folder, tmp_path_factory):
    """A function that cuts the company for an audience, once, and opens the cut."""

    @functools.cache
    def cut(audience: str, day: date = DAY):
        into = tmp_path_factory.mktemp("view") / "v"
        inputs.cut_view(str(folder), audience, day, into)
        return inputs.open_snapshot(into, day)

    return cut


def cut(root, audience: str):
    """A changed company, cut."""
    inputs.cut_view(str(root), audience, DAY, root.parent / "v")
    return inputs.open_snapshot(root.parent / "v", DAY)


def ids(snapshot, table: str, column: str) -> set:
    return set(snapshot.frame(table)[column])


def every_byte(root) -> bytes:
    return b"\n".join(p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file())


def test_a_rep_sees_own_and_credited_deals_and_own_pay_only(view):
    mine = view("rep:R1")
    assert ids(mine, "opportunities", "opportunity_id") == {"D1", "D3"}
    assert mine.frame("opportunities").set_index("opportunity_id")["owner_id"]["D3"] is None
    assert ids(mine, "plan_assignments", "target_cash") == {120000.0}
    assert ids(mine, "accounts", "account_id") == {"A1", "A3"}
    assert mine.frame("accounts").set_index("account_id")["parent_id"]["A1"] is None
    assert ids(mine, "quotas", "holder_id") == {"R1"}
    assert ids(mine, "reps", "manager_id") == {None}


def test_the_cut_holds_no_byte_of_a_name_or_amount_it_withholds(view):
    data = every_byte(view("rep:R1").company.root).lower()
    for planted in (b"planted", b"quinn", b"183457", b"183,457", b"183k", b"777123", b"bo third", b"900000"):
        assert planted not in data
    assert view("rep:R1").frame("opportunities")["next_step"][0] == TOLD
    assert b"quinn planted" in every_byte(view("rep:R2").company.root).lower()
    assert b"183457" in every_byte(view("finance").company.root)


@pytest.mark.parametrize(("day", "first", "second"), [("2025-05-31", {"R1", "R3"}, {"R2"}),
                                                      ("2025-06-01", {"R3"}, {"R1", "R2"})])  # fmt: skip
def test_a_manager_sees_the_team_as_it_was_on_the_day_of_the_report(view, day, first, second):
    day = date.fromisoformat(day)
    assert ids(view("manager:M1", day), "reps", "rep_id") == first | {"M1"}
    assert ids(view("manager:M2", day), "reps", "rep_id") == second | {"M2"}


def test_a_manager_of_managers_sees_all_below(view):
    assert ids(view("manager:VP"), "reps", "rep_id") == {"R1", "R2", "R3", "M1", "M2", "VP"}


def test_people_who_manage_each_other_end_the_search(tmp_path):
    ring = REPS.replace("Vi Chief,VP,Heads,AMER,,", "Vi Chief,VP,Heads,AMER,M1,")
    seen = cut(write(tmp_path / "c", {"reps": ring, "opportunities": DEALS}), "manager:M1")
    assert ids(seen, "reps", "rep_id") == {"R1", "R2", "R3", "M1", "M2", "VP"}


def test_quotas_of_teams_seen_in_part_and_of_the_company_are_not_there(view):
    assert ids(view("manager:M2"), "quotas", "holder_id") == {"South", "R1", "R2"}
    assert ids(view("rep:R2"), "quotas", "holder_id") == {"R2"}


def test_a_view_says_what_it_does_not_hold(view):
    limits = view("manager:M2").limits
    assert limits[0].startswith(
        "This view holds the rows of manager:M2 only, as of 2025-06-30: 3 people (whole"
    )
    assert "not of the company" in limits[0]
    assert "campaign_costs, plan_assignments: manager:M2 may not see it" in limits[1]
    assert view("manager:M2").company.name == "Tiny, view of manager:M2"


def test_costs_of_the_whole_company_are_never_set_beside_some_of_its_leads(tmp_path):
    said = {"rows": "team", "pay": "hidden", "names": "shown", "reports": "all", "hide": []}
    root = write(tmp_path / "c", policy={"manager": said | {"tables": ["campaign_costs"]}})
    with pytest.raises(PolicyError, match="the rows of 'campaign_costs' belong to nobody"):
        cut(root, "manager:M1")


def test_a_correction_that_moved_a_row_to_another_leaves_no_old_version_behind(tmp_path):
    territory = (
        "account_id,start_date,end_date,rep_id,territory,recorded_at\n"
        "A2,2024-01-01,,R1,Coast,2024-01-01T00:00:00Z\nA2,2024-01-01,,R2,Coast,2024-02-01T00:00:00Z\n"
    )
    few = {name: TABLES[name] for name in ("reps", "opportunities", "accounts")}
    seen = cut(write(tmp_path / "c", few | {"territory_assignments": territory}), "rep:R1")
    assert not seen.has("territory_assignments")
    assert "A2" not in ids(seen, "accounts", "account_id")


def test_leadership_sees_pay_only_as_the_mean_of_enough_people(view):
    pay = view("leadership").frame("plan_assignments")
    assert pay["target_cash"].isna().all()  # three people in the only group
    assert any("1 group figures are withheld" in s or "2 group figures are withheld" in s
               for s in view("leadership").limits)  # fmt: skip


def test_mean_pay_of_a_small_role_cannot_be_worked_out_from_the_others():
    people = [("AE", 6), ("SE", 2), ("AM", 5), ("SDR", 9)]
    rows = [(f"{role}{i}", "USD", 1000.0 * (i + 1)) for role, n in people for i in range(n)]
    table = pd.DataFrame(rows, columns=["rep_id", "currency", "target_cash"]).assign(base_salary=float("nan"))
    shown, groups = mean_pay(table, {rep: rep.rstrip("0123456789") for rep in table["rep_id"]}, 5)
    by_role = shown.groupby(shown["rep_id"].str.rstrip("0123456789"))["target_cash"].first()
    # By hand: 2 SE go, and the 5 AM with them; AE mean 1..6 thousand is 3,500, SDR 1..9 is 5,000.
    assert by_role.to_dict() == {"AE": 3500.0, "SDR": 5000.0, "AM": pytest.approx(float("nan"), nan_ok=True),
                                 "SE": pytest.approx(float("nan"), nan_ok=True)}  # fmt: skip
    assert groups == 2


def test_hidden_names_leave_every_text_and_hidden_columns_every_row(tmp_path):
    said = {"rows": "all", "pay": "hidden", "names": "hidden", "reports": "all", "tables": "all",
            "hide": ["opportunities.amount_base"]}  # fmt: skip
    few = {name: TABLES[name] for name in ("reps", "plan_assignments", "opportunities")}
    seen = cut(write(tmp_path / "c", few, {"board": said}), "board")
    data = every_byte(seen.company.root).lower()
    assert all(word not in data for word in (b"planted", b"183457", b"183,457", b"777123", b"ada seen"))
    assert ids(seen, "opportunities", "opportunity_id") == {"D1", "D2", "D3"}


@pytest.mark.parametrize(
    "text",
    ["quinn planted", "Planted,  Quinn", "QUINN\u00a0PLANTED", "see Planted's note", "to quinn.planted@x",
     "pays 183457", "183.457,00 a year", "183 457", "$183,457.00", "OTE 183k", "from R2000 on"],
)  # fmt: skip
def test_the_censor_finds_a_name_or_amount_however_it_is_written(text):
    said = Censor({"Quinn Planted"}, {"R2000"}, {183457.0}).text(text, free=True)
    assert WITHHELD in said
    assert not any(bit in said.casefold() for bit in ("planted", "quinn", "183", "r2000"))


@pytest.mark.parametrize("text", ["plantedness", "1183457", "183457123", "18 weeks", "R20001", "2025-06-30"])
def test_the_censor_leaves_other_words_and_numbers(text):
    assert Censor({"Quinn Planted"}, {"R2000"}, {183457.0}).text(text, free=True) == text


def test_a_link_in_the_companys_folder_is_not_followed_into_a_view(tmp_path):
    folder = write(tmp_path / "c", {"opportunities": DEALS, "reps": REPS}, {})
    (tmp_path / "secret.yaml").write_text("note: Quinn Planted\n")
    (folder / "policy" / "forecasting.yaml").symlink_to(tmp_path / "secret.yaml")
    (folder / "ledger").mkdir()
    (folder / "ledger" / "pay.jsonl").write_text("Quinn Planted\n")
    root = cut(folder, "rep:R1").company.root
    assert sorted(p.name for p in root.iterdir()) == ["company.yaml", "tables", "view.json"]


def test_a_kernel_held_to_a_view_opens_nothing_else(folder, view, monkeypatch, tmp_path):
    root = shutil.copytree(view("rep:R1").company.root, tmp_path / "own").resolve()
    monkeypatch.setenv(VIEW_DIR, str(root))
    for data in ("", str(folder), "audience:rep:R1", "duckdb:///elsewhere.db"):
        seen = inputs.open_snapshot(data)
        assert (seen.company.root, seen.as_of) == (root, DAY)
    with pytest.raises(ParameterError, match="no folder of plans"):
        inputs.plan_files(root, str(folder / "plans"))
    with pytest.raises(ViewError, match="this view is of 2025-06-30"):
        inputs.open_snapshot("", "2025-07-01")
    shutil.rmtree(root)
    with pytest.raises(ViewError, match="the view this run is held to is gone"):
        inputs.open_snapshot(str(folder))


def test_without_its_view_the_name_of_an_audience_is_no_data():
    with pytest.raises(company.CompanyError, match="is no folder"):
        inputs.open_snapshot("audience:rep:R1")


@pytest.mark.parametrize(
    ("asked", "said"),
    [("board", "there is no audience 'board'"), ("manager", "is written manager:REP_ID"),
     ("finance:R1", "is written finance"), ("rep:R9", "nobody in table reps has the rep_id 'R9'"),
     ("manager:R1", "'R1' manages nobody on 2025-06-30")],
)  # fmt: skip
def test_an_unknown_audience_is_refused_in_one_line(view, asked, said):
    with pytest.raises(ViewError, match=said) as refused:
        view(asked)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"rows": "some"}, "'rows' is 'some'"), ({"tables": ["payroll"]}, "there is no table 'payroll'"),
     ({"hide": ["reps.salary"]}, "hide 'reps.salary' is no column"), ({"extra": 1}, "needs exactly")],
)  # fmt: skip
def test_a_policy_of_audiences_that_says_something_else_is_refused(tmp_path, change, said):
    whole = {"rows": "all", "pay": "shown", "names": "shown", "reports": "all", "tables": "all", "hide": []}
    root = write(tmp_path / "c", {"opportunities": DEALS}, {"finance": whole | change})
    with pytest.raises(PolicyError, match=said):
        cut(root, "finance")


def test_a_whole_view_is_the_company_as_it_was(folder, view):
    seen, stored = view("finance"), inputs.open_snapshot(folder, DAY)
    for name in stored.names():
        pd.testing.assert_frame_equal(seen.frame(name), stored.frame(name))
        checked(seen.frame(name), inputs.tables.TABLES[name])
    assert seen.limits == stored.limits
