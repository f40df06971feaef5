"""Every table a company folder may hold: columns, kinds, keys, what makes a cell known (data/README.md).

``TABLES`` maps a name to its :class:`salesops_lib.core.contracts.Table`. A mutable table carries
``recorded_at``, when the company learnt the row; where the column is absent or empty the row counts as known
from the start. ``created_date``, ``submitted_at`` and the like (``exists_from``) say since when a row exists.
"""

from __future__ import annotations

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.tables import demand, operations, people, selling

TABLES: dict[str, Table] = {
    table.name: table for module in (selling, people, demand, operations) for table in module.DECLARED
}

REQUIRED: tuple[str, ...] = ("opportunities",)
"""Tables without which a folder holds no company; every other may be missing, and is then said to be."""
