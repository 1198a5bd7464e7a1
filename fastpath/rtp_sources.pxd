"""The books of one stream's sources. Pure: time is an argument."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_receive cimport Packet, Receiver, Source

cdef Source *source_of(Receiver *r, uint32_t ssrc, uint16_t seq, int *fresh) noexcept nogil
cdef int source_sequence(Receiver *r, Source *s, const Packet *p, int64_t at_ns) noexcept nogil
cdef void source_jitter(Source *s, uint32_t timestamp, int64_t at_ns) noexcept nogil
cdef void receiver_settle(Receiver *r) noexcept nogil
cdef uint64_t receiver_expected(const Receiver *r) noexcept nogil
cdef uint64_t receiver_lost(const Receiver *r) noexcept nogil
cdef double receiver_jitter_ms(const Receiver *r) noexcept nogil
