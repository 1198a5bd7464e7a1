# cython: auto_pickle=False, autotestdict=False
"""Voice activity. The rules, in the order a frame meets them:

1. Its levels behind two short filters, and its autocorrelation at lags 0 to 4, without the mean:
   how well four samples tell the next. A tone, or two, leave nothing untold.
2. The floor is the least smoothed level of the last two seconds, never above that of now: a voice
   has gaps, so it sinks into each and does not climb on vowels.
3. Noise that does not move is noise at once: a stretch of constant level in both bands becomes the
   floor, and what it was taken for is undone. Hiss needs less of it than what could be a vowel.
4. Of a few frames without any sound, which were lost, nothing is learned of the noise. Nor is it of
   more where there is noise else: a far end that leaves it out at times has no new floor.
5. Voice is what exceeds the floor by a margin, and is not far below the loudest voice so far: the
   less the voice stands out, the less far, for then what is behind it is no silence.
"""

from libc.math cimport fabs
from libc.string cimport memcpy, memset

from fastpath.vad_sums cimport logf, periodic, sums

from collections import namedtuple

FRAME = VAD_FRAME
Heard = namedtuple("Heard", "level_db floor_db speech tonal undone cut periodic lag")

cdef double FULL = 1073741824.0  # 2**30
cdef float DB = 4.3429448  # dB of a natural logarithm of 1
cdef double LEVEL_MIN = -80.0
cdef double FLOOR_START = -60.0  # what a quiet line has, before anything was heard
cdef double FLOOR_MIN = -66.0  # below it is what the codec adds
cdef double MARGIN_MIN = 6.0
cdef double MARGIN_MAX = 12.0
cdef double KEEP = 2.0  # a voice that began may be so much nearer to the floor
cdef double OF_PEAK = 0.4  # of the way from the floor to the loudest
cdef double BELOW_PEAK = 14.0
cdef double NEAR_PEAK = 12.0
cdef double PEAK_SINK = 0.04  # a frame: 2 dB a second
cdef double TONAL_MAX = 0.015
cdef double TONAL_STILL = 0.008
cdef double OUTGROWN = 8.0  # dB
cdef double HISS_MIN = 0.35  # residual
cdef double STEADY_HISS = 3.0  # dB from least to most
cdef double STEADY_ANY = 3.0
cdef double NEVER_LESS = 2.0  # dB: noise is what was there all the time
cdef double UNHEARD = 99.0
cdef enum:
    HISS_FRAMES = 8
    TONAL_FRAMES = 5
    OLDER = 10
    LOST_FRAMES = 3  # more of nothing at all is no loss: this line is silent between words


cdef void vad_init(Vad *v) noexcept nogil:
    cdef int b, k
    memset(v, 0, sizeof(Vad))
    for b in range(VAD_BANDS):
        v.floor[b] = FLOOR_START
        v.smooth[b] = LEVEL_MIN
        v.restless[b] = 2.0
        for k in range(VAD_WINDOWS):
            v.least[b][k] = UNHEARD
        v.peak[b] = LEVEL_MIN
    v.earlier = LEVEL_MIN


cdef void vad_gap(Vad *v) noexcept nogil:
    """A frame that never arrived: nothing is learned of it."""
    v.frames += 1
    v.speech = v.tonal = v.undone = v.cut = v.lag = 0
    v.loud = LEVEL_MIN
    v.since = 0
    memset(&v.low[0], 0, sizeof(v.low))


cdef inline double decibel(double power) noexcept nogil:
    cdef double found
    if power <= 0:
        return LEVEL_MIN
    found = DB * logf(<float> (power / FULL))  # to 1e-5 dB, three times as fast as log10
    return found if found > LEVEL_MIN else LEVEL_MIN


cdef double unpredicted(const double *r) noexcept nogil:
    """The part of the power that a linear prediction of order 4 leaves (Levinson, Durbin)."""
    cdef double a[5]
    cdef double b[5]
    cdef double error = r[0], k
    cdef int i, m
    a[0] = 1.0
    for m in range(1, 5):
        a[m] = 0.0
        k = 0.0
        for i in range(m):
            k -= a[i] * r[m - i]
        if error <= r[0] * 1e-9:
            return 0.0
        k /= error
        for i in range(m + 1):
            b[i] = a[i] + k * a[m - i]
        for i in range(m + 1):
            a[i] = b[i]
        error *= 1.0 - k * k
    return error / r[0] if error > 0 else 0.0


