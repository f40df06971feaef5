"""Makes the whole sample company and writes its folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample import (
    accounts,
    calendar_fx,
    calls,
    coverage,
    deals,
    handovers,
    history,
    leads,
    money_tables,
    operations,
    people,
    pipeline,
    quotas,
    renewals,
    tools_training,
)
from salesops_lib.inputs.sample.company_files import write_files
from salesops_lib.inputs.sample.world import World
from salesops_lib.inputs.sample.world import world as named_world
from salesops_lib.inputs.writing import write_table


def generate(out: Path, seed: int = 7, scale: float = 1.0, world: str = "plain") -> None:
    """Write a company folder: ``company.yaml``, ``tables/``, ``policy/``, ``ledger/``.

    ``scale`` multiplies sellers, accounts, deals and leads. The same seed, scale and world give the same
    bytes. Raises ParameterError for a scale or world that cannot be.
    """
    out = Path(out)
    write_files(out)
    for name, table in tables(seed, scale, world):
        write_table(out, name, table)


def tables(seed: int = 7, scale: float = 1.0, world: str = "plain") -> Iterator[tuple[str, pd.DataFrame]]:
    """Every table of the company, one after the other: pairs of name and DataFrame."""
    made = simulated(named_world(seed, scale, world))
    yield from _reference_tables(made)
    yield from _deal_tables(made)
    yield from _lead_tables(made)
    yield from _tool_tables(made)


@dataclass(frozen=True)
class Company:
    """Everything simulated, before it is written down."""

    world: World
    fx: np.ndarray
    sellers: people.Roster
    staff: people.Staff
    places: accounts.Accounts
    plan: quotas.SellerQuotas
    deals: deals.Deals
    hands: handovers.Handovers
    log: history.History
    won: pipeline.Won
    booked: np.ndarray  # seller x quarter, USD at plan rates, with what closes after LAST_DAY


def simulated(asked: World) -> Company:
    """Simulate a company from people to closings."""
    fx = calendar_fx.rates(asked)
    sellers = people.roster(asked)
    places = accounts.accounts(asked)
    base = deals.deals(asked, sellers, places, tools_training.treated_from(asked, sellers))
    base = renewals.renewals(asked, base, sellers, places)
    plan = quotas.seller_quotas(asked, base, sellers)
    base = quotas.gamed(asked, base, sellers, plan)
    hands = handovers.handovers(asked, base, sellers)
    log = history.history(asked, base, hands, places.region[base.account])
    won = pipeline.won_deals(base, log, fx)
    booked = quotas.bookings(base, len(sellers))
    staff = people.staff(asked, sellers)
    return Company(asked, fx, sellers, staff, places, plan, base, hands, log, won, booked)


def _reference_tables(made: Company) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "fx_rates", calendar_fx.fx_rates(made.fx)
    yield "calendar", calendar_fx.business_hours()
    yield "accounts", made.places.table
    reps = people.reps(made.world, made.sellers, made.staff)
    yield "reps", reps
    yield "plan_assignments", coverage.plan_assignments(reps, made.sellers, made.staff)
    held = coverage.territory_assignments(made.world, made.places, made.sellers, made.staff)
    yield "territory_assignments", held
    known = coverage.contacts(made.world, made.places)
    yield "contacts", known
    yield "relationships", coverage.relationships(made.world, known, held)
    yield "quotas", quotas.quotas_table(made.world, made.sellers, made.staff, made.plan)
    yield "work_items", operations.work_items(made.world)


def _deal_tables(made: Company) -> Iterator[tuple[str, pd.DataFrame]]:
    yield (
        "opportunities",
        pipeline.opportunities(made.world, made.deals, made.log, made.places, made.staff, made.fx),
    )
    if made.world.history:
        yield "opportunity_history", pipeline.history_table(made.deals, made.log, made.staff, made.fx)
    yield "credits", pipeline.credits_table(made.world, made.deals, made.won, made.sellers, made.staff)
    yield "line_items", money_tables.line_items(made.world, made.deals, made.log, made.sellers, made.staff)
    terms = money_tables.contracts(made.world, made.deals, made.log, made.won, made.places.ids)
    yield "contracts", terms
    region = made.places.region[made.deals.account]
    yield "invoices", money_tables.invoices(made.world, made.deals, made.won, region, made.fx)
    account = np.array([int(a[1:]) - 1 for a in terms["account_id"]])
    managed = renewals.account_managers(made.sellers, made.places)[account]
    yield "measure_events", calls.measure_events(made.world, made.sellers, made.staff, terms, managed)
    yield (
        "forecast_submissions",
        calls.forecast_submissions(made.world, made.sellers, made.staff, made.booked),
    )


def _lead_tables(made: Company) -> Iterator[tuple[str, pd.DataFrame]]:
    region = made.places.region[made.deals.account]
    found = leads.leads(made.world, made.deals, made.log, region)
    table = leads.leads_table(made.world, found, made.deals, made.log, made.staff)
    yield "leads", table
    yield "lead_owners", leads.lead_owners(made.world, found, made.staff, table)
    yield "campaign_costs", leads.campaign_costs(made.world, found)
    touches = operations.activities(made.world, made.deals, made.hands, made.places, made.staff, table)
    yield "activities", touches


def _tool_tables(made: Company) -> Iterator[tuple[str, pd.DataFrame]]:
    weak = tools_training.trainees(made.booked, made.plan, made.sellers)
    yield "tools", tools_training.tools(made.world)
    yield "tool_capabilities", tools_training.tool_capabilities()
    yield "tool_seats", tools_training.tool_seats(made.world, made.sellers, made.staff)
    yield "tool_usage", tools_training.tool_usage(made.world, made.sellers, made.staff)
    yield "rollouts", tools_training.rollouts(made.world, made.sellers, made.staff, weak)
    yield "training_programs", tools_training.training_programs(made.world)
    yield "training_records", tools_training.training_records(made.world, made.sellers, made.staff, weak)
