"""Who hears whom among the parties of a room, and the sums of it. Pure.

A set of parties is a mask: bit i is party i.
"""

from libc.stdint cimport int16_t, int32_t, uint8_t, uint64_t

from fastpath.rtp_limits cimport PARTIES_MAX

cdef enum Role:
    ROLE_CUSTOMER
    ROLE_AGENT
    ROLE_LISTENING  # a supervisor whom nobody hears
    ROLE_WHISPERING  # a supervisor whom agents hear
    ROLE_BARGING  # a supervisor whom everybody hears
    ROLE_PLAYED  # what is played to somebody: supervisors hear it

cdef struct Mix:
    uint64_t present
    uint64_t hears[PARTIES_MAX]  # of each party
    uint8_t role[PARTIES_MAX]

cdef void mix_enter(Mix *m, int party, int role) noexcept nogil
cdef void mix_leave(Mix *m, int party) noexcept nogil
cdef void mix_set(Mix *m, int listener, int speaker, int on) noexcept nogil
cdef int mix_sum(const int16_t *frames, int32_t *total, uint64_t speaking) noexcept nogil
cdef int mix_frame(
    const Mix *m, int party, const int16_t *frames, const int32_t *total, uint64_t speaking,
    int16_t *out,
) noexcept nogil


cdef class RtpMix:
    cdef Mix state
    cdef int party(self, int party) except -1
