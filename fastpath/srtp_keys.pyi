"""SRTP keys (RFC 3711, RFC 7714). The ciphers are those of OpenSSL's libcrypto."""

from typing import Final, NamedTuple

SUITES: Final[dict[str, tuple[int, int, int, bool]]]
"""Suite -> octets of master key and of master salt, octets of an RTP packet's tag, GCM."""

class SrtpKeys(NamedTuple):
    """Keys of one direction, as SDES gives them (RFC 4568)."""

    suite: str
    key: bytes  # master key and master salt
    mki_bytes: int = 0  # octets of key number in what arrives: passed over

class SessionKeys(NamedTuple):
    """Keys already derived, as test vectors give them: the same for RTP and RTCP."""

    suite: str
    key: bytes
    salt: bytes
    mac_key: bytes  # empty with GCM

__pyx_capi__: dict[str, object]
