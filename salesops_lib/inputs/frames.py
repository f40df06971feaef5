"""From an engine's table to a pandas frame in the contract's types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core.contracts import Table

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

_DTYPES = {"count": "Int64", "bool": "boolean", "date": "datetime64[ns]"}


def to_frame(table: ir.Table, contract: Table) -> pd.DataFrame:
    """All rows sorted by key; types as ``Snapshot.frame`` says."""
    arrow = table.order_by(list(contract.key)).to_pyarrow()
    kinds = {name: contract.by_name[name].kind for name in arrow.column_names if name in contract.by_name}
    return pd.DataFrame(
        {name: _series(arrow.column(name), kinds.get(name, "text")) for name in arrow.column_names}
    )


def _series(column: pa.ChunkedArray, kind: str) -> pd.Series:
    if kind == "text":
        found = column.to_pandas()
        return found.astype("object").where(found.notna(), None)
    if kind == "datetime":
        found = column.to_pandas()
        zoned = found if isinstance(found.dtype, pd.DatetimeTZDtype) else found.dt.tz_localize("UTC")
        return zoned.astype("datetime64[ns, UTC]")
    if kind == "count":
        return column.to_pandas(types_mapper=lambda _: pd.Int64Dtype()).astype("Int64")
    if kind == "bool":
        return column.to_pandas(types_mapper=lambda _: pd.BooleanDtype()).astype("boolean")
    if kind == "date":
        return column.to_pandas(date_as_object=False).astype("datetime64[ns]")
    return column.to_pandas().astype("float64")
