"""An event-driven news ingestion pipeline: Kafka topics in, Beam transforms, tagged and routed articles out."""
