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
    return {{"name": "import", "ratio": {ratio}, "bound": 3.0, "seconds": 6.0, "floor_seconds": 2.0}}
"""


@pytest.mark.parametrize(
    ("ratio", "code", "said"),
    [
        (3.0, 0, "ok    import: ratio 3.00, bound 3 (seconds 6, floor_seconds 2)"),
        (3.01, 1, "SLOW  import: ratio 3.01, bound 3"),
    ],
)
def test_a_ratio_beyond_its_bound_fails_the_bench(tmp_path, ratio, code, said):
    shutil.copy(ROOT / "bench" / "run.py", tmp_path / "run.py")
    (tmp_path / "import_bench.py").write_text(BENCH.format(ratio=ratio))
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, check=False)
    assert said in done.stdout
    assert done.returncode == code
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["results"][0]["holds"] is (code == 0)
    assert kept["machine"]["cores"] >= 1


def test_a_bench_may_return_several_results_and_each_is_judged(tmp_path):
    shutil.copy(ROOT / "bench" / "run.py", tmp_path / "run.py")
    results = [
        {"name": "owa", "ratio": 0.9, "bound": 1.0, "value": 0.8, "target": 0.9},
        {"name": "msis", "ratio": 1.1, "bound": 1.0, "value": 9.9, "target": 9},
    ]
    (tmp_path / "forecast_bench.py").write_text(f"def measure():\n    return {results!r}\n")
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, check=False)
    assert "ok    owa: ratio 0.90, bound 1 (value 0.8, target 0.9)" in done.stdout
    assert "SLOW  msis: ratio 1.10, bound 1 (value 9.9, target 9)" in done.stdout
    assert done.returncode == 1
    kept = json.loads((tmp_path / "results.json").read_text())
    assert [r["holds"] for r in kept["results"]] == [True, False]
