"""When to alert, what an alert says, and how it is sent."""
