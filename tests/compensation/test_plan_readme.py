"""data/plans/README.md has every key of the language, every word a key takes, every column, every code."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from salesops_lib.compensation.engine.holders import COLUMNS
from salesops_lib.compensation.plans.faults import CODES, ROW_CODES
from salesops_lib.compensation.plans.plan import Plan, json_schema

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "data" / "plans" / "README.md").read_text(encoding="utf-8")
CODED = set(re.findall(r"`([^`\n]+)`", PAGE))


def models(annotation: Any) -> set[type[BaseModel]]:
    """A model and all models in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation} | {m for f in annotation.model_fields.values() for m in models(f.annotation)}
    return {m for inner in get_args(annotation) for m in models(inner)}


def words(annotation: Any) -> set[str]:
    """The words that a key takes."""
    if isinstance(annotation, str):
        return {annotation}
    return {w for inner in get_args(annotation) for w in words(inner)}


PARTS = sorted(models(Plan), key=lambda m: m.__name__)


@pytest.mark.parametrize("model", PARTS, ids=lambda m: m.__name__)
def test_every_key_and_word_of_the_language_is_on_the_page(model):
    keys = {field.alias or name for name, field in model.model_fields.items()}
    named = {key for text in CODED for key in re.findall(r"[a-z_0-9]+", text)}
    assert keys - named == set()
    told = {
        w for f in model.model_fields.values() for w in words(f.annotation) if re.fullmatch(r"[a-z_]+", w)
    }
    assert {word for word in told if not re.search(rf"\b{word}\b", PAGE)} == set()


def test_the_language_has_many_parts_and_a_schema_that_names_them():
    assert len(PARTS) > 30
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert {"schema", "measures", "components"} <= set(schema["properties"])
    assert {m.__name__ for m in PARTS} - {"Plan"} <= set(schema["$defs"])


def test_every_column_of_holders_is_on_the_page():
    assert {name for name in COLUMNS if f"`{name}`" not in PAGE} == set()


def test_every_code_stands_on_the_page_with_its_meaning():
    rows = dict(re.findall(r"^\| ([EWN]\d{3}) \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows == CODES | ROW_CODES


def test_a_key_the_page_lacks_would_be_found():
    assert "carry_excess" in {key for text in CODED for key in re.findall(r"[a-z_0-9]+", text)}
    assert "carry_shortfall" not in PAGE
