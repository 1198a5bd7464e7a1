"""Packets on their way from stream to stream: no Python face; tested through the engine."""

__pyx_capi__: dict[str, object]
