"""`make bench` judges ratios: beyond a bound it says so and exits 1."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCH = """
def measure():
    reference = {{"reference": "DuckDB", "reference_seconds": 2.0, "bound": 3}}
    return [{{"name": "import", "seconds": {seconds}, **reference}}]
"""


@pytest.mark.parametrize(
    ("seconds", "code", "said"),
    [
        (6.0, 0, "ok    import: 6.0 s = 3.00 × DuckDB (2.0 s), bound 3"),
        (6.1, 1, "SLOW  import: 6.1 s = 3.05"),
    ],
)
def test_a_ratio_beyond_its_bound_fails_the_bench(tmp_path, seconds, code, said):
    shutil.copy(ROOT / "bench" / "run.py", tmp_path / "run.py")
    (tmp_path / "import_bench.py").write_text(BENCH.format(seconds=seconds))
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, check=False)
    assert said in done.stdout
    assert done.returncode == code
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["results"][0]["holds"] is (code == 0)
    assert kept["machine"]["cores"] >= 1
