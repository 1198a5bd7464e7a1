"""SRTP and SRTCP as one side receives it (RFC 3711, RFC 7714)."""

from typing import Self, final

from typing_extensions import Buffer

from fastpath.srtp_keys import SessionKeys, SrtpKeys

@final
class SrtpOpener:
    """What arrives: authentic packets, each once. Follows two SSRCs at a time."""

    def __new__(cls, keys: SrtpKeys | SessionKeys) -> Self:
        """ValueError for keys of no suite; OSError when libcrypto.so.3 is missing."""

    def rekey(self, keys: SrtpKeys | SessionKeys) -> None:
        """Other keys from the next packet on."""

    def open(self, packet: Buffer) -> bytes | None:
        """The RTP or RTCP packet in it; None when it is not authentic, or was there before."""

    @property
    def failed(self) -> int:
        """Packets that were not authentic."""

    @property
    def replayed(self) -> int:
        """Packets repeated, or 64 or more behind the newest."""

__pyx_capi__: dict[str, object]
