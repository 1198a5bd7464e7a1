# cython: auto_pickle=False, autotestdict=False
"""The media thread's loop: without the GIL, without allocation, waiting for nobody."""

from fastpath.atomics cimport exchange8, get8, get32, geti32, set8, set32, set64, swap8
from fastpath.rtcp_exchange cimport rtcp_heard, rtcp_serve
from fastpath.rtp_ahead cimport fetch_ahead
from fastpath.rtp_bins cimport bin_of
from fastpath.rtp_host cimport Host
from fastpath.rtp_latch cimport Latch, latch_bars
from fastpath.rtp_limits cimport (
    FRAME_BYTES,
    HEADER_BYTES,
    MS_NS,
    PEER_PACKETS,
    RECEIVE_BUDGET,
    TICKS_LATE_MAX,
)
from fastpath.rtp_os cimport (
    CLOCK_MONOTONIC,
    CLOCK_THREAD_CPUTIME_ID,
    EAGAIN,
    clock,
    sleep_until,
    udp_receive,
    udp_send,
    wake,
    wall_ahead,
)
from fastpath.rtp_receive cimport (
    AUDIO, EVENT, RTCP, DigitOut, Packet, receiver_packet, receiver_tick,
)
from fastpath.rtp_send cimport sender_frame
from fastpath.rtp_turns cimport Turns, turns_drop, turns_put
from fastpath.srtp_open cimport srtp_open
from fastpath.srtp_seal cimport srtp_seal

cdef enum:
    PERIOD_NS = 20000000
    SECOND_NS = 1000000000

cdef struct Moment:
    int64_t due_ns  # when the slot should have been served
    int64_t wall_ns  # CLOCK_REALTIME - CLOCK_MONOTONIC
    uint32_t frame


# ---- events

cdef int tell(Worker *w, uint8_t kind, int64_t stream, int64_t value) noexcept nogil:
    """Put an event without a digit into the ring; 0 when it is full."""
    return tell_digit(w, kind, stream, value, 0, 0)


cdef int tell_digit(
    Worker *w, uint8_t kind, int64_t stream, int64_t value, uint8_t digit, uint8_t source
) noexcept nogil:
    """Put an event into the ring; 0 when it is full."""
    cdef EventRing *ring = &w.ring
    cdef uint32_t head = ring.head
    cdef Event *e
    if head - get32(&ring.tail) > ring.mask:
        return 0
    e = &ring.entries[head & ring.mask]
    e.kind = kind
    e.stream = stream
    e.value = value
    e.digit = digit
    e.source = source
    set32(&ring.head, head + 1)
    w.told = 1
    return 1


cdef int tell_sound(
    Worker *w, int64_t stream, int64_t at_ns, const SoundEvent *sound
) noexcept nogil:
    """Put what was heard into the ring; 0 when it is full."""
    cdef Event *e = &w.ring.entries[w.ring.head & w.ring.mask]
    if w.ring.head - get32(&w.ring.tail) > w.ring.mask:
        return 0
    e.sound = sound[0]
    return tell(w, SOUND_HEARD, stream, at_ns)


cdef int event_take(EventRing *ring, Event *into) noexcept nogil:
    """The oldest event; 0 when there is none."""
    cdef uint32_t tail = ring.tail
    if tail == get32(&ring.head):
        return 0
    into[0] = ring.entries[tail & ring.mask]
    set32(&ring.tail, tail + 1)
    return 1


# ---- who else hears a stream

cdef int tap_add(Stream *s, const Tap *tap) noexcept nogil:
    """Join a stream that is held; 0 when it has its TAPS_MAX."""
    if s.tap_count == TAPS_MAX:
        return 0
    s.taps[s.tap_count] = tap[0]
    s.tap_count += 1
    return 1


cdef void tap_remove(Stream *s, const void *state) noexcept nogil:
    """Leave a stream that is held; nothing happens when the tap was none."""
    cdef int i, left = 0
    for i in range(s.tap_count):
        if s.taps[i].state != state:
            s.taps[left] = s.taps[i]
            left += 1
    s.tap_count = <uint8_t> left


