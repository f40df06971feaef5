"""What imports left beside the tables: the list of imports, and the rows they repaired or left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from salesops_lib.inputs.company import CompanyError

REPORT_COLUMNS = (
    "import_at", "table", "file", "row", "row_id", "action", "reason", "column", "value", "money_base",
)  # fmt: skip


def read_imports(root: Path | None) -> list[dict[str, Any]]:
    """The list in ``import.json``. Raises CompanyError where the file is no such list."""
    path = root / "import.json" if root else None
    if path is None or not path.is_file():
        return []
    try:
        imports = json.loads(path.read_text(encoding="utf-8"))["imports"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise CompanyError(f"{path} is not what salesops import writes; restore it or import anew") from None
    return list(imports)


def read_import_report(root: Path | None) -> pd.DataFrame:
    """``import_report.csv``: one row per row repaired, dropped or not placed, all columns text."""
    path = root / "import_report.csv" if root else None
    if path is None or not path.is_file():
        return pd.DataFrame({name: pd.Series(dtype="object") for name in REPORT_COLUMNS})
    report = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    report = report.reindex(columns=list(dict.fromkeys([*REPORT_COLUMNS, *report.columns])))
    return report.astype("object").where(report.notna() & (report != ""), None)
