"""The media engine: RTP for thousands of calls in threads that never hold the GIL.

One UDP socket for each call, on an even port. The odd port beside it is left unbound: RTCP that a peer sends there is
answered by the kernel's ICMP, and RTCP multiplexed on the RTP port (RFC 5761) is counted and ignored. Sockets are not
connected, so no ICMP error of a peer can disturb a stream.
"""

from typing_extensions import Buffer
from typing import Any, Final, Literal, NamedTuple, final

DIGITS: Final = "0123456789*#ABCD"
RECORD_DTYPE: list[Any]
"""numpy dtype of the entries that `recorded` returns: position in samples since the recording began, side (0 sent,
1 heard), payload type (0 PCMU, 8 PCMA), size in bytes, 160 bytes of payload."""

class DigitHeard(NamedTuple):
    """A key, counted once whatever the network lost, repeated or reordered (RFC 4733)."""

    stream: int
    digit: str
    at_ns: int  # CLOCK_MONOTONIC, arrival of the event's first packet heard
    source: Literal["rfc4733"]

class PlayEnded(NamedTuple):
    """A prompt ran to its end; a stopped, replaced or looping one never does."""

    stream: int
    token: int

class DigitsSent(NamedTuple):
    """All digits of one `send_digits` left, the last gap included."""

    stream: int
    token: int

MediaEvent = DigitHeard | PlayEnded | DigitsSent

class StreamStats(NamedTuple):
    """Counts are of packets since `open`, unless said otherwise."""

    sent: int
    received: int  # every valid RTP packet of the peer, repeats included
    lost: int  # expected and never arrived (RFC 3550 A.3)
    reordered: int
    duplicates: int
    stale: int  # arrived more than 64 packets late, or alone beyond a jump
    jitter_ms: float  # RFC 3550 A.8, by kernel arrival times
    foreign: int  # dropped by the latch: not from the peer
    malformed: int
    other_payload: int  # of a payload type nobody agreed on
    rtcp: int
    early: int  # arrived before the first connect
    late: int  # frames sent 20 ms or more after their time
    send_errors: int
    receive_errors: int
    digits_heard: int
    digits_sent: int
    record_dropped: int  # recorded frames that nobody fetched in time
    source_changes: int  # SSRCs forgotten for new ones
    heard_ns: int  # CLOCK_MONOTONIC of the last packet of the peer; 0: none yet
    peer: tuple[str, int]  # whom we send to
    locked: bool  # the latch has closed

@final
class MediaEngine:
    """Streams, prompts and the threads that serve them.

    A method that names a stream raises KeyError when it is not open. Commands take effect within the stream's next
    20 ms. Call it from the threads of one process; after a fork the child has no media threads.
    """

    def __init__(self, *, threads: int = 1, priority: int = 10, streams_max: int = 4096) -> None:
        """`priority` is that of SCHED_FIFO, 0 for a normal thread; a refusal shows as `fifo_refused` in counters."""

    def start(self) -> None:
        """Start the threads; OSError when the system refuses."""

    def stop(self) -> None:
        """Stop the threads and close every stream. The engine may be started again."""

    def fileno(self) -> int:
        """An eventfd, readable while events wait."""

    def open(self, host: str, port_low: int, port_high: int) -> int:
        """A new stream on a random free even port of the range, the range's ends included.

        The id is unique for the engine's life. ValueError for a host that is not an IPv4 address or a range without an
        even port; OSError when no port is free (EADDRINUSE), the engine is full (ENOBUFS) or the system refuses.
        """

    def port(self, stream: int) -> int:
        """The UDP port of a stream."""

    def add_prompt(self, pcmu: Buffer, pcma: Buffer) -> int:
        """Keep a prompt of G.711 at 8 kHz, the same audio in both codings; 10 minutes at most (ValueError)."""

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
        comfort: bool = True,
    ) -> None:
        """The peer's address from its SDP; the latch learns anew, from four packets in order.

        Sending begins here: silence when nothing plays and `comfort` is on. 0.0.0.0 is a peer on hold: nothing is
        sent. `payload_type` is 0 or 8, `event_type` the one agreed on for telephone-event, -1 for none. ValueError
        for a host that is not a single IPv4 address, and for numbers out of range.
        """

    def play(self, stream: int, prompt: int, token: int, loop: bool = False) -> None:
        """Play a prompt instead of what plays; it waits for `connect`. `PlayEnded` carries the token."""

    def stop_play(self, stream: int) -> None:
        """Stop what plays, without an event."""

    def send_digits(self, stream: int, digits: str, token: int, on_ms: int = 100, gap_ms: int = 100) -> None:
        """Queue RFC 4733 digits (0-9 * # A-D); `DigitsSent` carries the token. The prompt waits for them.

        ValueError for other characters, times outside 40-4000 ms, or a peer without telephone events; BufferError
        when more than 32 digits would wait.
        """

    def record(self, stream: int, on: bool = True) -> None:
        """Hand out the frames of both sides through `recorded` from now on, or stop doing so."""

    def recorded(self, stream: int) -> bytes:
        """Take the entries recorded since the last call (see RECORD_DTYPE); at most 1.28 s of both sides wait."""

    def events(self) -> list[MediaEvent]:
        """Take what happened. May name streams closed meanwhile."""

    def stats(self, stream: int) -> StreamStats:
        """A consistent copy of the counts so far."""

    def close(self, stream: int) -> StreamStats:
        """Free the stream, its port and its recording; its last counts."""

    def counters(self) -> dict[str, int | float]:
        """Of the whole engine since it was made.

        Lateness is from a frame's own millisecond to the moment it was sent (`lateness_us_p50`, `_p99`, `_p999`,
        `_max`); `load` is the part of a core the busiest thread used in the last full second.
        """
