"""Run every notebook on the sample for one set of parameters and keep its outputs: what a reviewer compares.

`make golden` calls this and shows the difference. Pictures are left out: nbval does not compare them, and
the numbers they show stand in the tables.
"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import papermill

from salesops_lib.publish.running import kernels

GOLDEN = Path(__file__).parent
ROOT = GOLDEN.parents[1]
AS_OF = "2025-12-12"


def reviewable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what differs from run to run (times, paths, versions) and without pictures."""
    notebook.metadata = {"kernelspec": notebook.metadata.get("kernelspec", {})}
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        cell.id = f"cell-{number:02d}"
        for output in cell.get("outputs", []):
            for picture in ("image/png", "image/jpeg", "image/svg+xml"):
                output.get("data", {}).pop(picture, None)
            if "metadata" in output:
                output.metadata = {}
    return notebook


def regenerate() -> list[Path]:
    """Write one golden notebook per run file; one whose notebook is gone is removed."""
    # The brief of no reports: what stands under reports/ differs from machine to machine.
    os.environ["SALESOPS_REPORTS_DIR"] = str(GOLDEN / "no-reports")
    kernels.use_fork_server(ROOT / "notebooks")
    wanted = {GOLDEN / path.with_suffix(".ipynb").name: path for path in (ROOT / "notebooks").glob("*.yaml")}
    for stale in set(GOLDEN.glob("*.ipynb")) - set(wanted):
        stale.unlink()
    for target, run_file in sorted(wanted.items()):
        executed = papermill.execute_notebook(
            run_file.with_suffix(".ipynb"),
            None,
            parameters={"as_of": AS_OF},
            cwd=GOLDEN,
            progress_bar=False,
        )
        nbformat.write(reviewable(executed), target)
        print(target.relative_to(ROOT))
    return sorted(wanted)


if __name__ == "__main__":
    regenerate()
