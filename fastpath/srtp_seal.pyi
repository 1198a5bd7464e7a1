"""SRTP and SRTCP as one side sends it (RFC 3711, RFC 7714)."""

from typing import Self, final

from typing_extensions import Buffer

from fastpath.srtp_keys import SessionKeys, SrtpKeys

@final
class SrtpSealer:
    """One sender's packets. They come in the order of their sequence numbers."""

    def __new__(cls, keys: SrtpKeys | SessionKeys) -> Self:
        """ValueError for keys of no suite; OSError when libcrypto.so.3 is missing."""

    def rekey(self, keys: SrtpKeys | SessionKeys) -> None:
        """Other keys from the next packet on; the counters go on."""

    def seal(self, packet: Buffer) -> bytes:
        """Protect an RTP or RTCP packet; ValueError when it is neither, or above 1,500 octets."""

__pyx_capi__: dict[str, object]
