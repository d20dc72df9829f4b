"""Where it happened: names of cities, states, institutions and the like, and what they say of countries."""
