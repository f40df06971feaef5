"""Speed as ratios: each bench measures a command and its reference in one run on this machine.

A bench is a module ``*_bench.py`` with ``measure() -> list[dict]``: name, seconds, reference,
reference_seconds, bound (the ratio not to exceed). Results go to ``bench/results.json``; the exit code is 1
beyond a bound.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

BENCH = Path(__file__).parent
RESULTS = BENCH / "results.json"


def judged(measured: dict) -> dict:
    """A measurement with its ratio and whether it holds the bound."""
    ratio = measured["seconds"] / measured["reference_seconds"]
    return measured | {"ratio": round(ratio, 3), "holds": ratio <= measured["bound"]}


def line(result: dict) -> str:
    """One line for people: ``ok  import: 41.2 s = 2.31 × DuckDB reading and writing (17.8 s), bound 3``."""
    return (
        f"{'ok  ' if result['holds'] else 'SLOW'}  {result['name']}: {result['seconds']:.1f} s = "
        f"{result['ratio']:.2f} × {result['reference']} ({result['reference_seconds']:.1f} s), "
        f"bound {result['bound']:g}"
    )


def machine() -> dict:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def main() -> int:
    """Run every bench, print and keep the results; 1 where one is beyond its bound."""
    results = []
    for path in sorted(BENCH.glob("*_bench.py")):
        for measured in importlib.import_module(path.stem).measure():
            results.append(judged(measured))
            print(line(results[-1]), flush=True)
    kept = {"measured_at": datetime.now(UTC).date().isoformat(), "machine": machine(), "results": results}
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(r["holds"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
