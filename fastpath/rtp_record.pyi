"""The recorded frames of a stream."""

from typing import Any

__pyx_capi__: dict[str, object]

RECORD_DTYPE: list[Any]
"""numpy dtype of the entries that `MediaEngine.recorded` returns: samples since the recording
began, side (0 sent, 1 heard), payload type (0 PCMU, 8 PCMA), size in bytes, 160 payload bytes."""
