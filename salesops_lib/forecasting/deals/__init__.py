"""What open deals and deals not created yet will book: hazards, odds, amounts, draws of their future."""