cdef void *tap_state(const Stream *s, DropFn drop) noexcept nogil:
    """What the tap with this end works on; NULL when there is no such tap."""
    cdef int i
    for i in range(s.tap_count):
        if s.taps[i].drop == drop:
            return s.taps[i].state
    return NULL


cdef void heard(Stream *s, const Packet *p, const uint8_t *audio, int64_t at_ns) noexcept nogil:
    cdef int i
    for i in range(s.tap_count):
        if s.taps[i].hear != NULL:
            s.taps[i].hear(s.taps[i].state, s, p, audio, at_ns)


cdef void said(Stream *s, const uint8_t *audio, int size, int64_t due_ns) noexcept nogil:
    cdef int i
    for i in range(s.tap_count):
        if s.taps[i].say != NULL:
            s.taps[i].say(s.taps[i].state, s, audio, size, due_ns)


cdef void turned(Worker *w, Stream *s, uint32_t frame, int64_t due_ns) noexcept nogil:
    cdef int i
    for i in range(s.tap_count):
        if s.taps[i].turn != NULL:
            s.taps[i].turn(s.taps[i].state, w, s, frame, due_ns)
    if s.receiver.digits:
        tell_digits(w, s)


# ---- one stream, every 20 ms

cdef void timed(Worker *w, Stream *s, const Moment *m) noexcept nogil:
    """What this service had to send is sent: how late that was."""
    cdef int64_t late_ns
    w.now_ns = clock(CLOCK_MONOTONIC)
    late_ns = w.now_ns - m.due_ns
    w.frames += 1
    w.lateness[bin_of(late_ns)] += 1
    if late_ns > w.late_ns_max:
        w.late_ns_max = late_ns
    if late_ns >= PERIOD_NS:
        s.late += 1
        w.frames_late += 1


cdef inline int pass_on(
    Stream *s, const Packet *p, const uint8_t *body, int event, int64_t at_ns
) noexcept nogil:
    """A packet of the peer, to all who hear the stream; whether one of them is another peer."""
    if s.tap_count and not event:
        heard(s, p, body, at_ns)
    if s.relay.pass_on == NULL:
        return 0
    s.relay.pass_on(s.relay.state, s, p, body, event)
    return 1


cdef void receive(Worker *w, Stream *s, const Moment *m) noexcept nogil:
    """Read what waited a period or longer and one packet more, or until the budget is spent.

    Behind a packet younger than a period there is hardly ever another one, and it is read in the
    next. This saves the call that finds the socket empty: a twentieth of a stream's cost.

    A peer may be RECEIVE_BUDGET packets ahead of PEER_PACKETS a period, as after a stall. What it
    sends beyond that is counted and heard by nobody: it must not flood whom it is bridged to.
    """
    cdef Host address = 0
    cdef uint16_t port = 0
    cdef int64_t stamp_ns = 0, at_ns, now_ns = w.now_ns
    cdef const uint8_t *data
    cdef int size, verdict, _budget, flood = 0, passed = 0
    cdef Packet packet
    s.owed = s.owed - PEER_PACKETS if s.owed > PEER_PACKETS else 0
    for _budget in range(RECEIVE_BUDGET):
        size = udp_receive(s.fd, &w.datagram[0], sizeof(w.datagram), &address, &port, &stamp_ns)
        if size < 0:
            if size == -EAGAIN:
                break
            s.receive_errors += 1
            continue
        at_ns = stamp_ns - m.wall_ns
        if not now_ns - SECOND_NS <= at_ns <= now_ns + PERIOD_NS:
            at_ns = clock(CLOCK_MONOTONIC)  # no arrival time, or the wall clock was set meanwhile
        if at_ns < s.connected_ns:
            s.early += 1
            continue
        data = &w.datagram[0]
        if s.srtp != NULL and not latch_bars(&s.receiver.latch, address, port):
            size = srtp_open(&s.srtp.opener, data, size, &w.opened[0])
            if size < 0:
                continue
            data = &w.opened[0]
        verdict = receiver_packet(&s.receiver, data, size, address, port, at_ns, &packet)
        if verdict == RTCP:
            if s.rtcp.mux:
                rtcp_heard(s, data, size, address, port, at_ns, m.wall_ns)
            else:  # RFC 5761 section 5.1.1: it was not agreed on
                s.rtcp.foreign += 1
        elif verdict == AUDIO or verdict == EVENT:
            if s.owed == RECEIVE_BUDGET:
                flood = 1
            else:
                s.owed += 1
                passed |= pass_on(s, &packet, data + packet.payload_at, verdict == EVENT, at_ns)
        if s.receiver.digits:
            tell_digits(w, s)
        if now_ns - at_ns < PERIOD_NS:
            break
    else:
        flood = 1
        w.budget_spent += 1
    s.flooded += flood
    if passed:
        timed(w, s, m)
    if s.receiver.open:
        receiver_tick(&s.receiver, clock(CLOCK_MONOTONIC))
        tell_digits(w, s)


