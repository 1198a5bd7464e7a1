"""What is heard on one stream: reachable from Cython only (see progress_tap.pxd)."""

__pyx_capi__: dict[str, object]
