# cython: auto_pickle=False, autotestdict=False
"""What was heard goes in in packets of any length, and comes out in frames of 20 ms.

A packet that does not fit is dropped whole: a sender that is faster than us must not make the echo
later and later.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastpath.rtp_limits cimport FRAME_BYTES
from fastpath.rtp_loop cimport Stream, Tap, tap_add, tap_remove
from fastpath.rtp_receive cimport Packet


cdef void tap_hear(
    void *state, Stream *s, const Packet *p, const uint8_t *audio, int64_t _at_ns
) noexcept nogil:
    if p.payload_type == s.sender.payload_type:
        echo_hear(<Echo *> state, audio, p.payload_bytes)


cdef int feed_fill(void *state, uint32_t _frame, uint8_t _law, uint8_t *audio) noexcept nogil:
    return echo_take(<Echo *> state, audio)


cdef void tap_drop(void *state, Stream *_s) noexcept:
    free(state)


cdef int echo_on(Stream *s) noexcept:
    """Say back what a held stream hears, from an empty queue on; 0: no memory, or another feed."""
    cdef Tap tap
    echo_off(s)
    if s.sender.feed.fill != NULL:
        return 0
    tap.state = calloc(1, sizeof(Echo))
    tap.hear = tap_hear
    tap.say = NULL
    tap.turn = NULL
    tap.drop = tap_drop
    if tap.state == NULL or not tap_add(s, &tap):
        free(tap.state)
        return 0
    s.sender.feed.state = tap.state
    s.sender.feed.fill = feed_fill
    return 1


cdef void echo_off(Stream *s) noexcept:
    """Stop saying back."""
    cdef void *state = s.sender.feed.state
    if s.sender.feed.fill != feed_fill:
        return
    s.sender.feed.fill = NULL
    tap_remove(s, state)
    free(state)


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
