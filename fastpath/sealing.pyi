"""The bytes of a record in a store: a version byte, the CRC-32 of the body, the body."""

from collections.abc import Callable
from types import GenericAlias
from typing import Any, Generic, TypeVar, final

from typing_extensions import disjoint_base

_T = TypeVar("_T")

@final
class Seal:
    """Puts a head before bodies and takes it off again.

    `refused` makes the exception for a value that is not what was written, of any length.
    """

    def __init__(self, version: int, refused: Callable[[bytes], Exception]) -> None: ...
    def seal(self, body: bytes) -> bytes:
        """The stored form of `body`."""
    def unseal(self, value: bytes) -> bytes:
        """The body of a stored value.

        Raises:
            Exception: what `refused` made: another version, or a checksum that does not match.
        """

@disjoint_base
class Sealed(Generic[_T]):
    """One kind of record: `encode` makes its body, `decode` the record again."""

    def __init__(
        self, seal: Seal, encode: Callable[[_T], bytes], decode: Callable[[bytes], _T]
    ) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def pack(self, record: _T, /) -> bytes:
        """The stored form."""
    def unpack(self, value: bytes, /) -> _T:
        """The record; raises as `Seal.unseal` does."""
