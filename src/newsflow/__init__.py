"""An event-driven news ingestion pipeline: Kafka topics in, Beam transforms, tagged and routed articles out."""

__version__ = "0.2.0.dev0"
