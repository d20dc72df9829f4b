"""The bundled sample: raw events of invented outlets about invented happenings, and what should become of them."""

from newsflow.sample.build import SampleEvent, routes_path, sample_events, sources_path, write_sample
from newsflow.sample.expected import Expectation, expectations

__all__ = ["Expectation", "SampleEvent", "expectations", "routes_path", "sample_events", "sources_path", "write_sample"]
