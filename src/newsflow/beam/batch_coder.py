"""The coder of batches: cheap to ask for a size, and pickled only where a runner really moves them.

Beam samples the sizes of what passes between fused steps by asking the coder. The default one pickles the whole
batch to find out, at every step and in every bundle, which cost the local runner a sixth of its time.
"""

from __future__ import annotations

import pickle
from typing import Any

from apache_beam import coders
from apache_beam.coders.typecoders import registry

TYPICAL_ITEM_BYTES = 4_000


class Batch:
    """The declared type of every collection here: a list of `Event` or of `Item`."""


class BatchCoder(coders.Coder):
    """Pickles lists of events or items; all of them are frozen values of plain data."""

    def encode(self, value: Any) -> bytes:
        """A list to bytes."""
        return pickle.dumps(value, protocol=5)

    def decode(self, encoded: bytes) -> Any:
        """Bytes that `encode` made to the list."""
        return pickle.loads(encoded)

    def estimate_size(self, value: Any) -> int:
        """Bytes, roughly: a figure for the runner's counters, not worth encoding anything for."""
        return TYPICAL_ITEM_BYTES * len(value)

    def is_deterministic(self) -> bool:
        """False: batches are no keys."""
        return False


registry.register_coder(Batch, BatchCoder)
