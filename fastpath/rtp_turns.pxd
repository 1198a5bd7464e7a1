"""Turns that streams missed since Python held them: each is served once, in the next tick."""

from libc.stdint cimport int64_t, uint32_t

from fastpath.rtp_limits cimport RETRY_MAX

cdef struct Turn:
    uint32_t index  # of the table
    uint32_t frame
    int64_t due_ns

cdef struct Turns:
    int count
    Turn turn[RETRY_MAX]

cdef void turns_put(Turns *t, uint32_t index, uint32_t frame, int64_t due_ns) noexcept nogil
cdef void turns_drop(Turns *t, uint32_t index) noexcept nogil


cdef class RtpTurns:
    cdef Turns state
