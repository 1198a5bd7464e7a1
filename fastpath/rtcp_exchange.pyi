"""Reports over sockets: reachable through MediaEngine (see rtcp_exchange.pxd)."""

__pyx_capi__: dict[str, object]
