# cython: auto_pickle=False, autotestdict=False
"""The jitter buffer. How long it waits, and what it does when that changes:

    target     It waits as long as 99 of 100 packets are late at most (rtp_lateness).
    shorter    Too much waits: in silence 10 ms are left out of a frame; 40 ms in speech, then a
               pitch period is; beyond 200 ms it is cut.
    longer     Too little: in silence 10 ms are said again, backwards; when nothing is left, the
               concealment does not use up time.
    loss       Missing samples with newer ones behind them are concealed, and time goes on.
    order      A packet goes to its place whenever it comes before its time. What was said, or left
               out, is never said again.
    silence    After 60 ms without anything the first packet waits for the target again.
    jumps      Another SSRC, or a timestamp half a second from where its arrival puts it, goes on
               where a packet without jitter would be now: at once with a marker, else at the second
               such packet ahead, or after 60 ms of packets that are that late. So does a path that
               became longer than we wait, after 120 ms.
"""

from libc.string cimport memcpy, memset

from fastpath.g711 cimport alaw_linear, ulaw_linear
from fastpath.rtp_conceal cimport (
    conceal_cut, conceal_heard, conceal_init, conceal_lag, conceal_lost, conceal_silent,
)
from fastpath.rtp_lateness cimport lateness_init, lateness_learn, lateness_least
from fastpath.rtp_limits cimport (
    CONCEAL_SAMPLES_MAX, FRAME_BYTES, JITTER_DELAY_MAX, JITTER_JUMP, JITTER_SAMPLES, PAYLOAD_NOISE,
    PAYLOAD_PCMA, PAYLOAD_PCMU, PITCH_MAX, SAMPLE_NS,
)

VERDICTS = ("kept", "late", "double", "strange")
KINDS = ("silence", "voice", "concealed")
COUNTS = ("packets", "late", "doubles", "jumps", "played", "concealed", "skipped", "stretched")

cdef enum:
    FRAME = 160
    STEP = 80  # left out or said again at a time
    QUIET = 100  # mean amplitude below which nobody speaks: -50 dBFS
    BELATED = 960  # 120 ms with nothing but late packets: the path became longer
    FAR = 480  # 60 ms of packets with an impossible timestamp are believed
    SURPLUS = 320  # 40 ms too many are taken out of speech, too
    REST = 10  # frames between two squeezes
    MASK = JITTER_SAMPLES - 1

cdef extern from *:
    int ctz64 "__builtin_ctzll"(unsigned long long) noexcept nogil


cdef void jitter_init(Jitter *j) noexcept nogil:
    """Nothing heard so far. 20 ms of jitter are expected, as if one packet had shown it."""
    memset(j, 0, sizeof(Jitter))
    conceal_init(&j.conceal)
    lateness_init(&j.lateness)
    j.grain = j.unit = FRAME


# ---- which samples are there

cdef int run_of(const Jitter *j, int64_t at, int count, int *there) noexcept nogil:
    """For how many samples from `at`, `count` at most, it is the same whether they are there."""
    cdef int done = 0, bit, length
    cdef uint64_t word
    there[0] = (j.filled[(at & MASK) >> 6] >> (at & 63)) & 1
    while done < count:
        bit = <int> ((at + done) & 63)
        word = j.filled[((at + done) & MASK) >> 6]
        if there[0]:
            word = ~word
        word >>= bit
        if word:
            length = ctz64(word)
            if length < 64 - bit:
                return min(done + length, count)
        done += 64 - bit
    return count


cdef void mark(Jitter *j, int64_t at, int count, int there) noexcept nogil:
    """Samples are there, or are so no longer."""
    cdef int bit, size
    cdef uint64_t mask
    while count > 0:
        bit = <int> (at & 63)
        size = min(64 - bit, count)
        mask = (<uint64_t> -1 >> (64 - size)) << bit
        if there:
            j.filled[(at & MASK) >> 6] |= mask
        else:
            j.filled[(at & MASK) >> 6] &= ~mask
        at += size
        count -= size


