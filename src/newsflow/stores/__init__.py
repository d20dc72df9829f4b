"""Where articles are kept: each store in one file, all with one contract."""

from newsflow.stores.contract import Refused, Store, StoreRow
from newsflow.stores.registry import open_store, takes_several_writers

__all__ = ["Refused", "Store", "StoreRow", "open_store", "takes_several_writers"]
