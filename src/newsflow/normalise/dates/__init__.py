"""Publication dates in text: no answer beats a wrong one."""

from newsflow.normalise.dates.parse import parse_date

__all__ = ["parse_date"]
