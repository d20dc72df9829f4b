"""Where articles are kept: each store in one file, all with one contract."""

from newsflow.sinks.stores.contract import Refused, Store, StoreRow

__all__ = ["Refused", "Store", "StoreRow"]
