"""Bridges and rooms as Python sees them: who talks with whom."""

from libc.stdint cimport int64_t, uint8_t

from fastpath.rtp_bridge cimport Link
from fastpath.rtp_engine cimport StreamEngine
from fastpath.rtp_loop cimport Stream
from fastpath.rtp_room cimport Member, Room


cdef class RoomHandle:
    cdef Room *room
    cdef set streams  # ids of its parties
    cdef set guests  # and of those that it overhears


cdef class PartyEngine(StreamEngine):
    cdef dict rooms  # by number
    cdef dict room_of  # number of the room by stream
    cdef int64_t rooms_made

    cdef RoomHandle find_room(self, int64_t room)
    cdef uint8_t *gate_of(self, const Stream *s) noexcept
    cdef object meet_nobody(self, int64_t stream)
    cdef object forget_guest(self, int64_t stream)
    cdef object shut(self, Stream *s)
    cdef int silence(self, int64_t stream, int muted, int parked) except -1
