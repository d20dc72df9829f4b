"""Local parts for trying and testing: a real Kafka broker and a real PostgreSQL on the loopback interface."""
