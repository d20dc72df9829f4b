"""Kafka: settings, admin, source, sink, dead letters."""
