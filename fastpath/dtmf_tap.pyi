"""Keys in the audio of one stream: reachable from Cython only (see dtmf_tap.pxd)."""

__pyx_capi__: dict[str, object]
