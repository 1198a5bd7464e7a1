"""Who is heard in one stream: the symmetric latch. Pure: time is an argument.

Addresses and ports are in host byte order.
"""

from libc.stdint cimport int8_t, int64_t, uint8_t, uint16_t, uint32_t

from fastpath.rtp_host cimport Host
from fastpath.rtp_limits cimport CANDIDATES_MAX

cdef enum Rank:
    RANK_ANY
    RANK_PORT  # the SDP's port on another host: a NAT that kept the port
    RANK_HOST  # the SDP's host, another port
    RANK_EXACT

cdef struct Candidate:
    Host address
    uint32_t ssrc
    uint32_t touched  # order of use
    uint16_t port
    uint16_t seq_next
    int8_t rank
    uint8_t in_order  # 0: the entry is free

cdef struct Latch:
    Host sdp_address
    Host address  # whom we hear; the SDP's until somebody leads
    uint16_t sdp_port
    uint16_t port
    int8_t rank  # of the leader; -1: nobody leads
    uint8_t locked
    uint32_t clock
    int64_t led_ns  # when somebody first led
    Candidate candidates[CANDIDATES_MAX]

cdef void latch_init(Latch *l, Host address, uint16_t port) noexcept nogil
cdef int latch_admit(
    Latch *l, Host address, uint16_t port, uint32_t ssrc, uint16_t seq, int64_t at_ns
) noexcept nogil
cdef int latch_bars(const Latch *l, Host address, uint16_t port) noexcept nogil
