"""How past forecasts did: back-test, accuracy, ranges that were measured, and what is found in them."""
