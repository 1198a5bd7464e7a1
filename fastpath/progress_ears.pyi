"""What one side of one call says: reachable from Cython only (see progress_ears.pxd)."""

__pyx_capi__: dict[str, object]
