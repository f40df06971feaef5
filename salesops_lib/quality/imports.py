"""What each import did: rows in, out, repaired, dropped, unplaced, with reasons and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

LOST = ("dropped", "unplaced")
"""Actions that leave a row out; ``repaired`` rows are in, ``absent`` and ``ambiguous`` ones are a warning."""


@dataclass(frozen=True)
class Loss:
    """The last import: rows in, rows lost, their money (None where no lost row names any), its time."""

    rows_in: int
    lost: int
    money_base: float | None
    import_at: str

    @property
    def share(self) -> float | None:
        """Rows lost over rows in; undefined without a row."""
        return self.lost / self.rows_in if self.rows_in else None


def runs(imports: Sequence[Mapping], report: pd.DataFrame) -> pd.DataFrame:
    """One row per import in time order: ``import_at, source, rows_in, rows_out, reported`` and per action.

    ``imports`` is the log of import.json, ``report`` import_report.csv with ``import_at, action,
    money_base``. ``lost_share`` is missing where no row came in.
    """
    actions = _per_import(report)
    rows = []
    for entry in sorted(imports, key=lambda e: str(e["at"])):
        counted = actions.get(str(entry["at"]), {})
        rows_in = int(entry.get("rows_in", 0))
        lost = sum(counted.get(a, 0) for a in LOST)
        rows.append(
            {
                "import_at": str(entry["at"]),
                "source": str(entry.get("source", "")),
                "rows_in": rows_in,
                "rows_out": int(entry.get("rows_out", 0)),
                "reported": int(entry.get("reported", 0)),
                "repaired": counted.get("repaired", 0),
                "lost": lost,
                "lost_share": lost / rows_in if rows_in else None,
            }
        )
    columns = ["import_at", "source", "rows_in", "rows_out", "reported", "repaired", "lost", "lost_share"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"lost_share": "float64"})


def reasons(report: pd.DataFrame) -> pd.DataFrame:
    """Reported rows by import, table, action and reason: ``rows`` and ``money_base``, most money first.

    A row may be reported for several columns: it counts once per reason. Money is missing where no row of
    the group names any.
    """
    by = ["import_at", "table", "action", "reason"]
    columns = [*by, "rows", "money_base"]
    if report.empty:
        return pd.DataFrame(columns=columns).astype({"rows": "int64", "money_base": "float64"})
    once = _once(report, by)
    grouped = once.groupby(by, dropna=False)["money_base"]
    frame = grouped.agg(rows="size", money_base=lambda m: m.sum(min_count=1)).reset_index()
    frame["import_at"] = frame["import_at"].astype(str)
    order = ["import_at", "money_base", "rows"]
    return frame.sort_values(order, ascending=[True, False, False], kind="stable", ignore_index=True)[columns]


def losses(imports: Sequence[Mapping], report: pd.DataFrame) -> Loss | None:
    """The loss of the last import, each row counted once; None where the folder was not imported."""
    if not imports:
        return None
    last = max(imports, key=lambda e: str(e["at"]))
    mine = report[(report["import_at"].astype(str) == str(last["at"])) & report["action"].isin(LOST)]
    once = _once(mine, [])
    money = once["money_base"].sum(min_count=1) if len(once) else 0.0
    return Loss(
        int(last.get("rows_in", 0)), len(once), None if pd.isna(money) else float(money), str(last["at"])
    )


def _once(report: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    money = pd.to_numeric(report["money_base"], errors="coerce").astype("float64")
    keys = list(dict.fromkeys([*by, "file", "row"]))
    return report.assign(money_base=money).sort_values("money_base").drop_duplicates(keys)


def _per_import(report: pd.DataFrame) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    if report.empty:
        return counted
    rows = report.assign(import_at=report["import_at"].astype(str))
    rows = rows.drop_duplicates(["import_at", "file", "row", "action"])
    for (at, action), size in rows.groupby(["import_at", "action"]).size().items():
        counted.setdefault(at, {})[str(action)] = int(size)
    return counted
