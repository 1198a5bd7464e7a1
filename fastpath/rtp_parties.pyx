# cython: auto_pickle=False, autotestdict=False
"""Who talks with whom, as Python sees it."""

import errno

from fastpath.atomics cimport set8
from fastpath.rtp_bridge cimport (
    bridge_join,
    bridge_mute,
    bridge_of,
    bridge_park,
    bridge_part,
    gate_take,
)
from fastpath.rtp_limits cimport PARTIES_MAX, ROOMS_MAX
from fastpath.rtp_loop cimport GATE_IDLE
from fastpath.rtp_mix cimport mix_enter, mix_set
from fastpath.rtp_room cimport (
    Guest,
    guest_enter,
    guest_leave,
    room_enter,
    room_guest,
    room_leave,
    room_member,
    room_new,
    room_release,
)

from fastpath.rtp_mix import ROLES as _ROLES


cdef class RoomHandle:

    def __cinit__(self):
        self.room = room_new()
        self.streams = set()
        self.guests = set()
        if self.room == NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.room != NULL:
            room_release(self.room)


cdef class PartyEngine(StreamEngine):

    def __cinit__(self):
        self.rooms = {}
        self.room_of = {}

    cdef uint8_t *gate_of(self, const Stream *s) noexcept:
        return &self.gates[s - self.streams]

    cdef object meet_nobody(self, int64_t stream):
        """Take a stream out of its bridge or room."""
        self.unbridge(stream)
        self.leave(stream)

    # ---- two

    def bridge(self, int64_t a, int64_t b, *, bint events=True):
        cdef Stream *one
        cdef Stream *two
        cdef int taken, device, joined = 0
        if a == b:
            raise ValueError("a stream cannot be bridged with itself")
        self.meet_nobody(a)
        self.meet_nobody(b)
        one = self.hold(min(a, b))
        try:
            two = self.hold(max(a, b))
        except KeyError:
            self.let_go(one)
            raise
        taken = one.sender.feed.fill != NULL or two.sender.feed.fill != NULL
        device = one.serve != NULL or two.serve != NULL
        if not taken and not device:
            joined = bridge_join(one, self.gate_of(one), two, self.gate_of(two), events)
        self.let_go(two)
        self.let_go(one)
        if taken:
            raise ValueError("a stream that echoes cannot be bridged")
        if device:
            raise ValueError("a modem sends no packets: it meets others in a room")
        if not joined:
            raise MemoryError

    def unbridge(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Link *link = bridge_of(s)
        if link != NULL:
            bridge_part(link)
        self.let_go(s)

    def bridged(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Link *link = bridge_of(s)
        found = None
        if link != NULL:
            found = (link.other.stream.id, link.passed, link.over + link.inbox.dropped)
        self.let_go(s)
        return found

    # ---- many

    cdef RoomHandle find_room(self, int64_t room):
        if room not in self.rooms:
            raise KeyError(f"no such room: {room}")
        return <RoomHandle> self.rooms[room]

    def room(self, *, bint over=False):
        if len(self.rooms) >= ROOMS_MAX:
            raise OSError(errno.ENOBUFS, f"the media engine has its {ROOMS_MAX} rooms")
        self.rooms_made += 1
        handle = RoomHandle()
        handle.room.over = over
        self.rooms[self.rooms_made] = handle
        return self.rooms_made

    def join(self, int64_t room, int64_t stream, str role="agent", *, hears=None, heard_by=None):
        cdef RoomHandle handle = self.find_room(room)
        cdef Stream *s
        cdef Member *m
        cdef int code, taken, i
        if role not in _ROLES:
            raise ValueError(f"not a role: {role}")
        code = _ROLES.index(role)
        # whatever may raise: nothing of Python's runs while the stream and the room are held
        hearing = None if hears is None else frozenset(map(int, hears))
        audience = None if heard_by is None else frozenset(map(int, heard_by))
        if self.room_of.get(stream) != room:
            self.meet_nobody(stream)
        s = self.hold(stream)
        m = room_member(s)
        taken = m == NULL and s.sender.feed.fill != NULL
        if m == NULL and not taken:
            m = room_enter(handle.room, s, code)
        if m != NULL:
            gate_take(&handle.room.gate)
            mix_enter(&handle.room.mix, m.party, code)
            for i in range(PARTIES_MAX):
                if handle.room.members[i] != NULL:
                    other = handle.room.members[i].stream.id
                    if hearing is not None:
                        mix_set(&handle.room.mix, m.party, i, other in hearing)
                    if audience is not None:
                        mix_set(&handle.room.mix, i, m.party, other in audience)
            set8(&handle.room.gate, GATE_IDLE)
            handle.streams.add(stream)
            self.room_of[stream] = room
        self.let_go(s)
        if taken:
            raise ValueError("a stream that echoes cannot join a room")
        if m == NULL:
            raise OSError(errno.ENOBUFS, f"a room has at most {PARTIES_MAX} parties")

    def leave(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Member *m = room_member(s)
        if m != NULL:
            room_leave(m)
        self.let_go(s)
        room = self.room_of.pop(stream, 0)
        if room:
            self.find_room(room).streams.discard(stream)

    def overhear(
        self, int64_t room, int64_t stream, str role="customer", *, bint played=False
    ):
        cdef RoomHandle handle = self.find_room(room)
        cdef Stream *s
        cdef Guest *g
        if role not in _ROLES:
            raise ValueError(f"not a role: {role}")
        s = self.hold(stream)
        g = room_guest(s)
        taken = g != NULL
        if not taken:
            g = guest_enter(handle.room, s, _ROLES.index(role), played)
            if g != NULL:
                handle.guests.add(stream)
        self.let_go(s)
        if taken:
            raise ValueError(f"stream {stream} is overheard already")
        if g == NULL:
            raise OSError(errno.ENOBUFS, "there is no place for one who is overheard")

    def overhear_no_more(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Guest *g = room_guest(s)
        if g != NULL:
            guest_leave(g)
        self.let_go(s)
        self.forget_guest(stream)

    cdef object forget_guest(self, int64_t stream):
        """It is in the books of the room that overheard it, and of that where it had a seat."""
        for handle in self.rooms.values():
            if stream in (<RoomHandle> handle).guests:
                (<RoomHandle> handle).guests.discard(stream)
                (<RoomHandle> handle).streams.discard(stream)
                if self.rooms.get(self.room_of.get(stream)) is handle:
                    del self.room_of[stream]

    def parties(self, int64_t room):
        return set(self.find_room(room).streams)

    def close_room(self, int64_t room):
        for stream in list(self.find_room(room).streams):
            self.leave(stream)
        for stream in list(self.find_room(room).guests):
            self.overhear_no_more(stream)
        del self.rooms[room]

    cdef object shut(self, Stream *s):
        """Free a held stream; it leaves its bridge or room."""
        room = self.room_of.pop(s.id, 0)
        if room:
            self.find_room(room).streams.discard(s.id)
        if room_guest(s) != NULL:
            self.forget_guest(s.id)
        return StreamEngine.shut(self, s)

    # ---- a party

    cdef int silence(self, int64_t stream, int muted, int parked) except -1:
        """Set what is not negative."""
        cdef Stream *s = self.hold(stream)
        cdef Link *link = bridge_of(s)
        cdef Member *m = room_member(s)
        if link != NULL:
            if muted >= 0:
                bridge_mute(link, muted)
            if parked >= 0:
                bridge_park(link, parked)
        elif m != NULL:
            gate_take(&m.room.gate)
            m.muted = <uint8_t> muted if muted >= 0 else m.muted
            m.parked = <uint8_t> parked if parked >= 0 else m.parked
            set8(&m.room.gate, GATE_IDLE)
        self.let_go(s)
        if link == NULL and m == NULL:
            raise ValueError(f"stream {stream} meets nobody")
        return 0

    def mute(self, int64_t stream, bint on=True):
        self.silence(stream, on, -1)

    def park(self, int64_t stream, bint on=True):
        self.silence(stream, -1, on)
