"""The recorded frames of one stream, both sides: a ring from the media thread to Python."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_limits cimport FRAME_BYTES, RECORD_ENTRIES
from fastpath.rtp_loop cimport Stream

cdef enum Side:
    SIDE_SENT
    SIDE_HEARD

cdef struct RecordEntry:  # as numpy reads it: see RECORD_DTYPE in rtp.pyx
    int64_t position  # samples since the recording began
    uint8_t side
    uint8_t payload_type
    uint16_t size
    uint32_t begins  # RTP's marker: nothing was lost before it
    uint8_t payload[FRAME_BYTES]

cdef struct Placing:  # maps the peer's timestamps to positions
    uint32_t ssrc
    uint32_t timestamp
    int64_t position
    int64_t late_min  # of the packets since the mapping was moved or looked at
    int64_t owed  # the mapping is to be moved by so much
    uint32_t owed_for  # packets
    uint32_t packets
    uint32_t moves
    uint8_t anchored

cdef struct RecordRing:
    int64_t start_ns
    uint32_t head
    uint32_t tail
    uint64_t dropped
    Placing placing
    uint8_t on
    RecordEntry entries[RECORD_ENTRIES]

cdef int record_start(Stream *s, int64_t now_ns) noexcept
cdef RecordRing *record_of(const Stream *s) noexcept nogil
cdef bytes record_take(RecordRing *r)


cdef class RecordPlacing:
    cdef Placing state
