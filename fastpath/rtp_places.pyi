"""Where a new stream goes: reachable through MediaEngine (see rtp_places.pxd)."""

__pyx_capi__: dict[str, object]
