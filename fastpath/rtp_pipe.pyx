# cython: auto_pickle=False, autotestdict=False
"""Packets on their way between streams: a ring with one putting and one taking side."""

from libc.string cimport memcpy

from fastpath.atomics cimport get32, set32


cdef void parcel_fill(
    Parcel *p, const Packet *packet, const uint8_t *body, int event, int64_t now_ns
) noexcept nogil:
    """Copy a packet; its payload has at most PARCEL_BYTES_MAX octets."""
    p.now_ns = now_ns
    p.ssrc = packet.ssrc
    p.timestamp = packet.timestamp
    p.seq = packet.seq
    p.size = packet.payload_bytes
    p.payload_type = packet.payload_type
    p.event = <uint8_t> event
    p.marker = packet.marker
    memcpy(&p.body[0], body, packet.payload_bytes)


cdef int pipe_put(Pipe *pipe, const Parcel *p) noexcept nogil:
    """Put a packet in; 0 and counted when nobody took those before it."""
    cdef Parcel *into
    if pipe.head - get32(&pipe.tail) == PARCELS_MAX:
        pipe.dropped += 1
        return 0
    into = &pipe.parcels[pipe.head % PARCELS_MAX]
    memcpy(into, p, sizeof(Parcel) - PARCEL_BYTES_MAX + p.size)
    set32(&pipe.head, pipe.head + 1)
    return 1


cdef const Parcel *pipe_next(Pipe *pipe) noexcept nogil:
    """The oldest packet, valid until `pipe_took`; NULL when there is none."""
    if pipe.tail == get32(&pipe.head):
        return NULL
    return &pipe.parcels[pipe.tail % PARCELS_MAX]


cdef void pipe_took(Pipe *pipe) noexcept nogil:
    """The oldest packet is done with."""
    set32(&pipe.tail, pipe.tail + 1)
