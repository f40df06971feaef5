"""What became of the open pipeline and what it must still bring: waterfall, slippage, coverage, scenarios."""
