"""Whole companies: the faults planted in the sample, and what is known of the real cases."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import salesops_lib
from salesops_lib import inputs
from salesops_lib.inputs.importing import import_export
from salesops_lib.inputs.sample.truth import planted
from salesops_lib.inputs.tables import TABLES
from salesops_lib.quality import faults, findings, freshness, imports, summary
from salesops_lib.quality.measure import measure

EXAMPLES = Path(salesops_lib.__file__).parent / "inputs" / "sources" / "examples"


class Looked:
    """A company opened, measured and judged as the notebook does it."""

    def __init__(self, folder: Path, as_of: date | str = ""):
        self.snapshot = inputs.open_snapshot(folder, as_of)
        self.tables = {name: self.snapshot.table(name) for name in self.snapshot.warehouse.names()}
        policy = self.snapshot.policy("quality")
        self.basis = faults.basis(policy, self.snapshot.stages(), self.snapshot.as_of)
        self.measures = measure(self.tables, TABLES, self.basis)
        self.ages = freshness.table_ages(self.tables, self.snapshot.as_of)
        self.loss = imports.losses(self.snapshot.imports(), self.snapshot.import_report())
        evidence = findings.Evidence(self.measures, self.ages, self.loss)
        currency = self.snapshot.company.currency
        judged = findings.findings(evidence, policy, as_of=self.snapshot.as_of, currency=currency)
        self.findings = {f.code: f for f in [*judged.findings, *judged.held_back]}

    def fault(self, name: str) -> dict:
        found = self.measures.faults
        return found[found["fault"] == name].iloc[0].to_dict()

    def counted(self, name: str) -> tuple[int, int]:
        return self.fault(name)["due"], self.fault(name)["faulty"]


@pytest.fixture(scope="module")
def looked_sample(sample):
    return Looked(sample)


def test_every_double_account_planted_in_the_sample_is_found_and_no_other(looked_sample):
    look = looked_sample
    found = summary.double_accounts(look.tables, TABLES, look.basis)
    sure = found[found["match"] == "same name"]
    pairs = {frozenset(p) for p in zip(sure["account_id"], sure["same_as"], strict=True)}
    assert pairs == {frozenset(p) for p in planted().double_accounts}


def test_the_value_past_due_in_the_sample_is_the_planted_share(looked_sample):
    assert looked_sample.findings["F-DATA-PASTDUE"].value == pytest.approx(
        planted().past_due_share, abs=0.0005
    )


def test_the_sample_was_not_imported_so_its_loss_is_unknown(looked_sample):
    assert looked_sample.findings["F-DATA-IMPORT"].severity == "UNKNOWN"


def test_no_total_of_the_sample_exceeds_the_deals_it_stands_on(looked_sample):
    worth = looked_sample.measures.worth
    assert (worth["affected"] <= worth["deals"]).all()
    assert (worth["affected_base"] <= worth["deals_base"] + 0.01).all()


@pytest.fixture(scope="module")
def coffee(cases, tmp_path_factory):
    to = tmp_path_factory.mktemp("coffee") / "coffee"
    import_export("dynamics365", cases / "d365_contoso_coffee", to)
    return Looked(to)


def test_coffee_deals_closed_without_a_date_and_blank_targets_are_counted(coffee):
    # Counted in the export: 45 closed deals without a date, 11 blank of 220 targets.
    assert coffee.counted("opportunities.close_date.empty") == (5229, 45)
    assert coffee.counted("quotas.quota_base.empty") == (220, 11)


def test_coffee_deals_of_the_owner_missing_from_users_are_orphans(coffee):
    assert coffee.counted("opportunities.owner_id.orphan") == (5229, 37)


def test_coffee_a_field_the_export_lacks_is_never_filled_and_not_empty(coffee):
    assert coffee.fault("opportunities.next_step.empty")["state"] == "never filled"
    assert coffee.findings["F-DATA-COMPLETE"].scope["field"] != "next_step"


def test_coffee_open_deals_past_their_date_are_to_act_on(coffee):
    finding = coffee.findings["F-DATA-PASTDUE"]
    assert (finding.severity, finding.n) == ("ACT", 521)


def test_coffee_rows_the_import_dropped_are_counted_once(coffee):
    report = coffee.snapshot.import_report()
    dropped = report[report["action"] == "dropped"]
    assert coffee.loss.lost == len(dropped.drop_duplicates(["file", "row"]))
    assert coffee.loss.rows_in == coffee.snapshot.imports()[-1]["rows_in"]


@pytest.mark.parametrize(
    ("source", "case", "mapping"),
    [
        ("csv", "adventureworks", "adventureworks.yaml"),
        ("csv", "maven_crm", "maven_crm.yaml"),
        ("salesforce", "salesforce_devorg", None),
    ],
)
def test_every_case_is_measured_and_judged_without_a_made_up_score(cases, tmp_path, source, case, mapping):
    import_export(source, cases / case, tmp_path / "c", mapping=EXAMPLES / mapping if mapping else None)
    look = Looked(tmp_path / "c")
    unmeasured = look.measures.faults[look.measures.faults["state"] != "measured"]
    assert unmeasured["score"].isna().all()
    assert len(look.findings) == len(findings.RULES)
    for finding in look.findings.values():
        assert (finding.severity == "UNKNOWN") == (finding.value is None or finding.n < finding.min_n)


def test_a_company_of_empty_tables_is_judged_unknown_throughout(tmp_path, sample):
    (tmp_path / "tables").mkdir()
    (tmp_path / "company.yaml").write_text((sample / "company.yaml").read_text())
    for name in ("opportunities", "accounts", "reps", "quotas"):
        header = ",".join(TABLES[name].column_names)
        (tmp_path / "tables" / f"{name}.csv").write_text(header + "\n")
    look = Looked(tmp_path, date(2025, 12, 12))
    assert {str(f.severity) for f in look.findings.values()} == {"UNKNOWN"}
    assert look.measures.faults["score"].isna().all()
    cards = summary.headline(look.measures, look.ages, look.loss, limit=0.95, currency="USD")
    assert [c["value"] for c in cards] == ["–"] * 4
    assert isinstance(summary.received(look.ages, look.measures), pd.DataFrame)
