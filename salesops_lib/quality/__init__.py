"""Data quality: what is missing, wrong, double, old or unmatched, where, and what it puts at stake."""
