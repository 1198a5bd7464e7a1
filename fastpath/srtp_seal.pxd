"""SRTP and SRTCP as one side sends it: keys and packet counters of one SSRC. Nothing allocates."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from fastpath.rtp_limits cimport DATAGRAM_BYTES_MAX, SRTP_EXTRA_MAX
from fastpath.srtp_keys cimport Keys

cdef struct Sealer:
    Keys keys
    uint32_t roc
    uint32_t rtcp_index
    uint16_t seq
    uint8_t started

cdef int srtp_seal(Sealer *s, const uint8_t *data, int size, uint8_t *out) noexcept nogil
cdef int srtcp_seal(Sealer *s, const uint8_t *data, int size, uint8_t *out) noexcept nogil


cdef class SrtpSealer:
    cdef Sealer state
    cdef uint8_t out[DATAGRAM_BYTES_MAX + SRTP_EXTRA_MAX]
