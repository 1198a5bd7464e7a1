"""Rooms whose parties are mixed: no Python face; `MediaEngine.room` is its door."""

__pyx_capi__: dict[str, object]
