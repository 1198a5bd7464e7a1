"""The detector of keys on one stream: what its peer says, put in order, goes into `Dtmf`."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.dtmf cimport Dtmf
from fastpath.rtp_loop cimport Stream

cdef struct Tones:
    Dtmf detector
    # what should come next
    uint32_t ssrc
    uint32_t timestamp
    uint16_t seq
    uint8_t anchored
    # against a peer that is faster than time: at most so much is heard
    int64_t begun_ns
    uint64_t too_fast  # packets

cdef int tones_on(Stream *s) noexcept
cdef void tones_off(Stream *s) noexcept
