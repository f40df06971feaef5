"""Parameters are read from the cell and refused before a kernel starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops_lib.core.errors import ParameterError
from salesops_lib.publish.parameters import NAME, read_parameters

CELL = """\
period: str = ""  # fiscal period, FY26-Q4
as_of: str = ""  # read the data as known on this day
data: str = ""  # company folder
seed: int = 7  # for resampling
"""


def notebook(cell: str = CELL, tags=("parameters",)) -> dict:
    return {"cells": [{"cell_type": "code", "metadata": {"tags": list(tags)}, "source": cell}]}


def parameters(cell: str = CELL):
    return read_parameters(notebook(cell), "attainment")


def test_a_cell_gives_names_types_defaults_and_help_in_its_order():
    read = parameters()
    assert read.names == ["period", "as_of", "data", "seed"]
    assert [(p.kind, p.default, p.help) for p in read.declared][::3] == [
        ("str", "", "fiscal period, FY26-Q4"),
        ("int", 7, "for resampling"),
    ]


def test_an_unknown_name_is_refused_with_the_nearest_right_one():
    # The line of STYLE.md.
    with pytest.raises(ParameterError) as fault:
        parameters().from_text({"perod": "FY26-Q4"})
    assert str(fault.value) == (
        "notebook 'attainment' has no parameter 'perod'. Did you mean 'period'? "
        "It takes: period, as_of, data, seed."
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "007", "007"),
        ("str", "NO", "NO"),
        ("str", "1e5", "1e5"),
        ("str", "None", "None"),
        ("str", "", ""),
        ("int", "42", 42),
        ("int", "-3", -3),
        ("float", "1e5", 100000.0),
        ("float", "3", 3.0),
        ("bool", "no", False),
        ("bool", "TRUE", True),
        ("list[str]", "EMEA, AMER", ["EMEA", "AMER"]),
        ("list[str]", "", []),
        ("Literal['won', 'lost']", "lost", "lost"),
        ("Literal[1, 2]", "2", 2),
        ("int | None", "null", None),
        ("int | None", "5", 5),
    ],
)
def test_text_is_read_by_the_declared_type(kind, text, value):
    default = {"s": "''", "i": "0", "f": "0.0", "b": "False", "l": "[]"}.get(kind[0]) or (
        "'won'" if "won" in kind else "1"
    )
    read = parameters(f"x: {kind} = {default}  # any").from_text({"x": text})
    assert read == {"x": value}
    assert type(read["x"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int = 0", "1.5"),
        ("int = 0", "1_000"),
        ("int = 0", ""),
        ("int = 0", "True"),
        ("float = 0.0", "nan"),
        ("float = 0.0", "inf"),
        ("float = 0.0", "1_0.5"),
        ("bool = False", "1"),
        ("bool = False", "maybe"),
        ("Literal['won', 'lost'] = 'won'", "draw"),
        ("int | None = None", "None"),
    ],
)
def test_text_that_is_not_of_the_type_is_refused(kind, text):
    with pytest.raises(ParameterError, match=r"notebook 'attainment', parameter 'x': .* is not"):
        parameters(f"x: {kind}  # any").from_text({"x": text})


@pytest.mark.parametrize(
    ("kind", "value"),
    [("str", 7), ("str", False), ("int", "7"), ("int", True), ("int", 1.0), ("bool", 0), ("float", "1")],
)
def test_a_typed_value_of_a_run_file_is_never_coerced(kind, value):
    default = {"str": "''", "int": "0", "bool": "False", "float": "0.0"}[kind]
    with pytest.raises(ParameterError, match="parameter 'x'"):
        parameters(f"x: {kind} = {default}  # any").checked({"x": value})


@pytest.mark.parametrize(
    "name",
    ["x=1\nimport os", "x; import os", "X", "1x", "", "x y", "__import__('os')", "é", "a-b", "x\0"],
)
def test_a_hostile_name_is_refused(name):
    with pytest.raises(ParameterError, match=r"is no parameter name|has no parameter"):
        parameters().checked({name: "1"})


@given(st.text(max_size=30))
def test_no_undeclared_name_passes(name):
    read = parameters()
    if name not in read.names:
        with pytest.raises(ParameterError, match="attainment"):
            read.from_text({name: "1"})
    assert bool(NAME.fullmatch(name)) <= name.isidentifier()


@given(st.text(max_size=60))
def test_a_text_value_passes_unchanged_or_is_refused(text):
    try:
        assert parameters().from_text({"data": text}) == {"data": text}
    except ParameterError:
        assert any(ord(c) < 32 or ord(c) == 127 for c in text)


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "x" * 2001])
def test_control_characters_and_overlong_texts_are_refused(text):
    with pytest.raises(ParameterError, match="control characters"):
        parameters().from_text({"period": text})


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("seed = 7", "write an annotated literal"),
        ("seed: int", "write an annotated literal"),
        ("import os", "write an annotated literal"),
        ("seed: int = len('x')", "is no literal"),
        ("seed: dict = {}", "'dict' is no parameter type"),
        ("seed: list[int] = []", "is no parameter type"),
        ("Seed: int = 7", "'Seed' is no parameter name"),
        ("seed: int = 7\nseed: int = 8", "'seed' stands twice"),
        ("seed: int = '7'", "parameter 'seed': '7' is not int"),
        ("seed: int = (", "not Python"),
        ("%load_ext x", "not Python"),
    ],
)
def test_a_cell_of_anything_but_annotated_literals_is_refused(cell, said):
    with pytest.raises(ParameterError, match=said):
        parameters(cell)


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_cell_carries_the_tag(count):
    with pytest.raises(ParameterError, match=f"has {count} cells tagged 'parameters'"):
        read_parameters({"cells": notebook()["cells"] * count}, "attainment")


@pytest.mark.parametrize("text", ["FY26-Q9", "spring", "2025-12"])
def test_what_is_no_fiscal_period_is_refused_before_a_kernel_starts(text):
    with pytest.raises(ParameterError, match=f"'{text}' is not a period; write FY26, FY26-Q2 or FY26-M05"):
        parameters().from_text({"period": text})
    assert parameters().from_text({"period": ""}) == {"period": ""}
