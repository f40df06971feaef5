"""Playbook pages generated from what the library declares, and checks that the hand-written ones agree.

:func:`render` writes ``playbooks/reference/`` and the notebook table of the README; :func:`check` returns
the faults of all pages. Both take the playbooks folder; ``data/policy`` and ``notebooks`` lie beside it.
"""

from salesops_lib.handbook.checks import check
from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.generated import render

__all__ = ["Fault", "check", "render"]