cdef void tell_digits(Worker *w, Stream *s) noexcept nogil:
    cdef const DigitOut *d
    cdef int i
    for i in range(s.receiver.digits):
        d = &s.receiver.digit[i]
        if not tell_digit(w, DIGIT_HEARD, s.id, d.at_ns, d.code, d.source):
            w.ring.dropped += 1
    s.receiver.digits = 0


cdef void send(Worker *w, Stream *s, const Moment *m) noexcept nogil:
    """Send the packets of this frame and account for how late they are."""
    cdef const Latch *peer = &s.receiver.latch
    cdef const uint8_t *data
    cdef int i, size
    if s.relay.flush != NULL:
        s.relay.flush(s.relay.state, s, m.frame)
    sender_frame(&s.sender, m.frame, &w.out)
    for i in range(w.out.count):
        size = w.out.size[i]
        data = &w.out.data[i][0]
        if s.srtp != NULL:
            size = srtp_seal(&s.srtp.sealer, data, size, &w.sealed[0])
            data = &w.sealed[0]
        if size < 0 or udp_send(s.fd, data, size, peer.address, peer.port) < 0:
            s.send_errors += 1
        else:
            s.sent += 1
            s.octets += <uint64_t> w.out.size[i] - HEADER_BYTES
    if w.out.count:
        timed(w, s, m)
        if s.tap_count and w.out.size[0] > FRAME_BYTES:
            said(s, &w.out.data[0][HEADER_BYTES], FRAME_BYTES, m.due_ns)
    tell_ends(w, s)


cdef void tell_ends(Worker *w, Stream *s) noexcept nogil:
    """What came to its end with this frame."""
    if s.sender.play_ended and tell(w, PLAY_ENDED, s.id, s.sender.play_token):
        s.sender.play_ended = 0
    if s.sender.digits_ended and tell(w, DIGITS_SENT, s.id, s.sender.digits_token):
        s.sender.digits_ended = 0


cdef void watch(Worker *w, Stream *s, int64_t now_ns) noexcept nogil:
    """Tell once that the peer has been silent for too long."""
    cdef int64_t since_ns = max(s.silence_from_ns, s.receiver.heard_ns)
    if now_ns - since_ns >= s.silence_ns and tell(w, PEER_SILENT, s.id, since_ns):
        s.silence_told = 1


cdef int serve(Worker *w, uint32_t index, const Moment *m) noexcept nogil:
    """Serve one entry of the table; 0 when Python holds it just now."""
    cdef Stream *s
    cdef uint8_t gate = get8(&w.gates[index])
    if gate == GATE_FREE:
        return 1
    if gate == GATE_HELD or not swap8(&w.gates[index], GATE_IDLE, GATE_SERVED):
        return 0
    s = &w.streams[index]
    if s.serve != NULL:
        s.serve(w, s, m.frame, m.due_ns)
    elif s.connected:
        receive(w, s, m)
        if s.tap_count:
            turned(w, s, m.frame, m.due_ns)
        if s.receiver.latch.address:  # 0.0.0.0: on hold
            send(w, s, m)
        if s.silence_ns and not s.silence_told:
            watch(w, s, m.due_ns)
        if s.rtcp.on:
            rtcp_serve(w, s, m.frame, m.due_ns, m.wall_ns)
    set8(&w.gates[index], GATE_IDLE)
    return 1


