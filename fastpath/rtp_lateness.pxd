"""How late a peer's packets are, and how long it is worth waiting for them. In samples; pure."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from fastpath.rtp_limits cimport JITTER_BINS

cdef struct Lateness:
    int64_t least[2]  # least transit of this window of packets and of the one before
    int32_t window
    uint32_t bins[JITTER_BINS]  # part of the packets, by lateness beyond the least
    int32_t target  # samples of lateness that are waited for

cdef void lateness_init(Lateness *l) noexcept nogil
cdef int64_t lateness_least(const Lateness *l) noexcept nogil
cdef void lateness_learn(Lateness *l, int64_t transit) noexcept nogil
