"""What compensation measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.compensation.close.metrics import CLOSE_METRICS
from salesops_lib.compensation.simulation.metrics import SIMULATION_METRICS

METRICS = (*SIMULATION_METRICS, *CLOSE_METRICS)
