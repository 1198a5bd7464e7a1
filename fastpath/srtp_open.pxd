"""SRTP and SRTCP as one side receives it: keys, packet counters, replay windows.

Nothing allocates.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_limits cimport DATAGRAM_BYTES_MAX, SOURCES_MAX
from fastpath.srtp_keys cimport Keys

cdef struct Sealed:  # one SSRC of theirs that was authentic once
    int64_t highest  # index of the newest packet: rollover counter and sequence number
    uint64_t window  # bit i: highest - i arrived
    int64_t rtcp_highest
    uint64_t rtcp_window
    uint64_t used  # order of use; 0: free
    uint32_t ssrc
    uint8_t rekeyed  # and no RTP (1) or RTCP (2) arrived since

cdef struct Opener:
    Keys keys
    Sealed sources[SOURCES_MAX]
    uint64_t clock
    uint64_t failed  # not authentic, or no packet at all
    uint64_t replayed  # authentic once before, or too old to tell

cdef void srtp_rekey(Opener *o, const Keys *keys) noexcept nogil
cdef int srtp_open(Opener *o, const uint8_t *data, int size, uint8_t *out) noexcept nogil


cdef class SrtpOpener:
    cdef Opener state
    cdef uint8_t out[DATAGRAM_BYTES_MAX]
