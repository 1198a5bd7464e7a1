"""Persistence behind `dialerd.core.ports.Store`: LMDB, and a memory twin under the same tests."""
