"""What is planted in the sample company, with units. Read by tests, never by a notebook or an estimator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Truth:
    """Planted constants of the ``plain`` world. Order of triples: SMB, Mid-market, Enterprise."""

    # Deals
    win_share: tuple[float, ...] = (0.31, 0.29, 0.27)  # share won of all created, before the effects below
    days_to_win: tuple[float, ...] = (38.0, 68.0, 115.0)  # median, days from creation
    days_to_loss: tuple[float, ...] = (20.0, 36.0, 66.0)  # median, days: losses come earlier than wins
    skill_log_odds: float = 0.22  # log-odds per standard deviation of a seller's skill
    referral_log_odds: float = 0.55  # deals that came by referral are won more often
    tool_log_odds: float = 0.35  # Conversation Intelligence, from the seller's rollout day on
    zombie_share: float = 0.04  # of the losses: stay open 420 days longer
    creation_season: tuple[float, ...] = (0.92, 1.02, 1.12, 0.94)  # factor on deals created, Q1 to Q4
    win_season_log_odds: tuple[float, ...] = (-0.12, 0.0, -0.04, 0.18)  # by quarter of the natural close
    quarter_end_share: tuple[float, ...] = (0.40, 0.50, 0.60)  # wins moved to a quarter's last days
    yearly_growth: float = 0.06  # deals created, per year
    price_growth: float = 0.05  # amounts, per year
    renewal_share: float = 0.88  # of contracts that come up
    renewal_uplift: float = 0.04  # on 88 % of the renewals; the others shrink to 80 %
    # History
    dwell_weight: tuple[float, ...] = (
        0.7,
        0.9,
        1.0,
        2.0,
        1.1,
    )  # of the open stages: Proposal is the bottleneck
    skip_share: float = 0.10  # each later stage is skipped; harmless to the outcome
    back_step_share: float = 0.14  # of the deals that reach Proposal; harmless to the outcome
    reopened_share: float = 0.015  # closed as lost, then opened again
    amount_change_share: float = 0.35
    sloppy_push_share: float = 0.45  # pushes entered up to 25 days after the promised day
    bulk_update_day: int = 20045  # 2024-11-18: a tenth of the changes that week are one update
    # Blank fields and credits
    blank_source_share: float = 0.05  # of deals, lead_source
    blank_next_step_share: float = 0.22  # of deals, next_step while open
    blank_loss_reason_share: float = 0.15  # of lost deals
    split_share: float = 0.09  # of new and expansion wins: halves with a colleague
    restated_credit_share: float = 0.012  # of them: split only 20 to 50 days after closing
    overlay_share: float = 0.6  # of wins above SMB: the region's engineer, 100 % overlay
    # Leads. Order: Web, Paid search, Event, Referral, Partner; quality A, B, C
    lead_conversion: tuple[float, ...] = (0.17, 0.10, 0.16, 0.38, 0.27)  # leads that ever become a deal
    lead_quality_converted: tuple[float, ...] = (0.46, 0.42, 0.12)
    lead_quality_other: tuple[float, ...] = (0.14, 0.40, 0.46)
    response_minutes: tuple[float, ...] = (14.0, 60.0, 210.0)  # median working minutes to the first attempt
    speed_log_odds: float = 0.0  # of the response time on conversion, given the quality
    never_touched_share: float = 0.07  # of leads that do not convert
    # leads that do not convert and pass to another SDR; order AMER, EMEA, APAC
    reassigned_share: tuple[float, ...] = (0.04, 0.16, 0.06)
    reassigned_log_odds: float = -0.6  # of converting, for those passed on, within a region
    reassigned_days: float = 1.5  # median from the first owner to the next; at most five
    late_field: str = "tag"  # written after the outcome: it gives the outcome away
    cost_per_lead: tuple[float, ...] = (55.0, 1900.0, 310.0, 20.0, 90.0)  # USD
    # Prices and payment
    discount_mean: tuple[float, ...] = (0.06, 0.11, 0.17)  # share off list
    quarter_end_discount: float = 0.06  # more in a quarter's last 14 days
    discount_limit: float = 0.20  # above it a manager must approve
    unapproved_share: float = 0.04  # of the lines above it have no approval
    days_late: tuple[float, ...] = (2.0, 14.0, 5.0)  # mean days paid after due: AMER, EMEA, APAC
    unpaid_share: float = 0.015
    # People
    pay_rise: float = 0.03  # per fiscal year
    tie_half_life_days: float = 180.0
    # bias of a submitter's commit: share above what then came in, by (number of the rep - 1) modulo 5
    submitter_bias: tuple[float, ...] = (-0.15, -0.05, 0.0, 0.12, 0.30)
    manager_bias: float = 0.05
    late_activities_day: int = 20420  # 2025-11-28: the last day in `activities`, two weeks before LAST_DAY
    # Tools and training
    sequencer_log_odds: float = 0.0  # Email Sequencer, rolled out by team: no effect
    training_log_odds: float = 0.0  # both programs: no effect on results; the weak quarter recovers by itself
    training_test_gain: float = 14.0  # points of 100, post-test over pre-test
    # Quotas
    over_set_teams: tuple[str, ...] = ("EMEA Enterprise", "APAC Enterprise")
    over_set_factor: float = 1.7  # their quotas are this much above what their territory yields
    over_assignment: tuple[float, ...] = (1.055, 1.055, 1.055)  # rep quotas / team goal, FY24 to FY26
    region_over_assignment: float = 1.01  # sum of team goals / region goal
    apac_gap_factor: float = 1.06  # APAC's goal in FY26-Q3 is this much above what its teams were given
    restated_quota_factor: float = 0.9  # of the quotas of those who moved, recorded 19 days into FY26-Q1
    quota_noise: float = 0.08  # log standard deviation of the planner's error per seller
    pull_in_share: float = 0.85  # of sellers at 55 to 100 % who close a deal of next quarter early
    push_out_share: float = 0.5  # of sellers above 140 % who hold a late deal back


TRUTH = Truth()


@dataclass(frozen=True)
class Planted:
    """What a seed made of the constants: who, how many, how much. Ids as written in the tables."""

    past_due_share: float  # of the value of open deals, with a close date before LAST_DAY
    double_accounts: tuple[tuple[str, str], ...]  # original and double
    missing_quota: tuple[tuple[str, str], ...]  # rep and period: active, yet no row
    zero_quota: tuple[tuple[str, str], ...]
    restated_quota: tuple[tuple[str, str], ...]
    leavers: tuple[str, ...]
    movers: tuple[str, ...]
    on_leave: tuple[str, ...]
    trainees: tuple[str, ...]  # of the training for the weak quarter
    tool_from: dict[str, str]  # rep -> first day of Conversation Intelligence; others never had it
    commit_bias: dict[str, float]  # rep -> bias of the commit, share above what came in
    pulled_in: tuple[str, ...]  # deals closed early to reach a quota
    bulk_updated: int  # history rows written in one minute by one person
    booked: tuple[float, ...]  # USD won per quarter FY24-Q1 to FY26-Q4 at plan rates, future included


def planted(seed: int = 7, scale: float = 1.0, world: str = "plain") -> Planted:
    """Simulate again and read off what was planted, from the simulation and not from the tables."""
    from salesops_lib.inputs.sample.planted import read_off

    return read_off(seed, scale, world)
