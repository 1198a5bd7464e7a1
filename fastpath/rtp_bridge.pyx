# cython: auto_pickle=False, autotestdict=False
"""A bridge of two streams, packet by packet.

    audio      Its payload is untouched when both peers speak the same law, else translated by
               table. Packets of any length up to 60 ms; comfort noise as it is.
    time       A packet is sent at once when the other stream is nobody's at that moment, whichever
               thread serves it; else it waits for that stream's next turn, at most 20 ms.
    numbers    Each peer hears one SSRC with sequence numbers and timestamps of ours that never jump
               back. While packets pass, gaps in the numbers are kept, so that the far end sees and
               conceals the losses of the near one, and late packets get the number that was left
               for them. Timestamps keep their distances: silence that was not sent stays a gap, and
               an event keeps its one timestamp.
    anew       Another SSRC, a jump, 200 ms without packets, a prompt or keys of ours to that peer:
               the mapping begins anew where our own time is now, with the marker.
    silence    While nothing passes for 200 ms, the sender says what it says to anybody.
"""

from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fastpath.atomics cimport pause, set8, swap8
from fastpath.g711 cimport alaw_linear, linear_alaw, linear_ulaw, ulaw_linear
from fastpath.rtp_limits cimport (
    HEADER_BYTES,
    PARCEL_BYTES_MAX,
    PAYLOAD_NOISE,
    PAYLOAD_PCMU,
    REORDER_WINDOW,
    SAMPLE_NS,
    SRTP_EXTRA_MAX,
)
from fastpath.rtp_loop cimport (
    GATE_HELD,
    GATE_IDLE,
    GATE_SERVED,
    Packet,
    Tap,
    said,
    tap_add,
    tap_remove,
    tap_state,
)
from fastpath.rtp_os cimport CLOCK_MONOTONIC, clock, sched_yield, udp_send
from fastpath.rtp_pipe cimport Parcel, parcel_fill, pipe_next, pipe_put, pipe_took
from fastpath.rtp_send cimport Sender
from fastpath.srtp_seal cimport srtp_seal

cdef enum:
    IDLE_FRAMES = 10  # without a packet: 200 ms
    LAG_MAX = 16000  # samples between a peer's timestamps and our time: more is a jump
    SAY_LAG_NS = 200000000

cdef extern from *:
    int popcount64 "__builtin_popcountll"(unsigned long long) noexcept nogil

cdef uint8_t[256] ulaw_to_alaw
cdef uint8_t[256] alaw_to_ulaw


cdef void fill_tables() noexcept nogil:
    cdef int i
    for i in range(256):
        ulaw_to_alaw[i] = linear_alaw[<uint16_t> ulaw_linear[i]]
        alaw_to_ulaw[i] = linear_ulaw[<uint16_t> alaw_linear[i]]


fill_tables()


cdef void gate_take(uint8_t *gate) noexcept:
    """Wait until a gate is ours. Its holder never waits for anybody, so this is microseconds."""
    cdef int tries = 0
    while not swap8(gate, GATE_IDLE, GATE_HELD):
        tries += 1
        if tries < 256:
            pause()
        else:
            with nogil:
                sched_yield()


# ---- numbers

cdef void settle(Link *l) noexcept nogil:
    """Nothing passes any more: the sender goes on behind what was passed."""
    cdef Sender *o = &l.stream.sender
    cdef int32_t ahead = <int32_t> (l.end - (o.timestamp_base + l.frame * <uint32_t> FRAME_BYTES))
    if l.live and l.ended and ahead > 0:
        o.timestamp_base += <uint32_t> ahead
    l.live = 0
    l.rest_size = 0
    o.flowing = 0


cdef void anchor(Link *l, const Parcel *p) noexcept nogil:
    """Map this packet to our next number and to our own time."""
    cdef uint32_t at = l.stream.sender.timestamp_base + (l.frame + 1) * <uint32_t> FRAME_BYTES
    if l.live and l.ended and <int32_t> (l.end - at) > 0:
        at = l.end
    l.live = 1
    l.ssrc = p.ssrc
    l.seq = p.seq
    l.span = 1
    l.eaten = 0
    l.offset = at - p.timestamp


