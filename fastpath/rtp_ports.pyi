"""Which UDP port a stream gets: reachable from Cython only (see rtp_ports.pxd)."""

__pyx_capi__: dict[str, object]
