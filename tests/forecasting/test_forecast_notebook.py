"""The forecast's notebook itself on two real exports: which engines are off and why, what it writes.

Its cells run in this process, as Papermill would run them: same code, same bundle, no kernel.
"""

import contextlib
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from salesops_lib.forecasting import combination
from salesops_lib.forecasting.record import backtest
from salesops_lib.inputs.importing import import_export
from salesops_lib.inputs.importing.mapping import SOURCES
from salesops_lib.publish.bundle import Report

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "forecasting.ipynb"
WRITTEN = ("forecast", "backtest", "waterfall", "outlook", "engines")
COLUMNS = ["level", "node_id", "period", "engine", "quantile", "value_base"]


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A function: the tables and findings of the notebook on a company folder, charts built but not drawn.

    Three past periods at one point are tested back: enough to run through it.
    """
    monkeypatch.setattr(backtest, "PERIODS", 3)
    monkeypatch.setattr(backtest, "POINTS", (0.5,))
    monkeypatch.setattr(combination, "DRAWS_PAST", 100)
    monkeypatch.setattr(Report, "chart", lambda self, axes, *, alt: None)

    def run(folder: Path) -> tuple[dict[str, pd.DataFrame], list[dict]]:
        out = tmp_path / "bundle"
        out.mkdir()
        monkeypatch.setenv("SALESOPS_BUNDLE_DIR", str(out))
        scope = {}
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    exec("".join(cell["source"]), scope)
                    if "parameters" in cell["metadata"].get("tags", ()):
                        scope["data"] = str(folder)
        tables = {path.stem: pd.read_csv(path) for path in (out / "tables").glob("*.csv")}
        return tables, json.loads((out / "findings.json").read_text(encoding="utf-8"))

    return run


def first_period(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The engines' state in the first period forecast, by engine."""
    rows = tables["engines"]
    return rows[rows["period"] == rows["period"].iloc[0]].set_index("engine")


def checked_tables(tables: dict[str, pd.DataFrame]) -> None:
    assert set(WRITTEN) <= set(tables)
    forecast = tables["forecast"]
    assert forecast.columns.tolist() == COLUMNS and {"run_rate", "pace"} <= set(forecast["engine"])
    assert not {"pipeline", "commit"} & set(forecast["engine"])
    company = forecast[(forecast["level"] == "company") & (forecast["engine"] == "combined")]
    assert company["value_base"].notna().all() and (company["value_base"] >= 0).all()
    tested = tables["backtest"]
    assert {"run_rate", "pace", "combined"} <= set(tested["forecaster"])


def test_maven_is_forecast_by_month_and_its_engines_say_why_they_are_off(cases, tmp_path, executed):
    folder = tmp_path / "maven"
    import_export("csv", cases / "maven_crm", folder, mapping=SOURCES / "examples" / "maven_crm.yaml")
    tables, found = executed(folder)
    checked_tables(tables)
    state = first_period(tables)
    assert state["period"].iloc[0] == "FY17-M12"
    assert state["on"].to_dict() == {"run_rate": True, "pipeline": False, "commit": False, "pace": True}
    assert "no opportunity_history" in state.loc["pipeline", "reason"]
    assert "no submitted forecasts" in state.loc["commit", "reason"]
    assert any(f["code"].startswith("F-FCST") for f in found)


def test_dynamics_is_forecast_and_its_holes_are_called(cases, tmp_path, executed):
    folder = tmp_path / "coffee"
    import_export("dynamics365", cases / "d365_contoso_coffee", folder)
    tables, found = executed(folder)
    checked_tables(tables)
    state = first_period(tables)
    assert state["on"].to_dict() == {"run_rate": True, "pipeline": False, "commit": False, "pace": True}
    assert "no opportunity_history" in state.loc["pipeline", "reason"]
    hole = next(f for f in found if "HOLE" in f["code"])
    assert hole["severity"] == "ACT" and "FY25-Q3" in hole["statement"]
    company = tables["outlook"][tables["outlook"]["level"] == "company"].iloc[0]
    assert company["target_source"] in {"sum of teams", "sum of reps"}
