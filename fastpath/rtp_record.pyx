# cython: auto_pickle=False, autotestdict=False
"""A recorded stream: each frame with its place in the time of the call.

The media thread puts frames into a ring. What nobody takes in time is dropped and counted. A
`Tape` (rtp_tape) lays taken frames out.

Where a frame belongs: ours at its own time. The peer's by its timestamp, which jitter does not
move, and the timestamps so that the quickest packets lie where they arrived: every two seconds the
mapping is moved by as much as the quickest of them was late (the peer's clock is slower than ours,
or its way became longer) or early: when the peer is quiet, for a move leaves out audio or makes a
gap; the longer that takes, the louder it may be, and 100 ms are moved at once. What is more than
200 ms off begins anew at its arrival.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fastpath.atomics cimport get32, set32
from fastpath.g711 cimport alaw_linear, ulaw_linear
from fastpath.rtp_limits cimport PAYLOAD_NOISE, PAYLOAD_PCMA, SAMPLE_NS
from fastpath.rtp_loop cimport Tap, tap_add, tap_state
from fastpath.rtp_receive cimport Packet

# as numpy reads a RecordEntry
RECORD_DTYPE = [
    ("position", "<i8"),
    ("side", "u1"),
    ("payload_type", "u1"),
    ("size", "<u2"),
    ("begins", "<u4"),
    ("payload", "u1", (FRAME_BYTES,)),
]

cdef enum:
    OFF_MAX = 1600  # samples, 200 ms between a frame's place and its arrival
    MOVE_MIN = 80  # 10 ms: less is left alone
    MOVE_PACKETS = 100
    MOVE_NOW = 800  # 100 ms: more is not put off until the peer is quiet
    QUIET = 100  # mean amplitude below which nobody speaks: -50 dBFS
    LOUDER = 25  # packets: so much longer a move is owed, it may be twice as loud


# ---- where a frame belongs

cdef int64_t place(
    Placing *p, uint32_t ssrc, uint32_t timestamp, int64_t arrival, int quiet
) noexcept nogil:
    """The position of a packet's first sample, given that of its arrival."""
    cdef int64_t position, late
    if p.owed and (quiet or not -MOVE_NOW < p.owed < MOVE_NOW):
        p.position += p.owed
        p.owed = 0
        p.owed_for = 0
        p.packets = 0
        p.moves += 1
    position = p.position + <int32_t> (timestamp - p.timestamp)
    if not p.anchored or p.ssrc != ssrc or not -OFF_MAX <= arrival - position <= OFF_MAX:
        position = arrival
        p.packets = 0
        p.owed = 0
    late = arrival - position
    if p.packets == 0 or late < p.late_min:
        p.late_min = late
    p.packets += 1
    p.anchored = 1
    p.ssrc = ssrc
    p.timestamp = timestamp
    p.position = position
    if p.packets == MOVE_PACKETS:
        p.packets = 0
        p.owed = 0 if -MOVE_MIN < p.late_min < MOVE_MIN else p.late_min
    return position


cdef int is_quiet(const Packet *p, const uint8_t *audio, int limit) noexcept nogil:
    """Whether the mean amplitude of a packet is below a limit."""
    cdef const int16_t *linear = (
        &alaw_linear[0] if p.payload_type == PAYLOAD_PCMA else &ulaw_linear[0]
    )
    cdef int i, sum = 0
    for i in range(p.payload_bytes):
        sum += -linear[audio[i]] if linear[audio[i]] < 0 else linear[audio[i]]
    return sum < limit * p.payload_bytes


