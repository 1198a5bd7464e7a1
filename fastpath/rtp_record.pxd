"""The recorded frames of one stream, both sides: a ring from the media thread to Python."""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_conceal cimport Conceal
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


cdef class Tape:
    cdef int16_t *pcm  # both sides, from position `written` on
    cdef int64_t room  # samples of each side in it
    cdef int64_t written  # position up to which samples were handed out
    cdef int64_t end  # of what was laid
    cdef uint8_t *there  # of what we heard: see the enum in the source
    cdef int hold
    cdef uint64_t left_out
    cdef uint64_t made_up
    cdef int spoken  # the peer said anything so far
    cdef int64_t mended  # samples behind `written` that need no concealment any more
    cdef Conceal conceal

    cdef int make_room(self, int64_t samples) except -1
    cdef int lay(self, const RecordEntry *e) except -1
    cdef int is_lost(self, int64_t at, int64_t *end) noexcept
    cdef void mend(self, int64_t count) noexcept
    cdef bytes cut(self, int64_t until)


cdef class RecordPlacing:
    cdef Placing state
