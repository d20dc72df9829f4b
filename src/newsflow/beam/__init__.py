"""Beam transforms: wiring only, no logic."""
