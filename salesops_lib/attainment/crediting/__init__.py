"""Who gets how many cents of which deal, against which quota: the attainment table and its pieces."""
