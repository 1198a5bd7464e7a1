"""The media thread's loop: reachable from Cython only (see rtp_loop.pxd)."""

__pyx_capi__: dict[str, object]
