"""The bundled sample: raw events of invented outlets about invented happenings, and what should become of them."""

from newsflow.sample.build import SampleEvent, sample_events, sources_path, write_sample
from newsflow.sample.expected import Expectation, expectations

__all__ = ["Expectation", "SampleEvent", "expectations", "sample_events", "sources_path", "write_sample"]
