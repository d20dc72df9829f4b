"""When to alert, and what an alert says. Pure."""
