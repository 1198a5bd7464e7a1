# cython: auto_pickle=False, autotestdict=False
"""Concealment of lost audio, as G.711 Appendix I (09/99) describes it:

1. At the first missing sample, the pitch is found: the lag of 40 to 120 samples at which the last
   20 ms are most like what came before them.
2. The last pitch period is said again and again. After 10 ms it is the last two, after 20 ms the
   last three, so that it does not buzz. Where the end of the periods meets their beginning, a
   quarter of a period is overlapped and added.
3. From 10 ms on it gets softer by a fifth every 10 ms: after 60 ms there is silence.
4. When audio comes again, the concealment goes on under its first 4 ms (10 ms after a long gap) and
   the two are overlapped and added.

The Appendix delays all audio by 3.75 ms, to smooth the beginning of a gap too. We do not: the step
from the last sample to the first of the period is taken out, and let in over a quarter period.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcpy, memmove, memset

from fastpath.rtp_limits cimport CONCEAL_HISTORY, CONCEAL_SAMPLES_MAX, PITCH_MAX, PITCH_MIN

cdef enum:
    WINDOW = 160  # samples compared to find the pitch
    STEP = 80  # 10 ms: after each, one more period and a fifth softer
    BLEND_MIN = 32
    BLEND_MAX = 80
    ONE = 32768  # 1.0


cdef void conceal_init(Conceal *c) noexcept nogil:
    """Silence was said so far."""
    memset(c, 0, sizeof(Conceal))


cdef int conceal_lag(const int16_t *x, const int16_t *later, int window) noexcept nogil:
    """How many samples before `later` the audio was most like it; `x` is where it may begin.

    Normalised correlation; 0 when there are no PITCH_MIN samples between the two.
    """
    cdef int lag, i, best = 0, most = <int> min(PITCH_MAX, later - x)
    cdef int64_t cross, energy
    cdef double score, score_best = -1.0
    cdef const int16_t *y
    for lag in range(PITCH_MIN, most + 1):
        y = later - lag
        cross = energy = 0
        for i in range(window):
            cross += <int> later[i] * y[i]
            energy += <int> y[i] * y[i]
        score = 0.0
        if cross > 0:
            score = <double> cross * <double> cross / <double> energy
        if score > score_best:
            score_best = score
            best = lag
    return best


cdef void remember(Conceal *c, const int16_t *samples, int count) noexcept nogil:
    """What was said becomes the end of the history; never more than a frame."""
    memmove(&c.history[0], &c.history[count], <size_t> (CONCEAL_HISTORY - count) * 2)
    memcpy(&c.history[CONCEAL_HISTORY - count], samples, <size_t> count * 2)


cdef void conceal_recall(
    Conceal *c, const int16_t *samples, int stride, int64_t count
) noexcept nogil:
    """So many samples were said while nothing was missing, `stride` apart: any number at once."""
    cdef int size = <int> min(count, CONCEAL_HISTORY), i
    cdef int16_t *into = &c.history[CONCEAL_HISTORY - size]
    memmove(&c.history[0], &c.history[size], <size_t> (CONCEAL_HISTORY - size) * 2)
    samples += (count - size) * stride
    for i in range(size):
        into[i] = samples[i * stride]


cdef void begin(Conceal *c) noexcept nogil:
    """A gap begins."""
    cdef const int16_t *h = &c.history[0]
    memcpy(&c.source[0], h, sizeof(c.source))
    c.pitch = <uint16_t> conceal_lag(h, h + CONCEAL_HISTORY - WINDOW, WINDOW)
    c.step = h[CONCEAL_HISTORY - 1] - h[CONCEAL_HISTORY - 1 - c.pitch]
    c.periods = 1
    c.at = 0
    c.fading = 0
    c.gap = 0


cdef int looped(const Conceal *c, int periods, int at) noexcept nogil:
    """A sample of the last periods, their end overlapped with what was before their beginning."""
    cdef int size = periods * c.pitch, quarter = c.pitch // 4
    cdef int into = at - (size - quarter), here = CONCEAL_HISTORY - size + at
    cdef int weight, value = c.source[here]
    if into >= 0:
        weight = (into + 1) * ONE // (quarter + 1)
        value = (value * (ONE - weight) + c.source[here - size] * weight) >> 15
    return value


cdef int synthesise(Conceal *c) noexcept nogil:
    """The next sample of concealment."""
    cdef int quarter = c.pitch // 4, weight, value, gain, former, at
    if c.gap >= CONCEAL_SAMPLES_MAX:
        return 0
    if c.gap in (STEP, 2 * STEP):  # one period more, at the same phase
        c.periods += 1
        c.at += c.pitch
        c.fading = <uint16_t> quarter
    value = looped(c, c.periods, c.at)
    if c.fading:
        weight = c.fading * ONE // (quarter + 1)
        former = c.periods - 1
        at = (c.at + (former - 1) * c.pitch) % (former * c.pitch)
        value = (value * (ONE - weight) + looped(c, former, at) * weight) >> 15
        c.fading -= 1
    if c.gap < quarter:
        weight = (quarter - c.gap) * ONE // (quarter + 1)
        value += (c.step * weight) >> 15
        value = max(-ONE, min(value, ONE - 1))
    c.at += 1
    if c.at == c.periods * c.pitch:
        c.at = 0
    gain = ONE
    if c.gap > STEP:
        gain -= (c.gap - STEP) * 8192 // 100
    c.gap += 1
    return (value * gain) >> 15


cdef void conceal_lost(Conceal *c, int16_t *samples, int count) noexcept nogil:
    """Make up the next samples."""
    cdef int i
    if c.gap == 0:
        begin(c)
    for i in range(count):
        samples[i] = <int16_t> synthesise(c)
    remember(c, samples, count)


cdef void conceal_cut(Conceal *c) noexcept nogil:
    """Audio is about to be left out: what comes next begins as after a gap."""
    if c.gap == 0:
        begin(c)
        synthesise(c)


cdef void conceal_heard(Conceal *c, int16_t *samples, int count) noexcept nogil:
    """The next samples are these; behind a gap they are changed to begin smoothly."""
    cdef int i, weight, size
    if c.gap:
        size = min(max(BLEND_MIN, c.gap // 4), BLEND_MAX)
        size = min(size, count)
        for i in range(size):
            weight = (i + 1) * ONE // (size + 1)
            samples[i] = <int16_t> ((synthesise(c) * (ONE - weight) + samples[i] * weight) >> 15)
        c.gap = 0
    remember(c, samples, count)


cdef void conceal_silent(Conceal *c, int16_t *samples, int count) noexcept nogil:
    """The next samples are silence: nobody speaks, nothing is lost."""
    memset(samples, 0, <size_t> count * 2)
    c.gap = CONCEAL_SAMPLES_MAX
    remember(c, samples, count)


cdef class RtpConceal:
    """One stream's concealment by itself."""

    def __cinit__(self):
        conceal_init(&self.state)

    def heard(self, const int16_t[::1] samples not None):
        cdef int16_t frame[WINDOW]
        cdef int count = self.room(samples.shape[0])
        memcpy(&frame[0], &samples[0], <size_t> count * 2)
        conceal_heard(&self.state, &frame[0], count)
        return <bytes> (<char *> &frame[0])[:2 * count]

    def lost(self, int count):
        cdef int16_t frame[WINDOW]
        conceal_lost(&self.state, &frame[0], self.room(count))
        return <bytes> (<char *> &frame[0])[:2 * count]

    def silent(self, int count):
        cdef int16_t frame[WINDOW]
        conceal_silent(&self.state, &frame[0], self.room(count))
        return <bytes> (<char *> &frame[0])[:2 * count]

    def cut(self):
        conceal_cut(&self.state)

    cdef int room(self, Py_ssize_t count) except -1:
        if not 0 < count <= WINDOW:
            raise ValueError(f"between 1 and {WINDOW} samples at a time")
        return <int> count
