"""The planted pipeline for every test of the folder that asks for it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from salesops_lib import inputs
from salesops_lib.forecasting.deals.known import DealLog, deal_log


@pytest.fixture(scope="session")
def planted() -> ModuleType:
    """``planted_pipeline``: worlds with a known truth, drawn deal by deal."""
    name = "tests_forecasting_planted_pipeline"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("planted_pipeline.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample_log(sample) -> tuple[inputs.load.Snapshot, DealLog]:
    """The sample company's snapshot and its deals as known on each day, read once for all tests."""
    now = inputs.open_snapshot(sample)
    frames = (now.frame("opportunities"), now.frame("opportunity_history"), now.stages())
    versions = now.versions("opportunities")
    where = {"as_of": now.as_of, "zone": now.company.zone, "calendar": now.company.calendar}
    made = deal_log(*frames, versions=versions, **where)
    return now, made
