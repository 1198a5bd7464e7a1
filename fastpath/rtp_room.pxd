"""Rooms: parties of any threads whose voices are mixed, every 20 ms.

A room belongs to who turned its gate from IDLE: the first party whose turn comes in a period of
20 ms mixes for all. Packets reach the room, and frames the parties, by rings that nobody waits for.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

from fastpath.rtp_jitter cimport Jitter
from fastpath.rtp_limits cimport FRAME_BYTES, MIXED_MAX, PARTIES_MAX
from fastpath.rtp_loop cimport Stream
from fastpath.rtp_mix cimport Mix
from fastpath.rtp_pipe cimport Pipe

cdef struct Member:
    Stream *stream
    Room *room
    int party
    uint8_t muted  # nobody hears it
    uint8_t parked  # nor does it hear anybody
    uint8_t overheard  # the room hears it, and it nothing of the room
    Pipe inbox  # of its stream to the room
    uint32_t head  # written by who mixes
    uint32_t tail  # written by its stream's thread
    uint8_t behind  # turns with more than one frame waiting
    int16_t mixed[MIXED_MAX][FRAME_BYTES]
    Jitter jitter

cdef struct Guest:  # a stream that a room hears without its noticing
    Member *voice  # what the peer says; seated when the peer takes part
    Member *played  # what is played to it; NULL where nobody wants that
    uint8_t begun  # a prompt plays

cdef struct Room:
    uint8_t gate
    uint8_t over  # parties hear it over prompts, too
    int users  # members, and Python's handle
    uint64_t due_ns
    uint64_t ticks
    Mix mix
    Member *members[PARTIES_MAX]
    int16_t frames[PARTIES_MAX][FRAME_BYTES]
    int32_t total[FRAME_BYTES]

cdef Room *room_new() noexcept
cdef void room_release(Room *room) noexcept
cdef Member *room_enter(Room *room, Stream *s, int role) noexcept
cdef Member *room_member(const Stream *s) noexcept nogil
cdef void room_leave(Member *m) noexcept
cdef Guest *room_guest(const Stream *s) noexcept nogil
cdef Guest *guest_enter(Room *room, Stream *s, int role, int played) noexcept
cdef void guest_leave(Guest *g) noexcept
cdef void room_mix(Room *room, int64_t now_ns) noexcept nogil