cdef void measure(Vad *v, const int16_t *samples, int16_t *low) noexcept nogil:
    cdef int32_t raw[5]
    cdef int32_t ends[5]
    cdef int32_t total
    cdef double power[2]
    cdef double r[5]
    cdef double mean, scale
    cdef int k
    scale = <double> (1 << 2 * sums(samples, &raw[0], &total, &ends[0], &power[0], low))
    mean = <double> total / VAD_FRAME
    for k in range(5):
        r[k] = scale * (raw[k] + mean * (ends[k] - mean * (VAD_FRAME + k)))
    # edges: lag k has k products less
    for k in range(1, 5):
        r[k] = r[k] * VAD_FRAME / (VAD_FRAME - k)
    v.loud = decibel(r[0] / VAD_FRAME)
    # white noise has the same level in both
    v.level[0] = decibel(scale * power[0] / (380 * 140))
    v.level[1] = decibel(scale * power[1] / (2 * 159))
    # a white floor of -60 dB of the frame, so that clicks of a quiet codec are no tones
    r[0] = r[0] * 1.000001 + 1.0
    v.residual = unpredicted(&r[0])
    # voices are told as well at times, but they do not stand still
    if v.residual < TONAL_MAX and fabs(r[1] / r[0] - v.slope) < TONAL_STILL:
        v.told += v.told < TONAL_FRAMES
    else:
        v.told = 0
    v.slope = r[1] / r[0]
    v.tonal = v.told == TONAL_FRAMES and v.loud > FLOOR_START + 6


cdef int steady(const Vad *v, int frames, double most) noexcept nogil:
    """Whether both levels stayed within `most` dB over so many frames, and were never lower."""
    cdef int b, k
    cdef double low, high, one
    if v.since < frames:
        return 0
    for b in range(VAD_BANDS):
        low = high = v.recent[b][v.frames % VAD_STEADY]
        for k in range(1, frames):
            one = v.recent[b][(v.frames - k) % VAD_STEADY]
            low = min(low, one)
            high = max(high, one)
            if high - low > most:
                return 0
        if low > least_of(v, b) + NEVER_LESS:
            return 0
    return 1


cdef void forget(Vad *v) noexcept nogil:
    """What was heard until now was no voice."""
    cdef int b
    v.speech = 0
    v.voiced = 0
    v.earlier = LEVEL_MIN
    for b in range(VAD_BANDS):
        v.peak[b] = LEVEL_MIN


cdef void settle(Vad *v, int frames) noexcept nogil:
    """The last frames are nothing but noise: their least level is the floor."""
    cdef int b, k
    cdef double low
    for b in range(VAD_BANDS):
        low = v.recent[b][v.frames % VAD_STEADY]
        for k in range(1, frames):
            low = min(low, v.recent[b][(v.frames - k) % VAD_STEADY])
        v.least[b][v.window] = min(v.least[b][v.window], low)
        v.restless[b] = 1.0
    v.known = VAD_WINDOWS
    v.cut = <uint8_t> frames
    if v.peak[0] > v.smooth[0] + OUTGROWN or v.peak[1] > v.smooth[1] + OUTGROWN:
        v.undone = VAD_UNDO_END  # there was a voice before it
        v.speech = 0
    else:
        v.undone = VAD_UNDO_RUN
        forget(v)


cdef double least_of(const Vad *v, int b) noexcept nogil:
    cdef double low = v.least[b][0]
    cdef int k
    for k in range(1, VAD_WINDOWS):
        low = min(low, v.least[b][k])
    return low


cdef void follow(Vad *v) noexcept nogil:
    """The floor after this frame. Digital silence says nothing of the line."""
    cdef int b
    cdef double low
    if v.level[0] <= LEVEL_MIN:
        return
    v.filled += 1
    if v.filled == VAD_WINDOW:
        v.filled = 0
        v.window = (v.window + 1) % VAD_WINDOWS
        v.known += v.known < VAD_WINDOWS
        for b in range(VAD_BANDS):
            v.least[b][v.window] = UNHEARD
    for b in range(VAD_BANDS):
        v.least[b][v.window] = min(v.least[b][v.window], v.smooth[b])
        low = least_of(v, b)
        if v.known < VAD_WINDOWS:  # a voice may have been there from the first frame on
            low = min(low, FLOOR_START)
        v.floor[b] = max(low, FLOOR_MIN)


