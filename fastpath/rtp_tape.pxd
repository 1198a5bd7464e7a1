"""Recorded frames of one stream, laid out as stereo samples."""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint64_t

from fastpath.rtp_conceal cimport Conceal
from fastpath.rtp_record cimport RecordEntry


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
    cdef int lay(self, const RecordEntry *e, const uint8_t *payload) except -1
    cdef int64_t gap_end(self, int64_t at) noexcept
    cdef int64_t talk_end(self, int64_t at) noexcept
    cdef int conceal_frame(self, int64_t at, int size, int lost) noexcept
    cdef void recall(self, int64_t begin, int64_t end) noexcept
    cdef void mend(self, int64_t count) noexcept
    cdef bytes cut(self, int64_t until)
