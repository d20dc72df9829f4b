"""The bundled sample: raw events of invented outlets about invented happenings, and what should become of them."""

from newsflow.tools.sample.build import (
    Expectation,
    SampleEvent,
    expectations,
    routes_path,
    sample_events,
    sources_path,
    write_sample,
)

__all__ = ["Expectation", "SampleEvent", "expectations", "routes_path", "sample_events", "sources_path", "write_sample"]
