"""The books of one stream's sources: reachable through RtpReceiver (see rtp_sources.pxd)."""

__pyx_capi__: dict[str, object]
