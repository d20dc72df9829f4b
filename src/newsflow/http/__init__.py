"""Requests to addresses that others chose, and the time that an exchange with a partner may take."""
