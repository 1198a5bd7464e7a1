# cython: auto_pickle=False, autotestdict=False
"""A bridge of two streams, packet by packet.

    audio      Its payload is untouched when both peers speak the same law, else translated by
               table. Packets of any length up to 60 ms; comfort noise as it is.
    time       A packet is sent at once when the other stream is nobody's at that moment, whichever
               thread serves it; else it waits for that stream's next turn, at most 20 ms.
    numbers    Each peer hears one SSRC of ours, whoever speaks: see rtp_renumber.
    silence    While nothing passes for 200 ms, the sender says what it says to anybody.
"""

from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastpath.atomics cimport pause, set8, swap8
from fastpath.rtp_limits cimport (
    HEADER_BYTES,
    PARCEL_BYTES_MAX,
    PAYLOAD_NOISE,
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
from fastpath.rtp_renumber cimport renumber, renumber_idle, renumber_settle
from fastpath.rtp_send cimport Sender
from fastpath.srtp_seal cimport srtp_seal

cdef enum:
    SAY_LAG_NS = 200000000


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


# ---- one packet

cdef int is_over(const Sender *o) noexcept nogil:
    """Whether we speak to this peer ourselves, or nobody may."""
    return o.paused or o.prompt != NULL or o.digit_count


cdef void tell_taps(
    Link *l, const uint8_t *audio, int size, uint32_t timestamp, int64_t now_ns
) noexcept nogil:
    """What this peer hears, at its own time: late packets at theirs."""
    cdef int64_t due_ns = l.say_ns + <int64_t> <int32_t> (timestamp - l.say_timestamp) * SAMPLE_NS
    if due_ns - now_ns > SAY_LAG_NS or now_ns - due_ns > SAY_LAG_NS:
        due_ns = now_ns
    l.say_ns = due_ns
    l.say_timestamp = timestamp
    said(l.stream, audio, size, due_ns)


cdef void deliver(Link *l, const Parcel *p) noexcept nogil:
    """Send a packet to this peer."""
    cdef Stream *s = l.stream
    cdef uint8_t plain[HEADER_BYTES + PARCEL_BYTES_MAX]
    cdef uint8_t sealed[HEADER_BYTES + PARCEL_BYTES_MAX + SRTP_EXTRA_MAX]
    cdef const uint8_t *data = &plain[0]
    cdef uint32_t timestamp = 0
    cdef int size
    if is_over(&s.sender) or l.parked or not s.connected or not s.receiver.latch.address:
        l.over += 1
        renumber_settle(&l.numbers, &s.sender)
        return
    size = renumber(&l.numbers, &s.sender, p, l.events, &plain[0], &timestamp)
    if size == 0:
        return
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
    if to.numbers.frame and swap8(to.gate, GATE_IDLE, GATE_SERVED):
        drain(to)
        deliver(to, &p)
        set8(to.gate, GATE_IDLE)
    else:
        pipe_put(&to.inbox, &p)


cdef void relay_flush(void *state, Stream *s, uint32_t frame) noexcept nogil:
    """This stream's turn has come."""
    cdef Link *me = <Link *> state
    me.numbers.frame = frame
    drain(me)
    if is_over(&s.sender) or renumber_idle(&me.numbers):
        renumber_settle(&me.numbers, &s.sender)


cdef int feed_fill(void *state, uint32_t _frame, uint8_t _law, uint8_t *_audio) noexcept nogil:
    return -1 if (<Link *> state).numbers.live else 0


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
    tap.turn = NULL
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
    renumber_settle(&l.numbers, &l.stream.sender)


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
    renumber_settle(&l.numbers, &l.stream.sender)
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
        renumber_settle(&l.numbers, &l.stream.sender)
        quiet(l.other)