cdef int number(Link *l, const Parcel *p, int eat, uint16_t *seq, int *fresh) noexcept nogil:
    """The number of a packet toward this peer; 0 when it is not passed on."""
    cdef Sender *o = &l.stream.sender
    cdef uint16_t ahead = <uint16_t> (p.seq - l.seq)
    cdef int back = 65536 - ahead
    cdef int32_t lag = <int32_t> (
        p.timestamp + l.offset - o.timestamp_base - l.frame * <uint32_t> FRAME_BYTES
    )
    fresh[0] = 0
    if l.live and p.ssrc == l.ssrc and (p.event or -LAG_MAX < lag < LAG_MAX):
        if 0 < ahead < REORDER_WINDOW:
            l.seq = p.seq
            l.span = min(l.span + ahead, REORDER_WINDOW)
            l.eaten = (l.eaten << ahead) | <uint64_t> eat
            o.seq += <uint16_t> (ahead - 1)
            seq[0] = o.seq
            o.seq += <uint16_t> (not eat)
            return not eat
        if back < l.span:  # late: the number that was left for it
            back -= popcount64(l.eaten & ((<uint64_t> 1 << back) - 1))
            seq[0] = <uint16_t> (o.seq - 1 - back)
            # behind a roll-over it would be sealed with the wrong index (RFC 3711 3.3.1)
            return not eat and seq[0] < <uint16_t> (o.seq - 1)
    if eat:
        return 0
    anchor(l, p)
    seq[0] = o.seq
    o.seq += 1
    fresh[0] = 1
    return 1


# ---- one packet

cdef int is_over(const Sender *o) noexcept nogil:
    """Whether we speak to this peer ourselves, or nobody may."""
    return o.paused or o.prompt != NULL or o.digit_count


cdef void translate(uint8_t *into, const Parcel *p, uint8_t law) noexcept nogil:
    cdef const uint8_t *table = &alaw_to_ulaw[0]
    cdef int i
    if p.event or p.payload_type == PAYLOAD_NOISE or p.payload_type == law:
        memcpy(into, &p.body[0], p.size)
        return
    if p.payload_type == PAYLOAD_PCMU:
        table = &ulaw_to_alaw[0]
    for i in range(p.size):
        into[i] = table[p.body[i]]


cdef void tell_taps(
    Link *l, const uint8_t *audio, int size, uint32_t timestamp, int64_t now_ns
) noexcept nogil:
    """What this peer hears, in frames at their own time."""
    cdef int64_t due_ns = l.say_ns + <int64_t> <int32_t> (timestamp - l.say_timestamp) * SAMPLE_NS
    cdef int part
    if due_ns - now_ns > SAY_LAG_NS or now_ns - due_ns > SAY_LAG_NS:
        due_ns = now_ns
        l.rest_size = 0
    l.say_ns = due_ns + <int64_t> size * SAMPLE_NS
    l.say_timestamp = timestamp + <uint32_t> size
    due_ns -= <int64_t> l.rest_size * SAMPLE_NS
    while size > 0:
        part = min(size, FRAME_BYTES - l.rest_size)
        memcpy(&l.rest[l.rest_size], audio, <size_t> part)
        l.rest_size += <uint16_t> part
        audio += part
        size -= part
        if l.rest_size == FRAME_BYTES:
            said(l.stream, &l.rest[0], due_ns)
            due_ns += <int64_t> FRAME_BYTES * SAMPLE_NS
            l.rest_size = 0


cdef inline void put32(uint8_t *p, uint32_t v) noexcept nogil:
    p[0] = <uint8_t> (v >> 24)
    p[1] = <uint8_t> (v >> 16)
    p[2] = <uint8_t> (v >> 8)
    p[3] = <uint8_t> v


cdef void deliver(Link *l, const Parcel *p) noexcept nogil:
    """Send a packet to this peer."""
    cdef Stream *s = l.stream
    cdef Sender *o = &s.sender
    cdef uint8_t plain[HEADER_BYTES + PARCEL_BYTES_MAX]
    cdef uint8_t sealed[HEADER_BYTES + PARCEL_BYTES_MAX + SRTP_EXTRA_MAX]
    cdef const uint8_t *data = &plain[0]
    cdef uint16_t seq = 0
    cdef uint32_t timestamp, end
    cdef int fresh = 0, kind = o.wire_type, size = HEADER_BYTES + p.size
    if is_over(o) or l.parked or not s.connected or not s.receiver.latch.address:
        l.over += 1
        if l.live:
            settle(l)
        return
    if not number(l, p, p.event and not (l.events and o.event_type >= 0), &seq, &fresh):
        return
    if p.event:
        kind = o.event_type
        fresh = 0
    elif p.payload_type == PAYLOAD_NOISE:
        kind = PAYLOAD_NOISE
    timestamp = p.timestamp + l.offset
    plain[0] = 0x80
    plain[1] = <uint8_t> (kind | ((p.marker or fresh) << 7))
    plain[2] = <uint8_t> (seq >> 8)
    plain[3] = <uint8_t> seq
    put32(&plain[4], timestamp)
    put32(&plain[8], o.ssrc)
    translate(&plain[HEADER_BYTES], p, o.payload_type)
    end = timestamp + (<uint32_t> p.size if not p.event else <uint32_t> (
        (p.body[2] << 8) | p.body[3]
    ))
    if not l.ended or fresh or <int32_t> (end - l.end) > 0:
        l.end = end
    l.ended = 1
    l.live_frame = l.frame
    l.passed += 1
    if s.tap_count and not p.event and p.payload_type != PAYLOAD_NOISE:
        tell_taps(l, &plain[HEADER_BYTES], p.size, timestamp, p.now_ns)
    if s.srtp != NULL:
        size = srtp_seal(&s.srtp.sealer, data, size, &sealed[0])
        data = &sealed[0]
    if size < 0 or udp_send(s.fd, data, size, s.receiver.latch.address, s.receiver.latch.port) < 0:
        s.send_errors += 1
    else:
        s.sent += 1
        s.octets += p.size


