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
    sloppy_push_share: float = 0.30  # pushes entered up to 25 days after the promised day
    bulk_update_day: int = 20045  # 2024-11-18: a tenth of the changes that week are one update
    # Blank fields and credits
    blank_source_share: float = 0.05  # of deals, lead_source
    blank_next_step_share: float = 0.22  # of deals, next_step while open
    blank_loss_reason_share: float = 0.15  # of lost deals
    split_share: float = 0.09  # of new and expansion wins: halves with a colleague
    restated_credit_share: float = 0.012  # of them: split only 20 to 50 days after closing
    overlay_share: float = 0.6  # of wins above SMB: the region's engineer, 100 % overlay
    # Quotas
    over_set_teams: tuple[str, ...] = ("EMEA Enterprise", "APAC Enterprise")
    over_set_factor: float = 1.5  # their quotas are this much above what their territory yields
    over_assignment: tuple[float, float, float] = (
        1.05,
        1.07,
        1.06,
    )  # sum of rep quotas / team goal, FY24 to FY26
    region_over_assignment: float = 1.01  # sum of team goals / region goal
    apac_gap_factor: float = 1.06  # APAC's goal in FY26-Q3 is this much above what its teams were given
    quota_noise: float = 0.08  # log standard deviation of the planner's error per seller
    pull_in_share: float = 0.85  # of sellers at 55 to 100 % who close a deal of next quarter early
    push_out_share: float = 0.5  # of sellers above 140 % who hold a late deal back


TRUTH = Truth()
