"""RTCP of one stream, without socket or clock (RFC 3550 section 6)."""

from typing import final

from typing_extensions import Buffer

@final
class RtcpSession:
    """One stream's reports as the media thread makes and reads them, for tests and tools."""

    def __init__(self, ssrc: int, chance: Buffer, host: str, port: int) -> None:
        """`chance`: 20 random octets; `host` and `port` are the peer's RTP address."""

    def start(self, now_ns: int) -> None:
        """Begin to report."""

    def rtp(self, packet: Buffer, at_ns: int) -> None:
        """A datagram that came from the peer's RTP address."""

    def turn(self, now_ns: int) -> bool:
        """Whether a report is due; asked when `next_ns` has come, which this sets anew."""

    def write(
        self,
        now_ns: int,
        wall_ns: int,
        timestamp: int,
        packets: int,
        octets: int,
        bye: bool = False,
    ) -> bytes:
        """A report; `timestamp`, `packets` and `octets` are of what we sent until now."""

    def read(self, packet: Buffer, at_ns: int, wall_ns: int) -> bool:
        """Take a datagram of theirs; False when it is malformed."""

    @property
    def next_ns(self) -> int:
        """When to ask again."""

    def counts(self) -> dict[str, int]:
        """What was sent and heard. `reports` are those about us; `fraction` of lost packets is in
        256ths, `jitter` in samples, `rtt_ns` -1 when it is not known."""

__pyx_capi__: dict[str, object]
