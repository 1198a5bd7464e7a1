"""Packets on their way from one stream to another one, or to a room.

One side puts, the other takes, each of them one at a time (who holds a gate); neither waits.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_limits cimport PARCEL_BYTES_MAX, PARCELS_MAX
from fastpath.rtp_receive cimport Packet

cdef struct Parcel:
    int64_t now_ns  # when it was read from the socket
    uint32_t ssrc
    uint32_t timestamp
    uint16_t seq
    uint16_t size
    uint8_t payload_type  # law or comfort noise, if it is no event
    uint8_t event  # RFC 4733
    uint8_t marker
    uint8_t body[PARCEL_BYTES_MAX]

cdef struct Pipe:
    uint32_t head  # written by who puts
    uint32_t tail  # written by who takes
    uint64_t dropped  # too long, or nobody took
    Parcel parcels[PARCELS_MAX]

cdef void parcel_fill(
    Parcel *p, const Packet *packet, const uint8_t *body, int event, int64_t now_ns
) noexcept nogil
cdef int pipe_put(Pipe *pipe, const Parcel *p) noexcept nogil
cdef const Parcel *pipe_next(Pipe *pipe) noexcept nogil
cdef void pipe_took(Pipe *pipe) noexcept nogil