cdef int64_t place_heard(
    Placing *p, const Packet *packet, const uint8_t *audio, int64_t arrival
) noexcept nogil:
    """The position of a packet; where nobody speaks, the mapping may be moved."""
    cdef int quiet = packet.marker
    if p.owed:
        quiet |= is_quiet(packet, audio, QUIET << min(p.owed_for // LOUDER, 9))
        p.owed_for += 1
    return place(p, packet.ssrc, packet.timestamp, arrival, quiet)


# ---- the ring

cdef void put(
    RecordRing *r,
    uint8_t side,
    uint8_t payload_type,
    int64_t position,
    const uint8_t *audio,
    int size,
    int begins,
) noexcept nogil:
    """Hand out audio in entries of one frame at most."""
    cdef RecordEntry *e
    cdef int part
    while size > 0:
        part = min(size, FRAME_BYTES)
        if r.head - get32(&r.tail) == RECORD_ENTRIES:
            r.dropped += 1
            return
        e = &r.entries[r.head % RECORD_ENTRIES]
        e.position = position
        e.side = side
        e.payload_type = payload_type
        e.size = <uint16_t> part
        e.begins = <uint32_t> begins
        begins = 0
        memcpy(&e.payload[0], audio, <size_t> part)
        set32(&r.head, r.head + 1)
        audio += part
        position += part
        size -= part


cdef void tap_hear(
    void *state, Stream *_s, const Packet *p, const uint8_t *audio, int64_t at_ns
) noexcept nogil:
    cdef RecordRing *r = <RecordRing *> state
    cdef int64_t arrival = (at_ns - r.start_ns) // SAMPLE_NS
    if r.on and p.payload_type != PAYLOAD_NOISE:
        arrival = place_heard(&r.placing, p, audio, arrival)
        put(r, SIDE_HEARD, p.payload_type, arrival, audio, p.payload_bytes, p.marker)


cdef void tap_say(
    void *state, Stream *s, const uint8_t *audio, int size, int64_t due_ns
) noexcept nogil:
    """What we sent, at its own time."""
    cdef RecordRing *r = <RecordRing *> state
    cdef int64_t position = (due_ns - r.start_ns) // SAMPLE_NS
    if r.on:
        put(r, SIDE_SENT, s.sender.payload_type, position, audio, size, 0)


cdef void tap_drop(void *state, Stream *_s) noexcept:
    free(state)


cdef RecordRing *record_of(const Stream *s) noexcept nogil:
    """The ring of a stream that is or was recorded; else NULL."""
    return <RecordRing *> tap_state(s, tap_drop)


cdef int record_start(Stream *s, int64_t now_ns) noexcept:
    """Record a held stream from now on; 0 when that cannot be."""
    cdef RecordRing *r = record_of(s)
    cdef Tap tap
    if r == NULL:
        r = <RecordRing *> calloc(1, sizeof(RecordRing))
        tap.state = r
        tap.hear = tap_hear
        tap.say = tap_say
        tap.turn = NULL
        tap.drop = tap_drop
        if r == NULL or not tap_add(s, &tap):
            free(r)
            return 0
        r.start_ns = now_ns
    r.on = 1
    return 1


cdef bytes record_take(RecordRing *r):
    """All entries that wait."""
    cdef uint32_t tail = r.tail, count = get32(&r.head) - r.tail, first
    out = PyBytes_FromStringAndSize(NULL, <Py_ssize_t> (count * sizeof(RecordEntry)))
    cdef char *into = PyBytes_AS_STRING(out)
    first = min(count, RECORD_ENTRIES - tail % RECORD_ENTRIES)
    memcpy(into, &r.entries[tail % RECORD_ENTRIES], first * sizeof(RecordEntry))
    into += first * sizeof(RecordEntry)
    memcpy(into, &r.entries[0], (count - first) * sizeof(RecordEntry))
    set32(&r.tail, tail + count)
    return out


cdef class RecordPlacing:

    def place(
        self, unsigned int ssrc, unsigned int timestamp, int64_t arrival, bint quiet=True
    ):
        return place(&self.state, ssrc, timestamp, arrival, quiet)

    def hear(
        self, unsigned int timestamp, int64_t arrival, const uint8_t[::1] audio not None
    ):
        cdef uint8_t nothing = 0
        cdef Packet packet
        memset(&packet, 0, sizeof(Packet))
        packet.timestamp = timestamp
        packet.payload_bytes = <uint16_t> min(audio.shape[0], FRAME_BYTES)
        return place_heard(
            &self.state, &packet, &audio[0] if audio.shape[0] else &nothing, arrival
        )

    @property
    def moves(self):
        return self.state.moves