cdef void drain(Link *l) noexcept nogil:
    cdef const Parcel *p = pipe_next(&l.inbox)
    while p != NULL:
        deliver(l, p)
        pipe_took(&l.inbox)
        p = pipe_next(&l.inbox)


cdef void relay_pass(
    void *state, Stream *_s, const Packet *packet, const uint8_t *body, int event
) noexcept nogil:
    """This peer said something: to the other one."""
    cdef Link *me = <Link *> state
    cdef Link *to = me.other
    cdef Parcel p
    if me.muted or me.parked:
        return
    if packet.payload_bytes > PARCEL_BYTES_MAX or (event and packet.payload_bytes < 4):
        to.inbox.dropped += 1
        return
    parcel_fill(&p, packet, body, event, clock(CLOCK_MONOTONIC))
    # before its first turn it does not know its time
    if to.frame and swap8(to.gate, GATE_IDLE, GATE_SERVED):
        drain(to)
        deliver(to, &p)
        set8(to.gate, GATE_IDLE)
    else:
        pipe_put(&to.inbox, &p)


cdef void relay_flush(void *state, Stream *s, uint32_t frame) noexcept nogil:
    """This stream's turn has come."""
    cdef Link *me = <Link *> state
    me.frame = frame
    drain(me)
    if me.live and (is_over(&s.sender) or frame - me.live_frame > IDLE_FRAMES):
        settle(me)


cdef int feed_fill(void *state, uint32_t _frame, uint8_t _law, uint8_t *_audio) noexcept nogil:
    return -1 if (<Link *> state).live else 0


# ---- joining and parting, in the interpreter's thread

cdef void relay_drop(void *state, Stream *_s) noexcept:
    bridge_part(<Link *> state)


cdef Link *bridge_of(const Stream *s) noexcept nogil:
    """The link of a held stream; NULL when it is not bridged."""
    return <Link *> tap_state(s, relay_drop)


cdef int bridge_join(
    Stream *a, uint8_t *gate_a, Stream *b, uint8_t *gate_b, int events
) noexcept:
    """Bridge two held streams without a feed; 0 when there is no memory or place for a tap."""
    cdef Link *one = <Link *> calloc(1, sizeof(Link))
    cdef Link *two = <Link *> calloc(1, sizeof(Link))
    if one == NULL or two == NULL or not attach(a, one):
        free(one)
        free(two)
        return 0
    if not attach(b, two):
        detach(one)
        free(one)
        free(two)
        return 0
    one.gate = gate_a
    two.gate = gate_b
    one.other = two
    two.other = one
    one.events = two.events = <uint8_t> events
    return 1


cdef int attach(Stream *s, Link *l) noexcept:
    cdef Tap tap
    memset(&tap, 0, sizeof(Tap))
    tap.state = l
    tap.drop = relay_drop
    if not tap_add(s, &tap):
        return 0
    l.stream = s
    s.relay.state = l
    s.relay.pass_on = relay_pass
    s.relay.flush = relay_flush
    s.sender.feed.state = l
    s.sender.feed.fill = feed_fill
    return 1


cdef void detach(Link *l) noexcept:
    tap_remove(l.stream, l)
    memset(&l.stream.relay, 0, sizeof(l.stream.relay))
    l.stream.sender.feed.fill = NULL
    if l.live:
        settle(l)


cdef void bridge_part(Link *l) noexcept:
    """End a bridge; the link's stream is held, the other one is taken for the moment."""
    cdef Link *other = l.other
    cdef uint8_t *gate = other.gate
    gate_take(gate)
    detach(l)
    detach(other)
    set8(gate, GATE_IDLE)
    free(l)
    free(other)


cdef void quiet(Link *l) noexcept:
    """The other peer is no longer passed on to this one, now."""
    gate_take(l.gate)
    drain(l)
    if l.live:
        settle(l)
    set8(l.gate, GATE_IDLE)


cdef void bridge_mute(Link *l, int on) noexcept:
    """Stop passing on what a held stream's peer says, or go on."""
    l.muted = <uint8_t> on
    if on:
        quiet(l.other)


cdef void bridge_park(Link *l, int on) noexcept:
    """Take a held stream's peer out of the conversation, or back."""
    l.parked = <uint8_t> on
    if on:
        if l.live:
            settle(l)
        quiet(l.other)
