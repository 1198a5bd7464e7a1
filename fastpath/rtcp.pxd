"""RTCP of one stream: when reports are due, what they say, what the peer's say (RFC 3550, 6).

Pure: time and chance are arguments. Nothing here allocates or calls the system.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_host cimport Host
from fastpath.rtp_limits cimport CNAME_BYTES, RTCP_OVERHEAD
from fastpath.rtp_receive cimport Receiver

cdef struct Rtcp:
    uint8_t on  # reports are sent and heard
    uint8_t mux  # on the RTP port (RFC 5761)
    uint8_t first  # no report has left yet
    uint8_t theirs_bye  # the peer said goodbye
    int fd  # of the RTP port + 1; -1: none
    Host address  # of a=rtcp; 0: beside RTP's
    uint16_t port
    uint16_t heard_port  # where theirs come from; 0: none came
    Host heard_address
    uint64_t chance  # xorshift64
    int64_t next_ns
    int64_t last_ns  # when ours left
    uint32_t size_x16  # the average report, both sides', with overhead
    uint8_t cname[CNAME_BYTES]
    uint64_t packets_told[2]  # RTP packets of ours before the last report and the one before it
    uint32_t stamp  # RTP time of last_ns
    # their last sender report
    uint32_t theirs_ssrc
    uint32_t theirs_ntp  # the middle 32 bits
    int64_t theirs_ns  # its arrival; 0: none yet
    # how they hear us
    uint64_t reports  # about us; 0: the rest means nothing
    uint8_t fraction  # lost since their report before, in 1/256
    int32_t lost
    uint32_t jitter  # in samples
    uint32_t highest
    int64_t rtt_ns  # -1: not known
    # counts
    uint64_t sent
    uint64_t received
    uint64_t malformed
    uint64_t foreign

cdef struct Ours:  # what a report says of our side
    uint32_t ssrc
    uint32_t timestamp  # RTP time of now
    uint64_t packets
    uint64_t octets
    int64_t now_ns
    int64_t wall_ns  # CLOCK_REALTIME of now

cdef void rtcp_init(Rtcp *r, const uint8_t *chance) noexcept nogil  # 20 octets
cdef void rtcp_start(
    Rtcp *r, Host address, uint16_t port, int mux, int64_t now_ns
) noexcept nogil
cdef int rtcp_turn(Rtcp *r, const Receiver *heard, int64_t now_ns) noexcept nogil
cdef int rtcp_write(
    Rtcp *r, Receiver *heard, const Ours *ours, int bye, uint8_t *out
) noexcept nogil

cdef inline void rtcp_size(Rtcp *r, int size) noexcept nogil:
    """A packet of either side, for the average (6.3.3)."""
    r.size_x16 += <uint32_t> (size + RTCP_OVERHEAD) - (r.size_x16 >> 4)


cdef class RtcpSession:
    cdef Rtcp state
    cdef Receiver heard
    cdef uint32_t ssrc
