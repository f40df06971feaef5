"""A notebook argues and the library computes: its form, cell by cell."""

import ast
import json
import re
from pathlib import Path

import pytest

import salesops_lib

NOTEBOOKS = Path(salesops_lib.__file__).parents[1] / "notebooks"
MAY_IMPORT = {"core", "inputs", "publish.bundle"}
SHARED = {"core", "inputs", "publish", "handbook", "cli"}


def source(cell: dict) -> str:
    return "".join(cell["source"])


def notebook_faults(notebook: dict) -> list[str]:
    cells = notebook["cells"]
    faults = opening_faults(cells) + order_faults(cells)
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            faults += [f"cell {number}: {fault}" for fault in code_faults(cell)]
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    if len(tagged) != 1:
        faults.append(f"{len(tagged)} cells are tagged 'parameters'")
    else:
        faults += [f"parameters: {fault}" for fault in parameter_faults(source(tagged[0]))]
    return faults


def opening_faults(cells: list[dict]) -> list[str]:
    first = source(cells[0])
    faults = []
    if cells[0]["cell_type"] != "markdown" or not first.startswith("# "):
        faults.append("the first cell is no Markdown title")
    for word, wanted in (
        ("question", r"\?"),
        ("reader", r"\b(Reader|For)\b"),
        ("cadence", r"(?i)cadence|every|month|week|quarter|day"),
    ):
        if not re.search(wanted, first):
            faults.append(f"the first cell does not say the {word}")
    if not re.search(r"playbooks/[\w/-]+\.md", first):
        faults.append("the first cell does not link its playbook")
    if "parameters" not in cells[1]["metadata"].get("tags", []):
        faults.append("the second cell is not the parameters")
    if cells[2]["cell_type"] != "code" or not re.search(r"^(import|from) ", source(cells[2]), re.MULTILINE):
        faults.append("the third cell is not the imports")
    return faults


def order_faults(cells: list[dict]) -> list[str]:
    headings = [
        line[3:].strip()
        for cell in cells
        if cell["cell_type"] == "markdown"
        for line in source(cell).split("\n")
        if line.startswith("## ")
    ]
    if len(headings) >= 4 and headings[0] == "Data" and headings[-2:] == ["Findings", "Limits"]:
        return []
    return [f"sections are {headings}; want Data, one per question, Findings, Limits"]


def code_faults(cell: dict) -> list[str]:
    text = source(cell)
    faults = []
    if cell["outputs"] or cell["execution_count"] is not None:
        faults.append("has outputs; run nbstripout")
    if len(text.strip().split("\n")) >= 20:
        faults.append("has 20 lines or more; move the work into the library")
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            faults.append("defines a function or class; move it into the library")
        if isinstance(node, ast.Attribute) and node.attr in {"filterwarnings", "simplefilter"}:
            faults.append("silences warnings")
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}:
            faults.append("reads the clock; as_of is a parameter")
        faults += import_faults(node)
    return faults


def import_faults(node: ast.AST) -> list[str]:
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    faults = []
    for name in names:
        top, _, rest = name.partition(".")
        package = rest.split(".")[0]
        allowed = any(rest == m or rest.startswith(f"{m}.") for m in MAY_IMPORT)
        if top == "salesops_lib" and package in SHARED and not allowed:
            faults.append(
                f"imports {name}; of the library a notebook takes core, inputs, publish.bundle, domains"
            )
        if top in {"papermill", "matplotlib", "seaborn"}:
            faults.append(f"imports {top}; charts and runs are the library's")
    return faults


def parameter_faults(text: str) -> list[str]:
    faults = []
    lines = text.split("\n")
    for node in ast.parse(text).body:
        line = lines[node.lineno - 1]
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            faults.append(f"'{line}' is not 'name: type = literal'")
            continue
        try:
            value = ast.literal_eval(node.value)
        except (ValueError, TypeError):
            faults.append(f"'{line}' is no literal")
            continue
        if ast.unparse(node.annotation) != type(value).__name__:
            faults.append(f"'{line}' holds a {type(value).__name__}")
        if not re.search(r"#\s*\S+", line[node.end_col_offset :]):
            faults.append(f"'{line}' has no comment that says what it is")
    return faults


def notebook(**changed) -> dict:
    """The smallest notebook that follows the rules; ``changed`` replaces cells by name."""
    texts = {
        "title": "# Churn\n\nWho leaves?\n\nReader: head of sales. Cadence: monthly.\n"
        "[Playbook](../playbooks/how-to/analytics/review-churn.md)",
        "parameters": "as_of: str = ''  # as known on this day\nseed: int = 7  # for resampling",
        "imports": "from salesops_lib import inputs\nfrom salesops_lib.publish import bundle",
        "data": "## Data",
        "load": "snapshot = inputs.open_snapshot(as_of=as_of)",
        "question": "## Who leaves first?",
        "answer": "churn.by_segment(snapshot.frame('contracts'))",
        "findings": "## Findings",
        "limits": "## Limits",
    } | changed
    markdown = {"title", "data", "question", "findings", "limits"}
    cells = []
    for name, text in texts.items():
        if name in markdown:
            cells.append({"cell_type": "markdown", "metadata": {}, "source": text})
        else:
            tags = {"tags": ["parameters"]} if name == "parameters" else {}
            cells.append(
                {
                    "cell_type": "code",
                    "metadata": tags,
                    "source": text,
                    "outputs": [],
                    "execution_count": None,
                }
            )
    return {"cells": cells}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_stored_notebook_follows_the_rules(path):
    assert notebook_faults(json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_has_its_run_file(path):
    assert path.with_suffix(".yaml").is_file()


def test_the_smallest_good_notebook_passes():
    assert notebook_faults(notebook()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": "Churn"}, "no Markdown title"),
        ({"title": "# Churn\n\nReader: x. Cadence: monthly. playbooks/a.md"}, "the question"),
        ({"title": "# Churn\n\nWho leaves? Reader: x. Cadence: monthly."}, "link its playbook"),
        ({"parameters": "seed = 7  # for resampling"}, "not 'name: type = literal'"),
        ({"parameters": "seed: int = 7"}, "no comment"),
        ({"parameters": "seed: str = 7  # for resampling"}, "holds a int"),
        ({"parameters": "day: str = str(1)  # a day"}, "no literal"),
        ({"imports": "snapshot = 1"}, "third cell is not the imports"),
        ({"imports": "from salesops_lib.publish import run"}, "imports salesops_lib.publish.run"),
        ({"imports": "import papermill"}, "imports papermill"),
        ({"load": "def load():\n    return 1"}, "defines a function"),
        ({"load": "class Load:\n    x = 1"}, "defines a function or class"),
        ({"load": "rows = (lambda: 1)()"}, "defines a function"),
        ({"load": "import warnings\nwarnings.filterwarnings('ignore')"}, "silences warnings"),
        ({"load": "import datetime\nday = datetime.datetime.now()"}, "reads the clock"),
        ({"load": "\n".join(f"a{i} = {i}" for i in range(20))}, "20 lines or more"),
        ({"data": "## Numbers"}, "sections are"),
        ({"limits": "## Caveats"}, "sections are"),
    ],
)
def test_a_broken_notebook_is_found(changed, said):
    assert said in "; ".join(notebook_faults(notebook(**changed)))


def test_a_notebook_stored_with_outputs_is_found():
    kept = notebook()
    kept["cells"][4] |= {"outputs": [{"output_type": "stream"}], "execution_count": 1}
    assert "run nbstripout" in "; ".join(notebook_faults(kept))
