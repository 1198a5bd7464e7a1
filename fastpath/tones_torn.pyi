"""High tones that GSM full rate tore apart: reachable from Cython only (see tones_torn.pxd)."""

__pyx_capi__: dict[str, object]
