"""Persistence: the `Store` protocol of the core, in LMDB (`open_store`) and in memory."""

from dialerd.store.folder import FolderLockedError
from dialerd.store.lmdb_store import LmdbStore, open_store
from dialerd.store.memory import MemoryStore
from dialerd.store.schema import StoreFormatError
from dialerd.store.ticket import Ticket, wait

__all__ = [
    "FolderLockedError",
    "LmdbStore",
    "MemoryStore",
    "StoreFormatError",
    "Ticket",
    "open_store",
    "wait",
]
