"""Two streams whose peers hear each other: no Python face; `MediaEngine.bridge` is its door."""

__pyx_capi__: dict[str, object]