cdef void advance(Jitter *j, int64_t to) noexcept nogil:
    """Whatever is before `to` is over."""
    if to - j.play >= JITTER_SAMPLES:
        memset(&j.filled[0], 0, sizeof(j.filled))
    else:
        mark(j, j.play, <int> (to - j.play), 0)
    j.play = to
    j.end = max(j.end, to)


# ---- packets in

cdef int64_t slack(const Jitter *j, int64_t play) noexcept nogil:
    """How much longer a frame at `play` waits for the end of the packet it lies in."""
    cdef int over = <int> ((j.end - play - FRAME) % j.unit)  # as C: of the sign of the first
    return j.grain - j.unit + (over + j.unit if over < 0 else over)


cdef void measure(Jitter *j, int size) noexcept nogil:
    """Account for the length of a packet."""
    cdef int a = FRAME, b = size, c
    while b:
        c = a % b
        a = b
        b = c
    j.grain = <uint16_t> size
    j.unit = <uint16_t> a


cdef int64_t here(Jitter *j, uint32_t ssrc, int size, int64_t now) noexcept nogil:
    """Where a packet belongs whose timestamp says nothing: it took no longer than the fastest."""
    if j.known:
        j.jumps += 1
    j.ssrc = ssrc
    j.strange = j.far = 0
    return max(j.end, now - lateness_least(&j.lateness) - size)


cdef int place(
    Jitter *j, uint32_t ssrc, uint32_t timestamp, int marker, int size, int64_t now, int64_t *at
) noexcept nogil:
    """Where a packet belongs; 0 when its timestamp is not believed yet."""
    cdef int64_t early
    if not j.known or ssrc != j.ssrc:
        at[0] = here(j, ssrc, size, now)
        return 1
    at[0] = j.position + <int32_t> (timestamp - j.timestamp)
    early = at[0] + size - (now - lateness_least(&j.lateness))
    if early > JITTER_JUMP:
        if marker or (j.strange and timestamp - j.strange_timestamp < JITTER_JUMP):
            at[0] = here(j, ssrc, size, now)
            return 1
        j.strange = 1
        j.strange_timestamp = timestamp
        return 0
    j.strange = 0
    if early >= -JITTER_JUMP:
        j.far = 0
    elif not j.far:
        j.far = 1
        j.far_since = now
    elif marker or now - j.far_since >= FAR:
        at[0] = here(j, ssrc, size, now)
    return 1


cdef int keep(
    Jitter *j, int64_t at, const int16_t *law, const uint8_t *audio, int size
) noexcept nogil:
    """Decode what is not there yet."""
    cdef int done = 0, run, there = 0, i, new = 0
    while done < size:
        run = run_of(j, at + done, size - done, &there)
        if not there:
            new += run
            for i in range(done, done + run):
                j.samples[(at + i) & MASK] = law[audio[i]]
            mark(j, at + done, run, 1)
        done += run
    return new


