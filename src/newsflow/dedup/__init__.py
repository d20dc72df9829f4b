"""Fingerprints, similarity, and the rules that decide what an event is. Pure."""
