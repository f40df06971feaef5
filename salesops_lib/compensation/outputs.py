"""The tables compensation hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.compensation.close.outputs import CLOSE_OUTPUTS
from salesops_lib.compensation.simulation.outputs import SIMULATION_OUTPUTS

OUTPUTS = (*SIMULATION_OUTPUTS, *CLOSE_OUTPUTS)
