"""Two streams whose peers hear each other: packets pass from one to the other.

A link is one stream's end, touched by who holds the stream's gate. `inbox` is put into by who holds
the other stream's gate.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_limits cimport FRAME_BYTES
from fastpath.rtp_loop cimport Stream
from fastpath.rtp_pipe cimport Pipe

cdef struct Link:
    Stream *stream
    uint8_t *gate  # of the stream
    Link *other
    uint8_t events  # keys are passed on, too
    uint8_t muted  # what this peer says is not passed on
    uint8_t parked  # this peer neither hears the other one nor is heard
    Pipe inbox  # packets for this peer that came while the stream was held
    # how the other peer's numbers become this stream's
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
    # what taps are told, in frames
    int64_t say_ns
    uint32_t say_timestamp
    uint16_t rest_size
    uint8_t rest[FRAME_BYTES]
    uint64_t passed
    uint64_t over  # not passed on: the peer heard a prompt or keys, or was not there

cdef int bridge_join(
    Stream *a, uint8_t *gate_a, Stream *b, uint8_t *gate_b, int events
) noexcept
cdef Link *bridge_of(const Stream *s) noexcept nogil
cdef void bridge_part(Link *l) noexcept
cdef void bridge_mute(Link *l, int on) noexcept
cdef void bridge_park(Link *l, int on) noexcept
cdef void gate_take(uint8_t *gate) noexcept
