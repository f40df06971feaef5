"""The browsable site over the reports that stand: what to decide, reports, metrics, playbooks, search."""
