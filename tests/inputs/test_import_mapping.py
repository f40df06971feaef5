"""Mappings: shipped ones parse, the user's is laid over, and every fault names file and key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from salesops_lib.inputs.importing.mapping import SHIPPED, SOURCES, MappingError, load_mapping
from salesops_lib.inputs.tables import TABLES


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("source", [s for s in SHIPPED if s != "csv"])
def test_a_shipped_mapping_names_only_tables_and_columns_that_exist(source):
    mapping = load_mapping(source)
    for name, parts in mapping.tables.items():
        for part in parts:
            assert not [c for c in part.columns if c not in TABLES[name].by_name and not TABLES[name].extra]


@pytest.mark.parametrize("example", sorted(p.name for p in (SOURCES / "examples").glob("*.yaml")))
def test_an_example_mapping_parses(example):
    assert load_mapping("csv", SOURCES / "examples" / example).tables


def test_an_unknown_source_is_refused_with_the_nearest():
    with pytest.raises(MappingError, match=r"there is no source 'salesforc'\. Did you mean 'salesforce'"):
        load_mapping("salesforc")


def test_the_source_csv_needs_a_mapping():
    with pytest.raises(MappingError, match="--map FILE"):
        load_mapping("csv")


def test_an_unknown_key_is_named_with_file_and_place(tmp_path):
    path = written(tmp_path, "tables: {opportunities: {file: a.csv, columns: {amount: {frm: x}}}}")
    with pytest.raises(MappingError, match=r"mine.yaml', key 'tables.opportunities.columns.amount"):
        load_mapping("csv", path)


def test_two_origins_of_one_column_are_refused(tmp_path):
    path = written(
        tmp_path, "tables: {opportunities: {file: a.csv, columns: {amount: {from: x, constant: y}}}}"
    )
    with pytest.raises(MappingError, match="exactly one of from"):
        load_mapping("csv", path)


def test_yaml_that_builds_objects_is_refused(tmp_path):
    path = written(tmp_path, "tables: !!python/object/apply:os.system ['true']")
    with pytest.raises(MappingError, match="is no YAML"):
        load_mapping("csv", path)


def test_a_missing_mapping_file_is_refused(tmp_path):
    with pytest.raises(MappingError, match="does not exist"):
        load_mapping("csv", tmp_path / "none.yaml")


def test_the_users_column_replaces_the_shipped_one_and_leaves_the_others(tmp_path):
    over = {"tables": {"opportunities": {"columns": {"amount": "ARR__c"}}}}
    mapping = load_mapping("salesforce", written(tmp_path, yaml.safe_dump(over)))
    columns = mapping.tables["opportunities"][0].columns
    assert columns["amount"].from_ == ["ARR__c"]
    assert columns["stage"].from_ == ["StageName", "Stage"]


def test_a_modifier_alone_changes_how_the_shipped_column_is_read(tmp_path):
    over = {"tables": {"opportunities": {"columns": {"close_date": {"order": "dmy"}}}}}
    column = (
        load_mapping("salesforce", written(tmp_path, yaml.safe_dump(over))).tables["opportunities"][0].columns
    )
    assert column["close_date"].order == "dmy"
    assert column["close_date"].from_ == ["CloseDate", "Close Date"]
