# cython: auto_pickle=False, autotestdict=False
"""Rooms. No thread of their own: whichever party's turn comes first in a period mixes for all.

The grid is absolute, 20 ms; a turn up to 5 ms early counts, so that the same party does it each
time although its turns come a little earlier or later.

A guest is a stream that a room hears while it goes on as before, in a bridge or alone: a tap, and
no feed. When it takes a seat, its jitter buffer is full already: nothing is left out.
"""

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fastpath.atomics cimport get32, get64, set8, set32, set64, swap8
from fastpath.g711 cimport linear_alaw, linear_ulaw
from fastpath.rtp_bridge cimport gate_take
from fastpath.rtp_jitter cimport TOOK_SILENCE, jitter_init, jitter_put, jitter_take
from fastpath.rtp_limits cimport PARCEL_BYTES_MAX, PAYLOAD_PCMA, SAMPLE_NS
from fastpath.rtp_loop cimport (
    GATE_IDLE,
    GATE_SERVED,
    Packet,
    Tap,
    tap_add,
    tap_remove,
    tap_state,
)
from fastpath.rtp_mix cimport ROLE_PLAYED, mix_enter, mix_frame, mix_leave, mix_sum
from fastpath.rtp_os cimport CLOCK_MONOTONIC, clock
from fastpath.rtp_pipe cimport Parcel, parcel_fill, pipe_next, pipe_put, pipe_took
from fastpath.rtp_send cimport Sender

cdef enum:
    PERIOD_NS = 20000000
    EARLY_NS = 5000000
    GONE_NS = 100000000  # so late, the grid begins anew
    BEHIND_MAX = 50  # turns of more than one frame waiting: one is left out


# ---- in the media threads

cdef void tap_hear(
    void *state, Stream *_s, const Packet *packet, const uint8_t *audio, int64_t _at_ns
) noexcept nogil:
    """A party said something. What counts is when it could be mixed: now."""
    cdef Member *m = <Member *> state
    cdef Parcel p
    if packet.payload_bytes > PARCEL_BYTES_MAX:
        m.inbox.dropped += 1
        return
    parcel_fill(&p, packet, audio, 0, clock(CLOCK_MONOTONIC))
    pipe_put(&m.inbox, &p)


cdef void guest_hear(
    void *state, Stream *s, const Packet *packet, const uint8_t *audio, int64_t at_ns
) noexcept nogil:
    tap_hear((<Guest *> state).voice, s, packet, audio, at_ns)


