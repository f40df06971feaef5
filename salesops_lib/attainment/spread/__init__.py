"""How attainment is spread over reps: distribution, humps, groups."""
