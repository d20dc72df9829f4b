"""Flink clusters: what runs on one, and how to start, stop and restore a job there. Knows no Beam."""
