"""Beam and Flink: wiring only, no logic."""
