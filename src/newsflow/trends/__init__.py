"""Counts over time: windows, what each article adds to them, and when a count is a burst. Pure."""
