"""The contracts of what is on the wire: schemas, their validators, and the reading of raw events."""

from newsflow.contracts.raw import DEFAULT_LIMITS, RawLimits, parse_raw
from newsflow.contracts.schemas import SCHEMAS, Violation, load_schema, reference_violations, violations

__all__ = [
    "DEFAULT_LIMITS",
    "SCHEMAS",
    "RawLimits",
    "Violation",
    "load_schema",
    "parse_raw",
    "reference_violations",
    "violations",
]
