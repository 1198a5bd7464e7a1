"""The pump of modem audio: reachable from Cython only (see pump.pxd)."""

__pyx_capi__: dict[str, object]
