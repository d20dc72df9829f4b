"""The ledger remembers every decision: one SQL schema, on SQLite and on PostgreSQL."""

from newsflow.ledger.ledger import Clock, Ledger, system_clock
from newsflow.ledger.opening import open_ledger
from newsflow.ledger.pruning import Pruned
from newsflow.ledger.reading import DeadLetter, StoredVersion
from newsflow.ledger.tables import DecidedEvent
from newsflow.secrets import masked as mask_url

__all__ = [
    "Clock",
    "DeadLetter",
    "DecidedEvent",
    "Ledger",
    "Pruned",
    "StoredVersion",
    "mask_url",
    "open_ledger",
    "system_clock",
]
