# cython: auto_pickle=False, autotestdict=False
"""Recorded frames laid out: samples of both sides in a row.

A tape holds no more than what still may be overtaken. What of the peer's audio is lost is concealed
for 60 ms, then it is silence. Lost is what lies before a packet without RTP's marker; before one
with it the peer said nothing (RFC 3551 section 4.1). A peer whose next packet is not there yet when
its place is handed out is taken to be silent.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcpy, memmove, memset

from fastpath.g711 cimport alaw_linear, ulaw_linear
from fastpath.rtp_conceal cimport conceal_heard, conceal_init, conceal_lost, conceal_recall
from fastpath.rtp_limits cimport FRAME_BYTES, PAYLOAD_PCMA
from fastpath.rtp_record cimport SIDE_HEARD

cdef extern from * nogil:
    """
    #include <stdint.h>
    /* One side of stereo. Unrolled it takes two thirds of the time. */
    static inline void dl_decode_side(
        int16_t *restrict into, const uint8_t *restrict from, const int16_t *linear, int size
    ) {
        _Pragma("GCC unroll 8")
        for (int i = 0; i < size; i++)
            into[2 * i] = linear[from[i]];
    }
    """
    void decode_side "dl_decode_side"(
        int16_t *into, const uint8_t *start, const int16_t *linear, int size
    )

cdef enum:
    SIDES = 2
    RATE = 8000
    # of a sample that we heard
    MISSING = 0
    THERE = 1
    BEGINS = 2  # the first of a talk spurt
    POSITION_MAX = 1 << 30  # samples: 37 hours
    ROOM_MAX = 8 * RATE  # samples a tape holds at most: a ring is 5 s of one side
    PAYLOAD_AT = 16  # octets of an entry before its audio


cdef class Tape:

    def __init__(self, int hold=RATE // 4):
        if not 0 <= hold <= ROOM_MAX // 2:
            raise ValueError(f"a hold of {hold} samples")
        self.hold = hold
        conceal_init(&self.conceal)

    def __dealloc__(self):
        free(self.pcm)
        free(self.there)

    cdef int make_room(self, int64_t samples) except -1:
        """So many samples from `written` on; new ones are silent."""
        cdef size_t size = <size_t> samples * SIDES * sizeof(int16_t)
        cdef size_t had = <size_t> self.room * SIDES * sizeof(int16_t)
        cdef int16_t *pcm
        cdef uint8_t *there
        if samples <= self.room:
            return 0
        pcm = <int16_t *> realloc(self.pcm, size)
        if pcm == NULL:
            raise MemoryError
        self.pcm = pcm
        there = <uint8_t *> realloc(self.there, <size_t> samples)
        if there == NULL:
            raise MemoryError
        self.there = there
        memset(<char *> pcm + had, 0, size - had)
        memset(there + self.room, MISSING, <size_t> (samples - self.room))
        self.room = samples
        return 0

    cdef int lay(self, const RecordEntry *e, const uint8_t *payload) except -1:
        """Decode one frame into its place; what came too late for that is left out."""
        cdef const int16_t *linear = (
            &alaw_linear[0] if e.payload_type == PAYLOAD_PCMA else &ulaw_linear[0]
        )
        cdef int size = min(<int> e.size, FRAME_BYTES)
        cdef int64_t at = e.position - self.written
        if at < 0 or e.side >= SIDES or at + size > ROOM_MAX:
            self.left_out += 1
            return 0
        self.make_room(at + size)
        decode_side(self.pcm + at * SIDES + e.side, payload, linear, size)
        if e.side == SIDE_HEARD and size:
            memset(self.there + at, THERE, <size_t> size)
            if e.begins:
                self.there[at] = BEGINS
        if self.end < e.position + size:
            self.end = e.position + size
        return 0

    cdef int64_t gap_end(self, int64_t at) noexcept:
        """Where what is missing from `at` on ends."""
        cdef uint64_t eight = 0
        while at + 8 <= self.room:
            memcpy(&eight, self.there + at, 8)
            if eight:
                break
            at += 8
        while at < self.room and self.there[at] == MISSING:
            at += 1
        return at

    cdef int64_t talk_end(self, int64_t at) noexcept:
        """Where what is there from `at` on ends."""
        cdef const uint8_t *end = <const uint8_t *> memchr(
            self.there + at, MISSING, <size_t> (self.room - at)
        )
        return self.room if end == NULL else end - self.there

    cdef int conceal_frame(self, int64_t at, int size, int lost) noexcept:
        """Make up what was lost, or let what follows on that begin smoothly."""
        cdef int16_t frame[FRAME_BYTES]
        cdef int16_t *pcm = self.pcm + at * SIDES + SIDE_HEARD
        cdef int i
        if lost:
            conceal_lost(&self.conceal, &frame[0], size)
            self.made_up += <uint64_t> size
        else:
            for i in range(size):
                frame[i] = pcm[i * SIDES]
            conceal_heard(&self.conceal, &frame[0], size)
        for i in range(size):
            pcm[i * SIDES] = frame[i]
        return size

    cdef void mend(self, int64_t count) noexcept:
        """Conceal what was lost in the next samples.

        Audio behind a gap is changed at its beginning: its first frame is done as a whole, even
        where only a part of it is handed out now. All other audio stays as it is; of it only the
        end is remembered, when a gap begins or it is handed out.
        """
        cdef int64_t at = self.mended, known = at, end
        cdef int lost
        while at < count:
            lost = 0
            if self.there[at] == MISSING:
                end = self.gap_end(at)
                lost = self.spoken and end < self.room and self.there[end] == THERE
                end = min(end, count)
            else:
                self.spoken = 1
                end = self.talk_end(at)
            if lost or self.conceal.gap:
                self.recall(known, at)
            while at < end and (lost or self.conceal.gap):
                at += self.conceal_frame(at, <int> min(end - at, FRAME_BYTES), lost)
                known = at
            at = max(at, min(end, count))
        self.recall(known, at)
        self.mended = at - count

    cdef void recall(self, int64_t begin, int64_t end) noexcept:
        """What was heard here is what a concealment would go on from."""
        conceal_recall(
            &self.conceal, self.pcm + begin * SIDES + SIDE_HEARD, SIDES, end - begin
        )

    cdef bytes cut(self, int64_t until):
        """The samples up to position `until`."""
        cdef int64_t count = until - self.written
        cdef int64_t left
        if count <= 0:
            return b""
        self.make_room(count)
        self.mend(count)
        out = PyBytes_FromStringAndSize(<char *> self.pcm, <Py_ssize_t> (count * SIDES * 2))
        left = self.room - count
        memmove(self.pcm, self.pcm + count * SIDES, <size_t> left * SIDES * 2)
        memset(self.pcm + left * SIDES, 0, <size_t> count * SIDES * 2)
        memmove(self.there, self.there + count, <size_t> left)
        memset(self.there + left, MISSING, <size_t> count)
        self.written = until
        return out

    def take(self, const uint8_t[::1] entries, bint rest=False):
        cdef Py_ssize_t count = entries.shape[0] // <Py_ssize_t> sizeof(RecordEntry), i
        cdef int64_t position
        cdef RecordEntry e
        cdef const uint8_t *entry
        if entries.shape[0] != count * <Py_ssize_t> sizeof(RecordEntry):
            raise ValueError("not whole entries")
        pieces = []
        for i in range(count):
            entry = &entries[i * <Py_ssize_t> sizeof(RecordEntry)]
            memcpy(&e, entry, PAYLOAD_AT)  # it may lie at any address
            position = e.position
            if not 0 <= position < POSITION_MAX:
                self.left_out += 1
                continue
            if position - self.written > ROOM_MAX - FRAME_BYTES:  # nobody said anything for long
                if self.end > self.written:
                    pieces.append((self.written, self.cut(self.end)))
                free(self.pcm)
                free(self.there)
                self.pcm = NULL
                self.there = NULL
                self.room = self.mended = self.spoken = 0
                conceal_init(&self.conceal)
                self.written = self.end = position - self.hold
            self.lay(&e, entry + PAYLOAD_AT)
        last = self.cut(self.end if rest else self.end - self.hold)
        if last:
            pieces.append((self.written - len(last) // (SIDES * 2), last))
        return pieces

    @property
    def samples(self):
        return self.written

    @property
    def late(self):
        return self.left_out

    @property
    def concealed(self):
        return self.made_up
