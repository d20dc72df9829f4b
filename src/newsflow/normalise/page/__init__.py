"""The parts of reading an HTML page: tree, metadata, body, dates."""
