"""What the tones of a call mean: reachable from Cython only (see tones.pxd)."""

__pyx_capi__: dict[str, object]
