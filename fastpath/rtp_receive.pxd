"""What is heard in one stream: sequence numbers, jitter, digits. Pure: time is an argument.

Addresses and ports are in host byte order. Nothing here allocates or calls the system.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_host cimport Host
from fastpath.rtp_latch cimport Latch
from fastpath.rtp_limits cimport DIGITS_OUT_MAX, HISTORY_MAX, SOURCES_MAX

cdef enum Verdict:
    AUDIO  # G.711 or comfort noise of the peer
    EVENT  # RFC 4733
    DUPLICATE
    STALE  # the first packet after a jump, ahead or back (RFC 3550 A.1)
    MALFORMED
    FOREIGN  # not from the peer: dropped by the latch
    OTHER_PAYLOAD  # from the peer, of a payload type nobody agreed on
    RTCP  # multiplexed RTCP (RFC 5761): ignored

cdef struct Source:  # one SSRC
    uint32_t ssrc
    uint32_t transit
    int64_t last_ns
    int64_t seq_base  # extended; signed, so that a packet before the first is no wrap
    int64_t seq_max
    uint64_t window  # bit i: seq_max - i arrived
    uint64_t unique
    uint64_t copies  # duplicates: RFC 3550 counts them as received in its reports
    int64_t expected_told  # at the last report
    int64_t received_told
    uint64_t jitter_x16  # in samples
    uint32_t run  # lost in a row, before the window
    int32_t seq_bad  # the number that would confirm a jump; -1: none
    uint8_t used
    uint8_t timed

cdef struct Packet:  # what a verdict was given on
    uint32_t ssrc
    uint32_t timestamp
    uint16_t seq
    uint16_t payload_at
    uint16_t payload_bytes
    uint8_t payload_type
    uint8_t marker
    uint8_t begins  # the first packet of an event, by its own word

cdef enum DigitSource:
    FROM_EVENT  # RFC 4733
    FROM_AUDIO  # tones heard

cdef struct DigitOut:
    uint8_t code
    uint8_t source
    int64_t at_ns  # arrival of the event's first packet heard

cdef struct Receiver:  # what every packet touches comes first
    uint64_t received  # every valid RTP packet of the peer
    int64_t heard_ns  # last valid packet of the peer; 0: none yet
    int16_t event_type
    int16_t audio_type  # a number for G.711 that the SDP agreed on; -1: none but 0 and 8
    uint8_t audio_law  # what it stands for
    uint8_t source_last
    uint8_t digits  # for the caller to take: set it to 0
    uint8_t open  # an event is being heard
    Source sources[SOURCES_MAX]
    Latch latch
    DigitOut digit[DIGITS_OUT_MAX]
    # the event being heard
    uint8_t code
    uint16_t duration
    uint32_t event_ssrc
    uint32_t event_timestamp
    int64_t event_first_ns
    int64_t event_last_ns
    # events told already
    uint8_t history_at
    uint8_t history_count
    uint32_t history_ssrc[HISTORY_MAX]
    uint32_t history_timestamp[HISTORY_MAX]
    int64_t history_last_ns[HISTORY_MAX]  # when its last packet came
    # counts
    uint64_t expected_past  # of sources that are gone
    uint64_t unique_past
    uint64_t loss_runs  # stretches of lost packets
    uint64_t loss_run_max  # packets in the longest
    uint64_t duplicates
    uint64_t reordered
    uint64_t stale
    uint64_t foreign
    uint64_t malformed
    uint64_t other_payload
    uint64_t rtcp
    uint64_t source_changes
    uint64_t digits_heard

cdef void receiver_init(Receiver *r) noexcept nogil
cdef void receiver_connect(
    Receiver *r, Host address, uint16_t port, int event_type
) noexcept nogil
cdef int receiver_packet(
    Receiver *r,
    const uint8_t *data,
    int size,
    Host address,
    uint16_t port,
    int64_t at_ns,
    Packet *packet,
) noexcept nogil
cdef void receiver_tell(Receiver *r, uint8_t code, int64_t at_ns, uint8_t source) noexcept nogil
cdef void receiver_tick(Receiver *r, int64_t now_ns) noexcept nogil


cdef class RtpReceiver:
    cdef Receiver state
