"""Two streams whose peers hear each other: packets pass from one to the other.

A link is one stream's end, touched by who holds the stream's gate. `inbox` is put into by who holds
the other stream's gate.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_loop cimport Stream
from fastpath.rtp_pipe cimport Pipe
from fastpath.rtp_renumber cimport Renumber

cdef struct Link:
    Stream *stream
    uint8_t *gate  # of the stream
    Link *other
    uint8_t events  # keys are passed on, too
    uint8_t muted  # what this peer says is not passed on
    uint8_t parked  # this peer neither hears the other one nor is heard
    Pipe inbox  # packets for this peer that came while the stream was held
    Renumber numbers  # of the other peer's packets
    # what taps are told: when the last packet had its place
    int64_t say_ns
    uint32_t say_timestamp
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