cdef int jitter_put(
    Jitter *j,
    int law,
    uint32_t ssrc,
    uint32_t timestamp,
    int marker,
    const uint8_t *audio,
    int size,
    int64_t now_ns,
) noexcept nogil:
    """A packet arrived: `law` is PAYLOAD_PCMU, PAYLOAD_PCMA or PAYLOAD_NOISE (no audio)."""
    cdef int64_t at = 0, least, now = now_ns // SAMPLE_NS
    cdef const int16_t *table = &alaw_linear[0] if law == PAYLOAD_PCMA else &ulaw_linear[0]
    cdef int skip
    j.packets += 1
    if law == PAYLOAD_NOISE:
        size = 0
    size = min(size, JITTER_SAMPLES // 2)
    if not place(j, ssrc, timestamp, marker, size, now, &at):
        return PUT_STRANGE
    if not j.known:
        j.known = 1
        j.lateness.least[0] = j.lateness.least[1] = now - at - size
        j.play = j.end = at
    j.timestamp = timestamp
    j.position = at
    if law == PAYLOAD_NOISE:
        j.quiet = at >= j.end
        return PUT_KEPT
    if size == 0:
        return PUT_DOUBLE
    if j.far:
        j.late += 1
        return PUT_LATE
    lateness_learn(&j.lateness, now - at - size)
    if size != j.grain:
        measure(j, size)
    if at + size <= j.play:
        j.late += 1
        if not j.belated:
            j.belated = 1
            j.belated_since = now
        if now - j.belated_since < BELATED:
            return PUT_LATE
        at = j.position = here(j, ssrc, size, now)
        least = lateness_least(&j.lateness)
        lateness_init(&j.lateness)
        j.lateness.least[0] = j.lateness.least[1] = least
    j.belated = 0
    if at + size > j.play + JITTER_SAMPLES:  # a burst: the oldest makes room
        j.skipped += <uint64_t> (at + size - JITTER_SAMPLES - j.play)
        conceal_cut(&j.conceal)
        advance(j, at + size - JITTER_SAMPLES)
    skip = <int> max(j.play - at, 0)
    if not keep(j, at + skip, table, audio + skip, size - skip):
        j.doubles += 1
        return PUT_DOUBLE
    if at + size > j.end:
        j.end = at + size
        j.quiet = 0
    return PUT_KEPT


# ---- samples out

cdef void copy(const Jitter *j, int64_t at, int16_t *into, int count) noexcept nogil:
    cdef int first = <int> min(count, JITTER_SAMPLES - (at & MASK))
    memcpy(into, &j.samples[at & MASK], <size_t> first * 2)
    memcpy(into + first, &j.samples[0], <size_t> (count - first) * 2)


cdef int render(Jitter *j, int16_t *into, int count) noexcept nogil:
    """Say the next samples; those that are missing are made up. TOOK_CONCEALED if any were."""
    cdef int done = 0, run, there = 0, took = TOOK_VOICE
    while done < count:
        run = run_of(j, j.play, count - done, &there)
        if there:
            copy(j, j.play, into + done, run)
            conceal_heard(&j.conceal, into + done, run)
            j.played += <uint64_t> run
        else:
            conceal_lost(&j.conceal, into + done, run)
            j.concealed += <uint64_t> run
            took = TOOK_CONCEALED
        advance(j, j.play + run)
        done += run
    return took


cdef int whole(const Jitter *j, int64_t at, int count) noexcept nogil:
    """Whether all these samples are there."""
    cdef int there = 0
    return run_of(j, at, count, &there) == count and there


cdef int is_quiet(const Jitter *j) noexcept nogil:
    """Whether the next frame is there, and nobody speaks in it."""
    cdef int i, sum = 0, sample
    for i in range(FRAME):
        sample = j.samples[(j.play + i) & MASK]
        sum += -sample if sample < 0 else sample
    return sum < QUIET * FRAME


cdef int squeeze(Jitter *j, int16_t *frame) noexcept nogil:
    """One pitch period less, overlapped and added over 10 ms."""
    cdef int16_t wide[FRAME + PITCH_MAX]
    cdef int i, lag
    copy(j, j.play, &wide[0], FRAME + PITCH_MAX)
    lag = conceal_lag(&wide[0], &wide[PITCH_MAX], STEP)
    for i in range(STEP):
        frame[i] = <int16_t> ((wide[i] * (STEP - i) + wide[i + lag] * i) // STEP)
    memcpy(&frame[STEP], &wide[STEP + lag], (FRAME - STEP) * 2)
    conceal_heard(&j.conceal, frame, FRAME)
    advance(j, j.play + FRAME + lag)
    j.played += FRAME
    j.skipped += <uint64_t> lag
    j.rest = REST
    return TOOK_VOICE


cdef int stretch(Jitter *j, int16_t *frame) noexcept nogil:
    """The last 10 ms backwards, then the next 10."""
    cdef const int16_t *end = &j.conceal.history[0] + sizeof(j.conceal.history) // 2 - 1
    cdef int i
    for i in range(STEP):
        frame[i] = end[-i]
    conceal_heard(&j.conceal, frame, STEP)
    j.stretched += STEP
    return render(j, frame + STEP, STEP)


cdef int starve(Jitter *j, int64_t edge, int16_t *frame) noexcept nogil:
    """Nothing waits: it may be late, lost, or never have been said."""
    cdef int64_t wanted = j.lateness.target + slack(j, j.play)
    if j.quiet or j.conceal.gap >= CONCEAL_SAMPLES_MAX:
        j.rolling = 0
        if edge - wanted - FRAME > j.play:
            advance(j, edge - wanted - FRAME)
        conceal_silent(&j.conceal, frame, FRAME)
        return TOOK_SILENCE
    conceal_lost(&j.conceal, frame, FRAME)
    j.concealed += FRAME
    if edge - j.play - FRAME - wanted >= 0:
        advance(j, j.play + FRAME)
    return TOOK_CONCEALED


cdef int jitter_take(Jitter *j, int64_t now_ns, int16_t *frame) noexcept nogil:
    """The next 160 samples."""
    cdef int64_t edge, surplus
    if not j.known:
        memset(frame, 0, FRAME * 2)
        return TOOK_SILENCE
    # where the fastest packet would end now
    edge = now_ns // SAMPLE_NS - lateness_least(&j.lateness)
    if j.rest:
        j.rest -= 1
    if j.end <= j.play:
        return starve(j, edge, frame)
    surplus = edge - j.play - FRAME - j.lateness.target - slack(j, j.play)
    if surplus > JITTER_DELAY_MAX - j.lateness.target + SURPLUS:
        conceal_cut(&j.conceal)
        j.skipped += <uint64_t> surplus
        advance(j, j.play + surplus)
        surplus = 0
    if not j.rolling:
        if surplus < 0:
            conceal_silent(&j.conceal, frame, FRAME)
            return TOOK_SILENCE
        j.rolling = 1
    if surplus <= -STEP and whole(j, j.play, FRAME) and is_quiet(j):
        return stretch(j, frame)
    if surplus >= STEP and whole(j, j.play, FRAME + STEP) and is_quiet(j):
        if edge - j.play - STEP - FRAME - j.lateness.target - slack(j, j.play + STEP) >= 0:
            advance(j, j.play + STEP)
            j.skipped += STEP
    elif surplus >= SURPLUS and not j.rest and whole(j, j.play, FRAME + PITCH_MAX):
        return squeeze(j, frame)
    return render(j, frame, FRAME)


cdef class RtpJitter:
    """One stream's jitter buffer without a stream."""

    def __cinit__(self):
        jitter_init(&self.state)

    def put(
        self,
        int law,
        unsigned int ssrc,
        unsigned int timestamp,
        const uint8_t[::1] audio,
        int64_t now_ns,
        bint marker=False,
    ):
        cdef uint8_t nothing = 0
        cdef int size = <int> min(audio.shape[0], 65535)
        cdef const uint8_t *start = &audio[0] if size else &nothing
        if law not in (PAYLOAD_PCMU, PAYLOAD_PCMA, PAYLOAD_NOISE):
            raise ValueError(f"neither G.711 nor comfort noise: {law}")
        what = jitter_put(&self.state, law, ssrc, timestamp, marker, start, size, now_ns)
        return VERDICTS[what]

    def take(self, int64_t now_ns):
        cdef int16_t frame[FRAME_BYTES]
        kind = jitter_take(&self.state, now_ns, &frame[0])
        return KINDS[kind], <bytes> (<char *> &frame[0])[:sizeof(frame)]

    @property
    def target_ms(self):
        return self.state.lateness.target / 8

    @property
    def waiting_ms(self):
        return (self.state.end - self.state.play) / 8

    def counts(self):
        cdef Jitter *j = &self.state
        values = (
            j.packets, j.late, j.doubles, j.jumps, j.played, j.concealed, j.skipped, j.stretched
        )
        return dict(zip(COUNTS, values, strict=True))