# ---- time

cdef void measure_load(Worker *w, int64_t now_ns) noexcept nogil:
    """Once a second: which part of a core this thread used."""
    cdef int64_t cpu_ns, wall_ns = now_ns - w.load_wall_ns
    if wall_ns < SECOND_NS:
        return
    cpu_ns = clock(CLOCK_THREAD_CPUTIME_ID)
    set64(&w.load_ppm, <uint64_t> ((cpu_ns - w.load_cpu_ns) * 1000000 // wall_ns))
    w.load_wall_ns = now_ns
    w.load_cpu_ns = cpu_ns


cdef void serve_slot(Worker *w, int slot, const Moment *m) noexcept nogil:
    """Serve every stream of one slot; those Python holds are remembered for the next tick."""
    cdef uint32_t first = <uint32_t> (slot * w.slot_capacity), i
    for i in range(first, first + get32(&w.slot_high[slot])):
        fetch_ahead(w, i)
        if not serve(w, i, m):
            w.deferred += 1
            turns_put(&w.missed, i, m.frame, m.due_ns)
        elif w.missed.count:  # it may have been let go a moment ago
            turns_drop(&w.missed, i)


cdef void serve_again(Worker *w, int64_t wall_ns) noexcept nogil:
    """The streams Python held when it was their turn, at the time and frame that was theirs."""
    cdef Turns missed = w.missed
    cdef Moment m
    cdef int i
    m.wall_ns = wall_ns
    for i in range(missed.count):
        m.due_ns = missed.turn[i].due_ns
        m.frame = missed.turn[i].frame
        if serve(w, missed.turn[i].index, &m):
            turns_drop(&w.missed, missed.turn[i].index)


cdef uint64_t tick_after(const Worker *w, uint64_t tick) noexcept nogil:
    """The next tick with work; at most a period on, so that new streams and stop are seen."""
    cdef int slot = <int> (tick % SLOTS), step = 1
    if w.missed.count:
        return tick + 1
    while (slot + step) % SLOTS and not geti32(&w.slot_used[(slot + step) % SLOTS]):
        step += 1
    return tick + <uint64_t> step


cdef void *worker_run(void *argument) noexcept nogil:
    """The thread, until `stop`."""
    cdef Worker *w = <Worker *> argument
    cdef int64_t begun_ns = clock(CLOCK_MONOTONIC), now_ns  # who started us may have lost its core
    cdef uint64_t tick = 0, periods
    cdef Moment m
    w.load_wall_ns = w.begun_ns = begun_ns
    w.load_cpu_ns = clock(CLOCK_THREAD_CPUTIME_ID)
    while not get8(&w.stop):
        m.due_ns = begun_ns + <int64_t> tick * MS_NS
        sleep_until(m.due_ns)
        now_ns = w.now_ns = clock(CLOCK_MONOTONIC)
        if now_ns - m.due_ns > <int64_t> TICKS_LATE_MAX * MS_NS:
            periods = <uint64_t> ((now_ns - m.due_ns) // PERIOD_NS)
            w.ticks_skipped += periods * SLOTS
            tick += periods * SLOTS
            m.due_ns += <int64_t> periods * PERIOD_NS
        m.wall_ns = wall_ahead()
        m.frame = <uint32_t> (tick // SLOTS)
        set32(&w.frame, m.frame)
        w.told = 0
        if w.missed.count:
            serve_again(w, m.wall_ns)
        serve_slot(w, <int> (tick % SLOTS), &m)
        if w.told and not exchange8(w.woken, 1):
            wake(w.wake_fd)
        w.ticks += 1
        measure_load(w, now_ns)
        tick = tick_after(w, tick)
    return NULL
