"""Studies: one request that becomes many runs, and what the runs say together."""
