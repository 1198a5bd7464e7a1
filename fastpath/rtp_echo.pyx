# cython: auto_pickle=False, autotestdict=False
"""What was heard goes in in packets of any length, and comes out in frames of 20 ms.

A packet that does not fit is dropped whole: a sender that is faster than us must not make the echo
later and later.
"""

from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastpath.rtp_limits cimport FRAME_BYTES


cdef Echo *echo_renew(Echo *before, int on) noexcept:
    """An empty queue instead of another one; NULL when it is not on, or there is no memory."""
    free(before)
    return <Echo *> calloc(1, sizeof(Echo)) if on else NULL


cdef void echo_hear(Echo *e, const uint8_t *audio, int size) noexcept nogil:
    """Keep a packet's audio."""
    cdef int i
    if size > ECHO_BYTES_MAX - e.count:
        return
    for i in range(size):
        e.data[(e.at + e.count + i) % ECHO_BYTES_MAX] = audio[i]
    e.count += <uint16_t> size


cdef int echo_take(Echo *e, uint8_t *frame) noexcept nogil:
    """The next frame; 0 when there is no whole one."""
    cdef int i
    if e.count < FRAME_BYTES:
        return 0
    for i in range(FRAME_BYTES):
        frame[i] = e.data[(e.at + i) % ECHO_BYTES_MAX]
    e.at = <uint16_t> ((e.at + FRAME_BYTES) % ECHO_BYTES_MAX)
    e.count -= FRAME_BYTES
    return 1


cdef class RtpEcho:
    """The queue by itself."""

    def __cinit__(self):
        memset(&self.state, 0, sizeof(Echo))

    def hear(self, const uint8_t[::1] audio):
        if audio.shape[0]:
            echo_hear(&self.state, &audio[0], <int> min(audio.shape[0], 65535))

    def take(self):
        cdef uint8_t frame[FRAME_BYTES]
        if not echo_take(&self.state, &frame[0]):
            return b""
        return <bytes> frame[:FRAME_BYTES]