cdef double above(const Vad *v) noexcept nogil:
    """How far the better band is above what noise may reach, in dB."""
    cdef double best = -99.0, margin, over
    cdef int b
    for b in range(VAD_BANDS):
        margin = min(max(MARGIN_MIN, 2.0 + 2.0 * v.restless[b]), MARGIN_MAX)
        over = v.peak[b] - v.floor[b]
        margin = max(margin, max(OF_PEAK * over, min(over - BELOW_PEAK, NEAR_PEAK)))
        best = max(best, v.level[b] - v.floor[b] - margin)
    return best


cdef void outgrow(Vad *v) noexcept nogil:
    """A voice so much louder than all before it: that was the room."""
    if v.speech:
        v.voiced += 1
    if v.since <= OLDER:
        return
    v.earlier = max(v.earlier, v.recent[0][(v.frames - OLDER) % VAD_STEADY])
    if v.voiced > OLDER + 4 and v.smooth[0] > v.earlier + OUTGROWN:
        forget(v)
        v.undone = VAD_UNDO_ALL


cdef void vad_hear(Vad *v, const int16_t *samples) noexcept nogil:
    """Hear the next frame: VAD_FRAME samples."""
    cdef int b, at
    cdef double over
    cdef int16_t low[VAD_LOW]
    measure(v, samples, &low[0])
    v.undone = v.cut = v.lag = 0
    at = v.frames % VAD_STEADY
    v.nothing = v.nothing + (v.nothing < 255) if v.loud <= LEVEL_MIN else 0
    if 0 < v.nothing <= LOST_FRAMES or v.nothing and v.floor[0] > FLOOR_START:
        for b in range(VAD_BANDS):
            v.recent[b][at] = v.smooth[b]
        v.speech = v.tonal = 0
        v.run = 0
        v.frames += 1
        memset(&v.low[0], 0, sizeof(v.low))
        return
    v.since += 1
    for b in range(VAD_BANDS):
        v.smooth[b] = v.level[b] if v.since <= 2 else 0.5 * (v.smooth[b] + v.level[b])
        v.recent[b][at] = v.smooth[b]
    if v.since > 2:  # a codec's first frames are of its own making
        follow(v)
    over = above(v)
    if over > 0 and v.residual > HISS_MIN and steady(v, HISS_FRAMES, STEADY_HISS):
        settle(v, HISS_FRAMES)
    elif over > 0 and steady(v, VAD_STEADY, STEADY_ANY):
        settle(v, VAD_STEADY)
    elif v.tonal and v.speech and v.run <= TONAL_FRAMES + 1:
        v.undone = VAD_UNDO_RUN
        forget(v)
    if v.cut:
        follow(v)
        over = above(v)
    if v.speech:
        over += KEEP
    outgrow(v)
    v.speech = over > 0 and not v.tonal
    if v.speech:
        v.periodic = periodic(&v.low[0], &low[0], &v.lag)
    memcpy(&v.low[0], &low[0], sizeof(v.low))
    for b in range(VAD_BANDS):
        v.peak[b] -= PEAK_SINK
        if v.speech:
            v.run += b == 0
            v.peak[b] = max(v.peak[b], v.level[b])
        else:
            v.run = 0
            v.restless[b] += 0.05 * (min(fabs(v.level[b] - v.floor[b]), 10.0) - v.restless[b])
    v.frames += 1


cdef class VoiceDetector:
    """One side of a call."""

    def __cinit__(self):
        vad_init(&self.state)

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at
        found = []
        for at in range(0, samples.shape[0] - VAD_FRAME + 1, VAD_FRAME):
            vad_hear(&self.state, &samples[at])
            found.append(Heard(
                self.state.loud, self.state.floor[0], bool(self.state.speech),
                bool(self.state.tonal), int(self.state.undone), int(self.state.cut),
                self.state.periodic if self.state.lag else 0.0, int(self.state.lag),
            ))
        return found
