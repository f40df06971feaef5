"""Speed as ratios: each bench measures a command and its reference in one run on this machine.

A bench is a module ``*_bench.py`` with ``measure()``, which returns a dict or a list of them: ``name``,
``ratio``, ``bound`` (not to be exceeded) and what is behind the ratio, seconds or a ``value`` and its
``target``. Results go to ``bench/results.json``; the exit code is 1 beyond a bound.
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


def line(result: dict) -> str:
    """One line for people: ``ok    import: ratio 2.31, bound 3 (seconds 41.2, floor_seconds 17.8)``."""
    behind = ", ".join(
        f"{k} {v:g}" if isinstance(v, int | float) else f"{k} {v}"
        for k, v in result.items()
        if k.endswith("seconds") or k in {"value", "target"}
    )
    holds = "ok  " if result["holds"] else "SLOW"
    return f"{holds}  {result['name']}: ratio {result['ratio']:.2f}, bound {result['bound']:g} ({behind})"


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
        measured = importlib.import_module(path.stem).measure()
        for result in measured if isinstance(measured, list) else [measured]:
            results.append(result | {"holds": result["ratio"] <= result["bound"]})
            print(line(results[-1]), flush=True)
    kept = {"measured_at": datetime.now(UTC).date().isoformat(), "machine": machine(), "results": results}
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(r["holds"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
