# cython: auto_pickle=False, autotestdict=False
"""Recorded frames, each with its place in the time of the call.

Bounded: what nobody takes in time is dropped and counted.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from fastpath.atomics cimport get32, set32
from fastpath.rtp_limits cimport PAYLOAD_NOISE, SAMPLE_NS
from fastpath.rtp_loop cimport Tap, tap_add, tap_state
from fastpath.rtp_receive cimport Packet

# as numpy reads a RecordEntry
RECORD_DTYPE = [
    ("position", "<i8"),
    ("side", "u1"),
    ("payload_type", "u1"),
    ("size", "<u2"),
    ("unused", "<u4"),
    ("payload", "u1", (FRAME_BYTES,)),
]

cdef enum:
    # 200 ms between a peer's timestamps and their arrival: its clock drifted or jumped
    DRIFT_SAMPLES_MAX = 1600


cdef void put(
    RecordRing *r,
    uint8_t side,
    uint8_t payload_type,
    int64_t position,
    const uint8_t *audio,
    int size,
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
        memcpy(&e.payload[0], audio, <size_t> part)
        set32(&r.head, r.head + 1)
        audio += part
        position += part
        size -= part


cdef void tap_hear(
    void *state, Stream *_s, const Packet *p, const uint8_t *audio, int64_t at_ns
) noexcept nogil:
    """Place a packet by its timestamp, which jitter does not move, or by its arrival when the two
    went apart."""
    cdef RecordRing *r = <RecordRing *> state
    cdef int64_t arrival = (at_ns - r.start_ns) // SAMPLE_NS
    cdef int64_t position = r.position + <int32_t> (p.timestamp - r.timestamp)
    if not r.on or p.payload_type == PAYLOAD_NOISE:
        return
    if (
        not r.anchored
        or r.ssrc != p.ssrc
        or position - arrival > DRIFT_SAMPLES_MAX
        or arrival - position > DRIFT_SAMPLES_MAX
    ):
        position = arrival
    r.anchored = 1
    r.ssrc = p.ssrc
    r.timestamp = p.timestamp
    r.position = position
    put(r, SIDE_HEARD, p.payload_type, position, audio, p.payload_bytes)


cdef void tap_say(
    void *state, Stream *s, const uint8_t *audio, int64_t due_ns
) noexcept nogil:
    """One frame that we sent, at its own time."""
    cdef RecordRing *r = <RecordRing *> state
    cdef int64_t position = (due_ns - r.start_ns) // SAMPLE_NS
    if r.on:
        put(r, SIDE_SENT, s.sender.payload_type, position, audio, FRAME_BYTES)


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
