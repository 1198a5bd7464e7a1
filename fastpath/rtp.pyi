"""The media engine: RTP for thousands of calls in threads that never hold the GIL.

One UDP socket for each call, on an even port, and one for RTCP beside it unless both are on one
port (RFC 5761). Sockets are not connected, so no ICMP error can disturb a stream.
"""

from collections.abc import Sequence
from typing import final

from typing_extensions import Buffer

from fastpath.progress import Attention
from fastpath.rtp_counts import StreamStats as StreamStats
from fastpath.rtp_events import DeviceGone as DeviceGone
from fastpath.rtp_events import DigitHeard as DigitHeard
from fastpath.rtp_events import DigitsSent as DigitsSent
from fastpath.rtp_events import MediaEvent as MediaEvent
from fastpath.rtp_events import PeerSilent as PeerSilent
from fastpath.rtp_events import PlayEnded as PlayEnded
from fastpath.rtp_events import SoundHeard as SoundHeard
from fastpath.rtp_parties import PartyEngine
from fastpath.rtp_receive import DIGITS as DIGITS
from fastpath.rtp_record import RECORD_DTYPE as RECORD_DTYPE
from fastpath.srtp_keys import SrtpKeys as SrtpKeys

@final
class MediaEngine(PartyEngine):
    """Streams, prompts and the threads that serve them.

    A method that names a stream raises KeyError when it is not open. Commands take effect within
    the stream's next 20 ms. After a fork the child has no media threads.
    """

    def add_prompt(self, pcmu: Buffer, pcma: Buffer) -> int:
        """Keep a prompt of G.711 at 8 kHz, the same audio in both codings.

        ValueError when it is empty or longer than 10 minutes; OSError when there are 4096 already.
        """

    def remove_prompt(self, prompt: int) -> None:
        """Forget a prompt. Streams that play it go on to its end. KeyError when it is unknown."""

    def connect(
        self,
        stream: int,
        host: str,
        port: int,
        payload_type: int,
        event_type: int = -1,
        *,
        law: int = -1,
        comfort: bool = True,
    ) -> None:
        """The peer's address from its SDP; the latch learns anew, from four packets in order.

        Sending begins here: silence when nothing plays and `comfort` is on. 0.0.0.0 is a peer on
        hold: nothing is sent. `payload_type` is 0 or 8, or the number (96-127) agreed on for the
        G.711 of `law` 0 or 8; `event_type` that for telephone-event, -1 for none. ValueError for a
        host that is not a single IP address of the family the stream is bound to, and for numbers
        out of range.
        """

    def report(self, stream: int, host: str = "", port: int = 0, *, mux: bool = False) -> bool:
        """Exchange RTCP reports with the peer from now on, sealed when SRTP is on.

        `host` and `port` are of a=rtcp, empty and 0 for the port beside the peer's RTP; `mux` is
        for both on one port (RFC 5761). False when our port beside RTP is taken: then there are no
        reports. ValueError for what is not an address of one host.
        """

    def watch(self, stream: int, silence_ms: int) -> None:
        """Tell `PeerSilent`, once, when no RTP came for so long from now on; 0: do not.

        ValueError for more than an hour.
        """

    def pause(self, stream: int) -> None:
        """Send nothing: the peer wants to hear nothing (a=sendonly, a=inactive).

        Prompt and digits wait where they are; a digit that is being sent counts as sent.
        """

    def resume(self, stream: int) -> None:
        """Send again."""

    def secure(self, stream: int, sending: SrtpKeys, receiving: SrtpKeys) -> None:
        """SRTP from now on, before `connect` or in the call: other keys, the same counters.

        What is not authentic is dropped and counted, and nothing leaves in the clear before
        `unsecure`. ValueError for keys of no suite; OSError when libcrypto.so.3 is missing.
        """

    def unsecure(self, stream: int) -> None:
        """Plain RTP again: the peer moved to where SRTP is not spoken. SRTP counts begin anew."""

    def play(
        self, stream: int, prompts: int | Sequence[int], token: int, loop: bool = False
    ) -> None:
        """Play a prompt, or up to 128 without a gap, instead of what plays, from `connect` on.

        `PlayEnded` carries the token when all are through; a loop begins anew and has no end.
        KeyError for an unknown prompt; ValueError for none or too many.
        """

    def stop_play(self, stream: int) -> None:
        """Stop what plays, without an event."""

    def send_digits(
        self, stream: int, digits: str, token: int, on_ms: int = 100, gap_ms: int = 100
    ) -> None:
        """Queue digits (0-9 * # A-D); `DigitsSent` carries the token.

        They are RFC 4733 events, or tones in the audio when the peer did not agree on events. The
        prompt waits for them. ValueError for other characters or times outside 40-4000 ms;
        BufferError when more than 32 digits would wait.
        """

    def hear_tones(self, stream: int, on: bool = True) -> None:
        """Hear keys in the audio itself too, or stop it: `DigitHeard` of the source "inband"."""

    def listen(self, stream: int, attention: Attention | None, *, answered: bool = False) -> None:
        """Hear from now on what `attention` asks for, told as `SoundHeard`; None: nothing any more.

        `answered`: the call was, just now; else it is early media. Each call of this begins anew. A
        peer that sends nothing is silent. Without work left it costs next to nothing.
        """

    def settle(self, stream: int) -> None:
        """We talk to each other: who was taken for a person stays one."""

    def frame(self, stream: int) -> int:
        """The number of the turn that the stream's media thread is in; 0 before it runs."""

    def echo(self, stream: int, on: bool = True) -> None:
        """Say back what is heard, while nothing plays and no digits are sent, or stop doing so.

        ValueError when the stream is bridged or in a conference.
        """

    def record(self, stream: int, on: bool = True) -> None:
        """Hand out the frames of both sides through `recorded` from now on, or stop doing so."""

    def recorded(self, stream: int) -> bytes:
        """Take the entries (RECORD_DTYPE) since the last call; at most 2.56 s wait."""
