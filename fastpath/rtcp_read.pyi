"""What the peer's RTCP says: reachable through MediaEngine and RtcpSession (see rtcp_read.pxd)."""

__pyx_capi__: dict[str, object]
