"""How news comes in: feeds and sitemaps that are polled, and archives that are imported, to raw articles."""
