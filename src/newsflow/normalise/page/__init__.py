"""Reading an HTML page: its tree, body, metadata and dates."""