cdef void guest_say(
    void *state, Stream *s, const uint8_t *_audio, int _size, int64_t due_ns
) noexcept nogil:
    """A frame was sent. Of a prompt: as it is stored, without whoever spoke over it."""
    cdef Guest *g = <Guest *> state
    cdef const Sender *o = &s.sender
    cdef const uint8_t *stored
    cdef Parcel p
    if not o.speaking or o.prompt == NULL or o.position == 0:
        g.begun = 0
        return
    stored = o.prompt.pcma if o.payload_type == PAYLOAD_PCMA else o.prompt.pcmu
    p.now_ns = clock(CLOCK_MONOTONIC)
    p.ssrc = 1
    p.timestamp = <uint32_t> (due_ns // SAMPLE_NS)
    p.seq = 0
    p.size = FRAME_BYTES
    p.payload_type = o.payload_type
    p.event = 0
    p.marker = not g.begun
    memcpy(&p.body[0], stored + <size_t> (o.position - 1) * FRAME_BYTES, FRAME_BYTES)
    g.begun = 1
    pipe_put(&g.played.inbox, &p)


cdef int listen(Member *m, int64_t due_ns, int16_t *frame) noexcept nogil:
    """What a party says in this period."""
    cdef const Parcel *p = pipe_next(&m.inbox)
    while p != NULL:
        jitter_put(
            &m.jitter, p.payload_type, p.ssrc, p.timestamp, p.marker, &p.body[0], p.size, p.now_ns
        )
        pipe_took(&m.inbox)
        p = pipe_next(&m.inbox)
    return jitter_take(&m.jitter, due_ns, frame) != TOOK_SILENCE and not (m.muted or m.parked)


cdef void room_mix(Room *room, int64_t now_ns) noexcept nogil:
    """One period of a room that is ours."""
    cdef int64_t due_ns = <int64_t> room.due_ns
    cdef uint64_t speaking = 0
    cdef int i
    cdef Member *m
    if now_ns - due_ns > GONE_NS:
        due_ns = now_ns
    for i in range(PARTIES_MAX):
        m = room.members[i]
        if m != NULL and listen(m, due_ns, &room.frames[i][0]):
            speaking |= <uint64_t> 1 << i
    mix_sum(&room.frames[0][0], &room.total[0], speaking)
    for i in range(PARTIES_MAX):
        m = room.members[i]
        if m != NULL and not m.overheard and m.head - get32(&m.tail) < MIXED_MAX:
            mix_frame(
                &room.mix, i, &room.frames[0][0], &room.total[0], speaking,
                &m.mixed[m.head % MIXED_MAX][0],
            )
            set32(&m.head, m.head + 1)
    room.ticks += 1
    set64(&room.due_ns, <uint64_t> (due_ns + PERIOD_NS))


cdef int feed_fill(void *state, uint32_t _frame, uint8_t law, uint8_t *audio) noexcept nogil:
    """A party's turn: mix if nobody did yet, then hand out its frame."""
    cdef Member *m = <Member *> state
    cdef Room *room = m.room
    cdef int64_t now_ns = clock(CLOCK_MONOTONIC)
    cdef const uint8_t *table = &linear_alaw[0] if law == PAYLOAD_PCMA else &linear_ulaw[0]
    cdef const int16_t *frame
    cdef uint32_t waiting
    cdef int i
    if now_ns + EARLY_NS >= <int64_t> get64(&room.due_ns):
        if swap8(&room.gate, GATE_IDLE, GATE_SERVED):
            if now_ns + EARLY_NS >= <int64_t> room.due_ns:
                room_mix(room, now_ns)
            set8(&room.gate, GATE_IDLE)
    waiting = get32(&m.head) - m.tail
    if waiting == 0:
        return 0
    m.behind = m.behind + 1 if waiting > 1 else 0
    if m.behind >= BEHIND_MAX:
        m.behind = 0
        set32(&m.tail, m.tail + 1)
    frame = &m.mixed[m.tail % MIXED_MAX][0]
    if m.parked:
        memset(audio, table[0], FRAME_BYTES)
    else:
        for i in range(FRAME_BYTES):
            audio[i] = table[<unsigned short> frame[i]]
    set32(&m.tail, m.tail + 1)
    return 1


# ---- coming and going, in the interpreter's thread

cdef void tap_drop(void *state, Stream *_s) noexcept:
    room_leave(<Member *> state)


cdef Member *room_member(const Stream *s) noexcept nogil:
    """What a held stream is in a room; NULL when it is in none."""
    cdef Guest *g = room_guest(s)
    if g != NULL and not g.voice.overheard:
        return g.voice
    return <Member *> tap_state(s, tap_drop)


cdef Room *room_new() noexcept:
    """An empty room; NULL when there is no memory."""
    cdef Room *room = <Room *> calloc(1, sizeof(Room))
    if room != NULL:
        room.gate = GATE_IDLE
        room.users = 1
    return room


cdef void room_release(Room *room) noexcept:
    """One user less; the last one frees it."""
    room.users -= 1
    if room.users == 0:
        free(room)


cdef Member *seat(Room *room, Stream *s, int role) noexcept:
    """A new party of a room whose gate is ours; NULL when there is no room or memory for it."""
    cdef Member *m
    cdef int party = 0
    while party < PARTIES_MAX and room.members[party] != NULL:
        party += 1
    if party == PARTIES_MAX:
        return NULL
    m = <Member *> calloc(1, sizeof(Member))
    if m == NULL:
        return NULL
    jitter_init(&m.jitter)
    m.stream = s
    m.room = room
    m.party = party
    room.members[party] = m
    mix_enter(&room.mix, party, role)
    room.users += 1
    return m


cdef void unseat(Member *m) noexcept:
    """A party of a room whose gate is ours is none any more, and freed; its room lives on."""
    m.room.members[m.party] = NULL
    mix_leave(&m.room.mix, m.party)
    free(m)


cdef void feed(Member *m) noexcept:
    """From now on a held stream's peer hears the room."""
    m.stream.sender.feed.state = m
    m.stream.sender.feed.over = m.room.over
    m.stream.sender.feed.fill = feed_fill


cdef void starve(Member *m) noexcept:
    """Not any more."""
    m.stream.sender.feed.fill = NULL
    m.stream.sender.feed.over = 0


cdef Member *room_enter(Room *room, Stream *s, int role) noexcept:
    """A held stream without a feed comes in; NULL when there is no room, memory or tap for it."""
    cdef Guest *g = room_guest(s)
    cdef Member *m
    cdef Tap tap
    gate_take(&room.gate)
    if g != NULL and g.voice.room == room:
        m = g.voice
        m.overheard = 0
        m.tail = m.head  # nothing was mixed for it
        mix_enter(&room.mix, m.party, role)
    else:
        m = seat(room, s, role)
        memset(&tap, 0, sizeof(Tap))
        tap.state = m
        tap.hear = tap_hear
        tap.turn = NULL
        tap.drop = tap_drop
        if m != NULL and not tap_add(s, &tap):
            unseat(m)
            room.users -= 1  # Python's handle is one, too
            m = NULL
    set8(&room.gate, GATE_IDLE)
    if m != NULL:
        feed(m)
    return m


cdef void room_leave(Member *m) noexcept:
    """A held stream goes; a guest stays one."""
    cdef Room *room = m.room
    cdef Guest *g = room_guest(m.stream)
    gate_take(&room.gate)
    starve(m)
    if g != NULL and g.voice == m:
        m.overheard = 1
        m.muted = m.parked = 0
        set8(&room.gate, GATE_IDLE)
        return
    tap_remove(m.stream, m)
    unseat(m)
    set8(&room.gate, GATE_IDLE)
    room_release(room)


# ---- guests

cdef void guest_drop(void *state, Stream *_s) noexcept:
    guest_leave(<Guest *> state)


cdef Guest *room_guest(const Stream *s) noexcept nogil:
    """What a held stream is as a guest; NULL when no room overhears it."""
    return <Guest *> tap_state(s, guest_drop)


cdef Guest *guest_enter(Room *room, Stream *s, int role, int played) noexcept:
    """A room hears a held stream from now on, with `played` what is played to its peer, too."""
    cdef Guest *g = <Guest *> calloc(1, sizeof(Guest))
    cdef Tap tap
    cdef int done
    if g == NULL:
        return NULL
    memset(&tap, 0, sizeof(Tap))
    tap.state = g
    tap.hear = guest_hear
    if played:
        tap.say = guest_say
    tap.drop = guest_drop
    gate_take(&room.gate)
    g.voice = seat(room, s, role)
    g.played = seat(room, s, ROLE_PLAYED) if played else NULL
    if g.voice != NULL:
        g.voice.overheard = 1
    if g.played != NULL:
        g.played.overheard = 1
    done = g.voice != NULL and (g.played != NULL or not played) and tap_add(s, &tap)
    set8(&room.gate, GATE_IDLE)
    if not done:
        guest_free(room, g)
        return NULL
    return g


cdef void guest_free(Room *room, Guest *g) noexcept:
    cdef int users = 0
    gate_take(&room.gate)
    if g.voice != NULL:
        if not g.voice.overheard:
            starve(g.voice)
        unseat(g.voice)
        users += 1
    if g.played != NULL:
        unseat(g.played)
        users += 1
    set8(&room.gate, GATE_IDLE)
    free(g)
    while users:
        room_release(room)
        users -= 1


cdef void guest_leave(Guest *g) noexcept:
    """A room hears a held stream no more."""
    tap_remove(g.voice.stream, g)
    guest_free(g.voice.room, g)
