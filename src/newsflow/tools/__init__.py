"""For trying and testing on one machine: a real Kafka, PostgreSQL and Flink on loopback, and the bundled sample."""
