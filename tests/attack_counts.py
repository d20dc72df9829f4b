"""How often attacks are carried out: reduced, or in full where NEWSFLOW_TEST_ATTACKS is `full` (`make nightly`)."""

from __future__ import annotations

import os

FULL = os.environ.get("NEWSFLOW_TEST_ATTACKS") == "full"


def often(reduced: int, full: int) -> int:
    """The count for this run."""
    return full if FULL else reduced
