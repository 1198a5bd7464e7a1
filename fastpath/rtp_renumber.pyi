"""How the packets of another source become those of a sender of ours."""

from typing import final

from typing_extensions import Buffer

from fastpath.rtp_send import RtpSender

__pyx_capi__: dict[str, object]

@final
class RtpRelay(RtpSender):
    """One end of a bridge without sockets, for tests: a sender whose peer hears somebody else."""

    def pass_on(
        self,
        seq: int,
        timestamp: int,
        ssrc: int,
        payload_type: int,
        body: Buffer,
        *,
        event: bool = False,
        marker: bool = False,
        events: bool = True,
    ) -> bytes | None:
        """The packet for our peer; None when it is not passed on.

        `payload_type` is 0, 8 or 13 (comfort noise), or any number for an `event` (RFC 4733), which
        our peer hears only with `events`. ValueError for a body of more than 480 octets, or an
        event of less than 4.
        """
