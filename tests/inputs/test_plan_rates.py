"""The rates quotas are set at: the policy's, else those at which the import converts a quota."""

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.errors import PolicyError

QUOTAS = """\
holder_id,level,period,measure,recorded_at,quota_base,currency
R1,rep,FY26-Q1,bookings,2025-01-02T15:00:00Z,110,EUR
R2,rep,FY26-Q1,bookings,2025-01-02T15:00:00Z,1,JPY
R3,rep,FY26-Q1,bookings,2025-01-02T15:00:00Z,1,USD
"""
FX = """\
currency,date,base_per_unit
JPY,2025-01-31,0.0065
JPY,2025-02-10,0.0070
JPY,2025-05-01,0.0080
GBP,2025-02-01,1.25
"""
EURO = """\
eur:
  description: Plan rate.
  unit: USD per EUR
  source: the plan
  values:
    2025-02-01: {rate}
"""


def opened(make_company, policy=None, **tables):
    root = make_company({"quotas": QUOTAS, **tables})
    if policy is not None:
        (root / "policy").mkdir()
        (root / "policy" / "plan_rates.yaml").write_text(policy, encoding="utf-8")
    return inputs.open_snapshot(root, "2025-06-15")


def test_a_stated_rate_stands_and_other_quota_currencies_open_at_the_period_s_first_day(make_company):
    found = inputs.plan_rates(opened(make_company, EURO.format(rate=1.1), fx_rates=FX))
    by = found.set_index(["currency", "date"])["base_per_unit"]
    assert by["EUR", pd.Timestamp("2025-02-01")] == 1.1
    # By hand: 2025-02-01 has no yen rate, the day before has; 2025-05-01 has its own; June is too far away.
    assert by["JPY", pd.Timestamp("2025-02-01")] == 0.0065
    assert by["JPY", pd.Timestamp("2025-05-01")] == 0.0080
    assert pd.isna(by["JPY", pd.Timestamp("2025-06-01")])
    assert set(found["currency"]) == {"EUR", "JPY"}  # no quota is set in GBP, and USD needs no rate


def test_without_policy_and_rates_there_are_no_plan_rates(make_company):
    assert inputs.plan_rates(opened(make_company)).empty


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        (EURO.format(rate=0), "policy 'plan_rates.eur' is 0 on 2025-02-01; give a rate above 0"),
        (EURO.replace("eur:", "euro:").format(rate=1), "policy 'plan_rates.euro' is no currency"),
    ],
)
def test_a_plan_rate_that_is_none_is_refused(make_company, policy, refusal):
    with pytest.raises(PolicyError, match=refusal):
        inputs.plan_rates(opened(make_company, policy))
