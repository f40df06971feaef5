"""The sample company as a whole: reproducible, small, clean by contract, scalable."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.errors import ParameterError
from salesops_lib.inputs.sample.generate import generate, tables
from salesops_lib.inputs.sample.world import world
from salesops_lib.inputs.tables import TABLES

LIMIT_BYTES = 12_000_000


def read(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def differing(left, right):
    """Columns whose values differ; numbers may differ by a cent."""
    if list(left) != list(right) or len(left) != len(right):
        return ["shape"]
    found = []
    for name in left:
        other = left[name] != right[name]
        a, b = (pd.to_numeric(frame.loc[other, name], errors="coerce") for frame in (left, right))
        if not np.isclose(a, b, atol=0.011, rtol=0).all():
            found.append(name)
    return found


def files(root):
    """All files of a company but the cache's copies."""
    return [p for p in root.rglob("*") if p.is_file() and ".cache" not in p.parts]


def test_the_committed_sample_is_what_the_defaults_write(tmp_path, sample):
    generate(tmp_path)
    made, kept = ({p.relative_to(root) for p in files(root)} for root in (tmp_path, sample))
    assert made == kept
    for name in sorted(made):
        if (tmp_path / name).read_bytes() != (sample / name).read_bytes():
            assert name.suffix == ".csv", name
            assert differing(read(tmp_path / name), read(sample / name)) == [], name


def test_a_changed_cell_of_the_sample_would_be_seen(sample):
    table = read(sample / "tables" / "quotas.csv")
    changed = table.assign(quota_base=table["quota_base"].where(table.index != 3, "1.0"))
    assert differing(table, changed) == ["quota_base"]
    assert differing(table, table.iloc[1:]) == ["shape"]


def test_the_committed_sample_is_under_twelve_megabytes(sample):
    assert sum(p.stat().st_size for p in files(sample)) < LIMIT_BYTES


@pytest.fixture(scope="module")
def thin(tmp_path_factory) -> Path:
    """A tenth of the deals, seed 3; not to be written to."""
    folder = tmp_path_factory.mktemp("thin")
    generate(folder, seed=3, scale=0.1)
    return folder


def test_one_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path, thin):
    for folder, seed in (("b", 3), ("c", 4)):
        generate(tmp_path / folder, seed=seed, scale=0.1)
    names = sorted(p.name for p in (thin / "tables").iterdir())
    folders = (thin, tmp_path / "b", tmp_path / "c")
    a, b, c = ([(f / "tables" / n).read_bytes() for n in names] for f in folders)
    assert a == b
    assert a[names.index("opportunities.csv")] != c[names.index("opportunities.csv")]


def test_every_declared_table_has_rows(sample):
    held = {p.stem for p in (sample / "tables").iterdir()}
    assert held == set(TABLES)
    assert all(len(read(sample / "tables" / f"{name}.csv")) for name in held)


def test_the_check_finds_no_breach_and_only_the_planted_late_table(sample):
    result = inputs.check_company(sample)
    assert result.breaches == []
    assert [fault.split("'")[1] for fault in result.faults] == ["activities"]


def test_the_check_finds_a_breach_planted_in_a_copy(tmp_path, thin):
    shutil.copytree(thin, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "tables" / "credits.csv"
    table = read(path)
    table.loc[0, "share"] = "-1"
    table.to_csv(path, index=False)
    assert [breach.table for breach in inputs.check_company(tmp_path).breaches] == ["credits"]


def test_drawing_for_one_table_moves_no_other():
    alone = world(7).stream("quotas").random(5)
    after = world(7)
    after.stream("leads").random(1000)
    assert (after.stream("quotas").random(5) == alone).all()
    assert not np.isin(world(7).stream("leads").random(5), alone).any()
    assert not np.isin(world(8).stream("quotas").random(5), alone).any()


def test_twice_the_scale_doubles_sellers_accounts_deals_and_leads():
    one, two = (dict(tables(5, scale)) for scale in (1.0, 2.0))
    for name, key in (("accounts", "account_id"), ("opportunities", "opportunity_id"), ("leads", "lead_id")):
        assert two[name][key].nunique() / one[name][key].nunique() == pytest.approx(2, rel=0.08)
    sellers = [(t["reps"]["role"] == "Account Executive") for t in (one, two)]
    assert [t["reps"][s]["rep_id"].nunique() for t, s in zip((one, two), sellers, strict=True)] == [42, 84]


def test_a_tenth_of_the_scale_keeps_the_sellers_and_thins_the_deals():
    thin = dict(tables(5, 0.1))
    assert 400 < thin["opportunities"]["opportunity_id"].nunique() < 900
    assert (thin["reps"]["role"] == "Account Executive").sum() > 42


def test_no_person_has_a_name(sample):
    names = read(sample / "tables" / "reps.csv")["name"]
    assert names.str.fullmatch(r"Rep \d{3}").all()
    assert "name" not in read(sample / "tables" / "contacts.csv")


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"name": "plian"}, "Did you mean 'plain'"),
        ({"scale": 0.0}, "sample scale is 0.0; give a number between 0.05 and 1000"),
        ({"seed": -1}, "sample seed is -1"),
    ],
)
def test_a_world_that_cannot_be_is_refused(asked, match):
    with pytest.raises(ParameterError, match=match):
        world(**asked)
