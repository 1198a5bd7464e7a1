"""Music, a voice, or silence: reachable from Cython only (see tones_sound.pxd)."""

__pyx_capi__: dict[str, object]
