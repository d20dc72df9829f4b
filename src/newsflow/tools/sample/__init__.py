"""The bundled sample: raw events of invented outlets about invented happenings."""
