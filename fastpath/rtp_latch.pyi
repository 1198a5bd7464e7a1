"""Who is heard in one stream: reachable from Cython only (see rtp_latch.pxd)."""

__pyx_capi__: dict[str, object]
