"""What sends alerts: one file for each kind of destination."""
