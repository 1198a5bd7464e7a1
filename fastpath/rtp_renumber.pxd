"""How the packets of another source become those of a sender of ours: numbers, times, law. Pure."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_pipe cimport Parcel
from fastpath.rtp_send cimport RtpSender, Sender

cdef struct Renumber:
    uint8_t live  # packets pass: the sender adds nothing
    uint8_t ended  # `end` means something
    uint32_t frame  # of the sender, the last one begun
    uint32_t live_frame  # in which a packet passed last
    uint32_t ssrc
    uint16_t seq  # the highest
    uint16_t span  # numbers since this mapping began, at most 64
    uint64_t eaten  # bit i: number seq - i was not passed on, and not lost
    uint32_t offset  # of timestamps
    uint32_t end  # timestamp behind the last audio sent

# `into` has room for HEADER_BYTES and the payload; the size of both, or 0: it is not passed on
cdef int renumber(
    Renumber *r, Sender *o, const Parcel *p, int events, uint8_t *into, uint32_t *timestamp
) noexcept nogil
cdef int renumber_idle(const Renumber *r) noexcept nogil
cdef void renumber_settle(Renumber *r, Sender *o) noexcept nogil


cdef class RtpRelay(RtpSender):
    cdef Renumber numbers
    cdef int busy(self) noexcept
