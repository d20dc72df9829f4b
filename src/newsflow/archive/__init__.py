"""The raw archive: what came in, kept in files that other tools read, and where each raw event lies in them."""
