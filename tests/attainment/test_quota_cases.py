"""Real exports without potential: weights go elsewhere, totals stand, a hole in the data is no base year."""

import pytest

from salesops_lib import inputs
from salesops_lib.attainment.crediting.records import Records
from salesops_lib.attainment.setting.basis import Facts, basis
from salesops_lib.attainment.setting.limits import quota_limits
from salesops_lib.attainment.setting.plan import plan_rules, set_quotas
from salesops_lib.inputs import importing
from salesops_lib.inputs.importing import import_export

pytestmark = pytest.mark.case


def planned(folder):
    snapshot = inputs.open_snapshot(data=str(folder))
    have = {n: snapshot.frame(n) for n in ("reps", "credits") if snapshot.has(n)}
    records = Records(snapshot.frame("opportunities"), snapshot.frame("quotas"), **have)
    weights = {"potential": 0.3, "history": 0.5, "pipeline": 0.2}
    asked = plan_rules(snapshot.policy("attainment"), snapshot.as_of, growth=0.1, weights=weights, draws=200)
    facts = Facts(records, snapshot.frame("accounts") if snapshot.has("accounts") else None)
    return set_quotas(basis(facts, snapshot.company.calendar, snapshot.as_of, asked.ramp), asked)


@pytest.fixture(scope="module")
def dynamics(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("d365") / "company"
    import_export("dynamics365", cases / "d365_contoso_coffee", folder)
    return planned(folder)


@pytest.fixture(scope="module")
def adventureworks(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("aw") / "company"
    mapping = importing.__path__[0] + "/../sources/examples/adventureworks.yaml"
    import_export("csv", cases / "adventureworks", folder, mapping)
    return planned(folder)


def test_dynamics_is_planned_from_its_last_whole_year_and_not_from_the_hole(dynamics):
    assert dynamics.basis.holes == ["FY25-Q2", "FY25-Q3"]
    assert dynamics.basis.base == ["FY24-Q2", "FY24-Q3", "FY24-Q4", "FY25-Q1"]
    assert sum(dynamics.proposed.reps["quota_base"]) == dynamics.plan.target


def test_without_potential_its_weight_goes_to_history_and_pipeline(dynamics):
    reps = dynamics.proposed.reps
    assert set(reps["potential_weight"]) == {0.0}
    assert reps["history_weight"].iloc[0] == pytest.approx(0.5 / 0.7)
    assert any("No account held has a potential" in said for said in quota_limits(dynamics, dynamics))


def test_adventureworks_has_only_history_and_odd_quarters(adventureworks):
    assert set(adventureworks.proposed.reps["history_weight"]) == {1.0}
    assert sum(adventureworks.proposed.reps["quota_base"]) == adventureworks.plan.target
    assert len(adventureworks.plan.quarters) == 4
