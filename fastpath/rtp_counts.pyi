"""What the engine counts of each stream."""

from typing import Final, NamedTuple

SUMS: Final[tuple[str, ...]]
"""Names of the counters that are summed over the threads."""

LATE_EDGES_US: Final[tuple[int, ...]]
"""Upper edges of `late_le_EDGE_us`, the cumulative counts of frames by their lateness."""

class StreamStats(NamedTuple):
    """Counts are of packets since `open`, unless said otherwise."""

    sent: int
    received: int  # every valid RTP packet of the peer, repeats included
    lost: int  # expected and never arrived (RFC 3550 A.3)
    reordered: int
    duplicates: int
    stale: int  # the first packet after each jump of the sequence numbers
    jitter_ms: float  # RFC 3550 A.8, by kernel arrival times
    foreign: int  # dropped by the latch: not from the peer
    malformed: int
    other_payload: int  # of a payload type nobody agreed on
    rtcp: int  # that came to the RTP port
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
    paused: bool  # nothing is sent: the peer wants to hear nothing
    srtp_failed: int  # dropped: not authentic
    srtp_replayed: int  # dropped: authentic once before, or too old to tell
    expected: int  # that the peer sent by its own numbers
    loss_runs: int  # stretches of lost packets
    loss_run_max: int  # packets in the longest
    mos: float  # estimate of what we hear (ITU-T G.107, see rtp_quality); 0.0: nothing came
    flooded: int  # periods of 20 ms in which more came than is heard: 250 packets a second
    rtcp_sent: int
    rtcp_received: int
    rtcp_dropped: int  # malformed, or not from the peer
    rtt_ms: float | None  # the way there and back by the peer's reports; None: not told
    peer_lost: int | None  # of ours, by the peer's last report
    peer_jitter_ms: float | None
    peer_mos: float  # estimate of what the peer hears; 0.0: not told
    peer_bye: bool  # the peer's RTCP said goodbye

__pyx_capi__: dict[str, object]
