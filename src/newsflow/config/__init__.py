"""The configuration file, environment and flags, checked whole before launch."""
