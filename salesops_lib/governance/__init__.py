"""What the reports say together: what to decide, what changed, where they disagree, what nobody knows."""
