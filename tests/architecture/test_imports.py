"""Who may import whom, and who may touch files, the clock, the environment and chance."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import salesops_lib

LIBRARY = Path(salesops_lib.__file__).parent
NOTEBOOKS = LIBRARY.parent / "notebooks"
SHARED = {"core", "inputs", "publish", "handbook"}
PLOTTING = {"matplotlib", "seaborn"}
HEAVY = ("pandas", "numpy", "papermill", "ibis", "duckdb", "matplotlib", "nbformat", "pandera")


def package_of(module: Path, library: Path) -> str:
    parts = module.relative_to(library).parts
    if len(parts) > 1:
        return parts[0]
    return "cli" if parts[0] in {"cli.py", "__main__.py"} else ""


def allowed(module: Path, library: Path) -> set[str]:
    package = package_of(module, library)
    if package == "cli":
        return SHARED | {"cli"}
    if package in {"core", ""}:
        return {package}
    is_command = package not in SHARED and module.name == "commands.py"
    return {package, "core"} | ({"inputs"} if is_command else set())


def imported(tree: ast.AST, module: Path, library: Path):
    """Yield (line, dotted name) of every import, relative ones resolved, wherever it stands."""
    folder = ("salesops_lib", *module.relative_to(library).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(folder[: len(folder) + 1 - node.level]) if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            bare = source == "salesops_lib"
            yield from ((node.lineno, f"{source}.{alias.name}" if bare else source) for alias in node.names)


def import_faults(library: Path) -> list[str]:
    faults = []
    packages = {p.name for p in library.iterdir() if p.is_dir()} | {"cli"}
    for module in sorted(library.rglob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        package = package_of(module, library)
        where = module.relative_to(library)
        for line, name in imported(tree, module, library):
            top, *rest = name.split(".")
            if top == "salesops_lib" and rest and rest[0] in packages - allowed(module, library):
                faults.append(f"{where}:{line} imports {name}")
            if top in PLOTTING and module.name != "charts.py":
                faults.append(f"{where}:{line} imports {top}; only charts.py may")
            if top == "papermill" and package != "publish":
                faults.append(f"{where}:{line} imports papermill; only publish/ may")
    return faults


IMPURE = {
    "open", "read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "unlink", "glob", "rglob",
    "read_csv", "read_parquet", "read_excel", "to_csv", "to_parquet", "to_excel", "to_pickle", "read_pickle",
    "today", "now", "utcnow", "getenv", "urlopen",
}  # fmt: skip
IMPURE_NAMES = {("os", "environ"), ("time", "time"), ("uuid", "uuid4")}
LEGACY_CHANCE = {"seed", "rand", "randn", "randint", "choice", "shuffle", "normal", "uniform", "permutation"}


def impurity(node: ast.AST) -> str | None:
    """Name what a node does that only inputs/ and publish/ may do."""
    if isinstance(node, ast.Attribute) and (getattr(node.value, "id", ""), node.attr) in IMPURE_NAMES:
        return ast.unparse(node)
    if not isinstance(node, ast.Call):
        return None
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in IMPURE:
        return f"{name}()"
    if name == "default_rng" and not node.args and not node.keywords:
        return "default_rng() without a seed"
    if name in LEGACY_CHANCE and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        if isinstance(owner, ast.Attribute) and owner.attr == "random":
            return f"random.{name}()"
    return None


def purity_faults(library: Path) -> list[str]:
    faults = []
    for module in sorted(library.rglob("*.py")):
        package = package_of(module, library)
        if package in {"inputs", "publish", "handbook", "cli"}:
            continue
        tree = ast.parse(module.read_text(encoding="utf-8"))
        chance = [line for line, name in imported(tree, module, library) if name == "random"]
        faults += [
            f"{module.relative_to(library)}:{line} imports random; pass a seed to numpy" for line in chance
        ]
        for node in ast.walk(tree):
            if found := impurity(node):
                faults.append(f"{module.relative_to(library)}:{node.lineno} {found}")
    return faults


def plant(tmp_path: Path, path: str, code: str) -> Path:
    for folder in ("core", "inputs", "publish", "handbook", "churn", "attainment"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / path).write_text(code, encoding="utf-8")
    return tmp_path


def test_every_import_follows_the_rules():
    assert import_faults(LIBRARY) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("core/money.py", "from salesops_lib.inputs import tables\n"),
        ("core/money.py", "from salesops_lib import attainment\n"),
        ("core/money.py", "def f():\n    from ..inputs import tables\n"),
        ("inputs/load.py", "import salesops_lib.attainment.share\n"),
        ("publish/run.py", "from salesops_lib.inputs import company\n"),
        ("handbook/checks.py", "from salesops_lib.attainment.findings import RULES\n"),
        ("churn/survival.py", "from salesops_lib.attainment import share\n"),
        ("churn/survival.py", "from salesops_lib.inputs import load\n"),
        ("churn/commands.py", "from salesops_lib.publish import bundle\n"),
        ("cli.py", "from salesops_lib.churn import commands\n"),
        ("churn/survival.py", "import matplotlib.pyplot as plt\n"),
        ("core/stats.py", "from seaborn import histplot\n"),
        ("churn/charts.py", "import papermill\n"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, path, code):
    assert len(import_faults(plant(tmp_path, path, code))) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("churn/survival.py", "from salesops_lib.core.findings import Rule\nfrom . import hazard\n"),
        ("churn/commands.py", "from salesops_lib import inputs\nfrom salesops_lib.churn import survival\n"),
        ("churn/charts.py", "import matplotlib.pyplot as plt\nimport seaborn as sns\n"),
        ("publish/run.py", "import papermill\n"),
        ("cli.py", "from salesops_lib import __version__, handbook, inputs\n"),
        ("handbook/registry.py", "import importlib\nimport salesops_lib\n"),
    ],
)
def test_a_new_domain_that_follows_the_rules_passes(tmp_path, path, code):
    assert import_faults(plant(tmp_path, path, code)) == []


def test_core_and_domains_touch_no_file_clock_environment_or_chance():
    assert purity_faults(LIBRARY) == []


@pytest.mark.parametrize(
    "code",
    [
        "from pathlib import Path\nrows = Path('x').read_text()\n",
        "import pandas as pd\nrows = pd.read_csv('x')\n",
        "from datetime import date\nday = date.today()\n",
        "from datetime import datetime\nat = datetime.now()\n",
        "import os\nhome = os.environ['HOME']\n",
        "import numpy as np\nrng = np.random.default_rng()\n",
        "import numpy as np\nnp.random.seed(7)\n",
        "import random\nx = random.random()\n",
    ],
)
def test_a_domain_that_touches_the_world_is_found(tmp_path, code):
    assert len(purity_faults(plant(tmp_path, "churn/survival.py", code))) == 1


def test_seeded_chance_in_a_domain_passes(tmp_path):
    code = "import numpy as np\nrng = np.random.default_rng(7)\nx = rng.normal(size=3)\n"
    assert purity_faults(plant(tmp_path, "churn/survival.py", code)) == []


def test_the_command_line_imports_nothing_heavy():
    loaded = "{m.split('.')[0] for m in sys.modules}"
    code = f"import sys, salesops_lib.cli; print(*sorted({loaded} & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
