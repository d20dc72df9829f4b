"""The topic rule language and its matcher. Pure."""
