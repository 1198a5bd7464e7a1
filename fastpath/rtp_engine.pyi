"""Streams and threads of the media engine, without what the streams do."""

from typing_extensions import disjoint_base

from fastpath.rtp_counts import StreamStats
from fastpath.rtp_events import MediaEvent

@disjoint_base
class StreamEngine:
    """The base of MediaEngine."""

    def __init__(self, threads: int = 1, priority: int = 10, streams_max: int = 4096) -> None:
        """`priority` is that of SCHED_FIFO, 0 for a normal thread.

        When it is refused, the thread is a normal one and `fifo_refused` in `counters` tells.
        ValueError for numbers out of range.
        """

    def start(self) -> None:
        """Start the threads; OSError when the system refuses."""

    def stop(self) -> None:
        """Stop the threads and close every stream. The engine may be started again."""

    def fileno(self) -> int:
        """An eventfd, readable while events wait."""

    def open(self, host: str, port_low: int, port_high: int, *, near: int = 0) -> int:
        """A new stream on a random free even port of the range, the range's ends included.

        `near` is a stream that it will be bridged or mixed with: then one thread serves both, in
        the same millisecond while there is room. OSError (ENOBUFS) when that thread is full.

        The id is unique for the engine's life. ValueError for a host that is not an IP address or
        a range without an even port; OSError when no port is free (EADDRINUSE), the engine is full
        (ENOBUFS) or the system refuses.
        """

    def open_device(self, device: int) -> int:
        """A new stream of a modem's audio: an open serial device, raw, by its descriptor.

        The stream has a descriptor of its own, which does not block. 16-bit little-endian PCM at
        8 kHz goes both ways from now on, 320 bytes every 20 ms: silence when there is nothing.
        Prompts, digits (as tones), `hear_tones` and recordings work as on RTP; `DeviceGone` is told
        when it disappears. OSError: no descriptor, or the engine is full.
        """

    def device(self, stream: int) -> dict[str, int]:
        """Counts of a device; ValueError for a stream that is none.

        frames_in, frames_out; underruns: times that it must have run dry because we were late;
        dropped: frames that it did not take; waiting_bytes; gone: the errno, 0 while it is there.
        """

    def port(self, stream: int) -> int:
        """The UDP port of a stream."""

    def thread(self, stream: int) -> int:
        """Which media thread serves a stream, from 0 on."""

    def events(self) -> list[MediaEvent]:
        """Take what happened. May name streams closed meanwhile."""

    def stats(self, stream: int) -> StreamStats:
        """A consistent copy of the counts so far."""

    def close(self, stream: int) -> StreamStats:
        """Free the stream, its port and its recording; its last counts."""

    def counters(self) -> dict[str, int | float]:
        """Of the whole engine since it was made.

        Lateness is from a frame's own millisecond to the moment it was sent or, in a bridge, passed
        on (`lateness_us_p50`, `_p99`, `_p999`, `_max`), of so many `frames`, and how many were at
        most so late (`late_le_32_us` and so on); `load` is the part of a core the busiest thread
        used in the last full second.
        """

__pyx_capi__: dict[str, object]
