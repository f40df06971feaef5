"""Makes the whole sample company and writes its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample import (
    accounts,
    calendar_fx,
    deals,
    handovers,
    history,
    people,
    pipeline,
    quotas,
    renewals,
)
from salesops_lib.inputs.sample.company_files import write_files
from salesops_lib.inputs.sample.world import world as named_world


def generate(out: Path, seed: int = 7, scale: float = 1.0, world: str = "plain") -> None:
    """Write a company folder: ``company.yaml``, ``tables/``, ``policy/``, ``ledger/``.

    ``scale`` multiplies sellers, accounts, deals and leads. The same seed, scale and world give the same
    bytes. Raises ParameterError for a scale or world that cannot be.
    """
    out = Path(out)
    write_files(out)
    for name, table in tables(seed, scale, world):
        _write(out / "tables", name, table)


def tables(seed: int = 7, scale: float = 1.0, world: str = "plain"):
    """Every table of the company, one after the other: pairs of name and DataFrame."""
    asked = named_world(seed, scale, world)
    fx = calendar_fx.rates(asked)
    sellers = people.roster(asked)
    staff = people.staff(asked, sellers)
    places = accounts.accounts(asked)
    treated = np.full(len(sellers), people.NEVER)
    base = deals.deals(asked, sellers, places, treated)
    base = renewals.renewals(asked, base, sellers, places)
    plan = quotas.seller_quotas(asked, base, sellers)
    base = quotas.gamed(asked, base, sellers, plan)
    hands = handovers.handovers(asked, base, sellers)
    log = history.history(asked, base, hands, places.region[base.account])
    won = pipeline.won_deals(base, log, fx)
    yield "fx_rates", calendar_fx.fx_rates(fx)
    yield "calendar", calendar_fx.business_hours()
    yield "accounts", places.table
    yield "reps", people.reps(asked, sellers, staff)
    yield "quotas", quotas.quotas_table(asked, sellers, staff, plan)
    yield "opportunities", pipeline.opportunities(asked, base, log, places, staff, fx)
    if asked.history:
        yield "opportunity_history", pipeline.history_table(base, log, staff, fx)
    yield "credits", pipeline.credits_table(asked, base, won, sellers, staff)


def _write(folder: Path, name: str, table: pd.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = table.copy()
    for column in text.columns:
        series = text[column]
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            text[column] = series.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif series.dtype == bool:
            text[column] = series.map({True: "true", False: "false"})
        elif series.dtype == float and (series.dropna() == series.dropna().round()).all():
            text[column] = series.astype("Int64")
    text.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
