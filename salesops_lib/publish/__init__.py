"""Runs notebooks and publishes what they say: bundles, reports, workbooks, the site. Knows no domain."""
