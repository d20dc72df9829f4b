"""Where articles are kept: each store in one file, all with one contract, opened by the registry."""
