"""What a single burst of tone can be: reachable from Cython only (see tones_beep.pxd)."""

__pyx_capi__: dict[str, object]
