"""What was heard in one stream, to be said back: a short queue of audio bytes.

Pure. The media thread alone touches it while the stream is served, Python while it holds it.
"""

from libc.stdint cimport uint8_t, uint16_t

from fastpath.rtp_limits cimport ECHO_BYTES_MAX
from fastpath.rtp_loop cimport Stream

cdef struct Echo:
    uint16_t at  # of the oldest byte
    uint16_t count
    uint8_t data[ECHO_BYTES_MAX]

cdef int echo_on(Stream *s) noexcept
cdef void echo_off(Stream *s) noexcept
cdef void echo_hear(Echo *e, const uint8_t *audio, int size) noexcept nogil
cdef int echo_take(Echo *e, uint8_t *frame) noexcept nogil


cdef class RtpEcho:
    cdef Echo state
