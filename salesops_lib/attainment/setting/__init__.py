"""Quotas for a plan's year: target, capacity, potential, proposal, simulation, back-test, letters."""
