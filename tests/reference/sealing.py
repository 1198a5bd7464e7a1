"""The slow twin of fastpath.sealing: plain Python over struct and zlib."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from zlib import crc32

_head = struct.Struct(">BI")


class Seal:
    """See `fastpath.sealing.Seal`."""

    def __init__(self, version: int, refused: Callable[[bytes], Exception]) -> None:
        """With the same arguments."""
        self.version = version
        self.refused = refused

    def seal(self, body: bytes) -> bytes:
        """Head and body."""
        return _head.pack(self.version, crc32(body)) + body

    def unseal(self, value: bytes) -> bytes:
        """The body alone."""
        body = value[_head.size :]
        if len(value) < _head.size or _head.unpack_from(value) != (self.version, crc32(body)):
            raise self.refused(value)
        return body


class Sealed:
    """See `fastpath.sealing.Sealed`."""

    def __init__(
        self, seal: Seal, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]
    ) -> None:
        """With the same arguments."""
        self.seal, self.encode, self.decode = seal, encode, decode

    def pack(self, record: Any) -> bytes:
        """The stored form."""
        return self.seal.seal(self.encode(record))

    def unpack(self, value: bytes) -> Any:
        """The record."""
        return self.decode(self.seal.unseal(value))
