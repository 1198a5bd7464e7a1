# cython: auto_pickle=False, autotestdict=False
"""Bursts of tone. The rules, in the order a frame meets them:

1. Sum of x[n](x[n+1] + x[n-1]) over twice the sum of x[n]^2 is cos w for one tone of frequency w,
   whatever its phase; with x[n+2], x[n-2] it is cos 2w. cos 2w - (2 cos^2 w - 1) is what noise and
   further tones add. White noise makes both smaller by the tone's share of the power: so the share
   is known as well, and a frame of which it is small is no tone.
2. Two frames in a row that agree in both, as far as their noise lets them, may be a tone: a voice
   seldom stands as still as that.
3. After five of them a spectrum of 64 ms must find one to three lines that hold most of the power;
   later ones, of 128 ms, tell pairs apart. The purest of a burst counts. What is low and had sound
   before it has to last 640 ms: no plan's tone begins so, and music is full of it.
4. A burst survives two frames without it: lost packets, of which four when they are known to be
   lost; and five that are as loud as it was: GSM full rate tears what is above 1,900 Hz apart, when
   noise is with it.
5. It began and ended inside of frames: their power says where.
"""

from libc.math cimport cos, fabsf, sin, sqrtf
from libc.string cimport memcpy, memmove, memset

from collections import namedtuple

from fastpath.tones_spectrum cimport (
    SPECTRUM_MAX, SPECTRUM_SHORT, TORN_APART, TORN_HERTZ, peaks_join, spectrum_peaks,
)
from fastpath.tones_sums cimport still

BurstHeard = namedtuple(
    "BurstHeard",
    "hertz share pure begin end power wavers flips drift looks silence broken",
)

cdef enum:
    AGE_FIRST = 5  # frames that must stand still
    AGE_LONG = 7  # for the long window
    HOLE_MAX = 2
    GAP_MAX = 4  # that are known to be lost: no pause of a plan is as short
    HOLE_LOUD = 5
    TORN_PAUSE = 1200  # samples
    LOW_AGE = 32  # frames
    SPOKEN_ENDS = 100
    SPOKEN_MIN = 12  # frames: what an offset does to GSM full rate is over sooner
    STRETCH = 4
    FLIP_SAME = 3  # half frames in which one turn is seen
    FLIP_MIN = 41
    FLIP_MAX = 49
cdef float POWER_MIN = 6500.0  # -46 dBm0
cdef float APART_MIN = 0.009
cdef float APART_NOISY = 0.22  # of the root of what noise adds
cdef float SPREAD_MOST = 0.2  # what frames may be apart grows up to this
cdef float SHARE_MIN = 0.76  # of the tone: 5 dB over white noise
cdef float SLOPE_MAX = 0.972  # of 300 Hz: what is lower is a voice, or hum
cdef float LOW_SLOPE = 0.82  # of 775 Hz: special information, faxes and torn tones are higher
cdef float DRIFT_MIN = 0.003
cdef float DRIFT_NOISY = 0.15
cdef float SOFTER = 0.16  # than the burst so far, and it is over: 8 dB
cdef float SILENCE = 0.2  # than the burst: what is before it and behind it, at most: 7 dB
cdef float HUM = 0.99  # slope of 180 Hz: what is lower is no sound, but an offset that moves
cdef float SPOKEN = 8.0  # sound before a tone that is so much louder than what is between them
cdef float SPOKEN_SOFT = 0.05  # and not much softer than the tone
cdef float LOUD = 0.25  # of the last burst's power: sound between two bursts
cdef float ALONE = 0.6  # share of a line that is no half of a pair
cdef float PURE_MIN = 0.62
cdef float TORN_SLOPE = 0.15  # some 200 Hz
cdef float PHASE_HERTZ = 2100.0
cdef float PHASE_OFF = 32.0
cdef double PI = 3.14159265358979323846
cdef float[80] PHASE_COS
cdef float[80] PHASE_SIN


cdef void fill_tables() noexcept:
    cdef int n
    for n in range(80):
        PHASE_COS[n] = <float> cos(2 * PI * PHASE_HERTZ * n / 8000)
        PHASE_SIN[n] = <float> sin(2 * PI * PHASE_HERTZ * n / 8000)


fill_tables()


cdef void bursts_init(BurstState *s) noexcept nogil:
    memset(s, 0, sizeof(BurstState))


cdef inline int agrees(const BurstState *s, float slope, float curve) noexcept nogil:
    cdef float most = APART_MIN + APART_NOISY * sqrtf(min(max(s.spread, 0), SPREAD_MOST))
    return fabsf(s.slope - slope) < most and fabsf(s.curve - curve) < 3 * most


cdef inline int is_elsewhere(const BurstState *s) noexcept nogil:
    """Whether a frame has another pitch than the burst, and not just more noise."""
    cdef float most = APART_MIN + APART_NOISY * sqrtf(min(max(s.spread, 0), SPREAD_MOST))
    if s.state == BURST_TONE and s.now.peaks.hertz[0] > TORN_HERTZ:
        return fabsf(s.slope - s.slope_mean) > TORN_SLOPE
    return fabsf(s.slope - s.slope_mean) > 2 * most


cdef void start(BurstState *s) noexcept nogil:
    """This frame and the one before are alike."""
    cdef float first = min(s.before[0] / s.power, 1), zeroth = s.before[1] / s.power
    cdef Burst *b = &s.now
    memset(b, 0, sizeof(Burst))
    b.begin = (s.frames - 1) * TONE_FRAME
    if first < 0.9:
        b.begin += <int> ((1 - first) * TONE_FRAME)
    elif zeroth < 0.9:
        b.begin -= <int> (zeroth * TONE_FRAME)
    b.power = s.power
    b.wavers = 1
    s.quiet = min(s.before[2], s.before[3])
    b.silence = s.quiet < SILENCE * s.power
    b.broken = s.loud > HOLE_MAX
    b.spoken = s.spoke >= SPOKEN_MIN and s.voice > max(
        SPOKEN * max(s.before[2], s.before[3]), SPOKEN_SOFT * s.power
    )
    s.state = BURST_MAYBE
    s.age = 2
    s.clean = 1 + (first >= 0.9)
    s.due = AGE_FIRST
    s.hole = s.stretched = 0
    s.stretch = s.least = s.most = 0
    s.flip_at = 0
    memset(&s.half[0], 0, sizeof(s.half))
    s.edge[0] = s.power
    s.edge_at = s.frames + 1


cdef void finish(BurstState *s) noexcept nogil:
    """What was heard is over."""
    cdef Burst *b = &s.now
    cdef float part = min(s.edge[0] / b.power, 1)
    b.end = s.edge_at * TONE_FRAME
    if part < 0.8:
        b.end -= <int> ((1 - part) * TONE_FRAME)
    elif s.edge[1] < 0.8 * b.power:
        b.end += <int> (s.edge[1] / b.power * TONE_FRAME)
    if s.state == BURST_TONE:
        b.silence |= 2 * (s.softest < SILENCE * b.power)
        s.last = b[0]
        s.ended = 1
        s.loud = 0
    elif b.power > max(LOUD * s.last.power, POWER_MIN):
        s.loud += s.age
    s.state = BURST_NONE


cdef float moved(const Peaks *before, float hertz) noexcept nogil:
    """How far the line that was nearest is away, as a part of it."""
    cdef float least = 1
    cdef int i
    for i in range(before.count):
        least = min(least, fabsf(hertz - before.hertz[i]) / before.hertz[i])
    return least


cdef void join(BurstState *s, float hertz) noexcept nogil:
    """What GSM full rate tore into two bursts is one."""
    cdef const Burst *a = &s.last
    if (
        hertz > TORN_HERTZ and a.looks and s.now.begin < a.end + TORN_PAUSE
        and fabsf(hertz - a.peaks.hertz[0]) < TORN_APART
    ):
        s.now.joined = 1
        s.now.begin = a.begin
        s.now.silence = a.silence & 1
        s.now.broken = a.broken
        s.now.spoken = a.spoken
        s.now.peaks = a.peaks
        s.now.looks = a.looks
        s.now.flips = a.flips
        s.now.drift = a.drift


cdef void burst_window(const BurstState *s, int16_t *samples, int size) noexcept nogil:
    """The last samples of those in `history`."""
    cdef int64_t at = s.kept * TONE_FRAME - size
    cdef int first = <int> (at % (TONE_HISTORY * TONE_FRAME))
    cdef int room = min(size, TONE_HISTORY * TONE_FRAME - first)
    memcpy(samples, &s.history[first], room * sizeof(int16_t))
    memcpy(samples + room, &s.history[0], (size - room) * sizeof(int16_t))


cdef void look(BurstState *s) noexcept nogil:
    """Take a spectrum of the burst; the purest counts."""
    cdef int16_t samples[SPECTRUM_MAX]
    cdef Peaks found
    cdef int size = SPECTRUM_MAX if s.clean >= AGE_LONG else SPECTRUM_SHORT
    burst_window(s, &samples[0], size)
    spectrum_peaks(&samples[0], size, &found)
    peaks_join(&found)
    if found.pure < PURE_MIN:
        return
    # the short window shows a pair as one line
    if (found.fine and s.now.peaks.fine) or (
        found.share[0] > ALONE and s.now.peaks.share[0] > ALONE
    ):
        s.now.drift = max(s.now.drift, moved(&s.now.peaks, found.hertz[0]))
    if s.state != BURST_TONE:
        join(s, found.hertz[0])
    s.now.looks += s.now.looks < 255
    if found.fine > s.now.peaks.fine or (
        found.fine == s.now.peaks.fine and found.pure > s.now.peaks.pure
    ):
        s.now.peaks = found
    s.state = BURST_TONE


cdef inline int pause(const BurstState *s) noexcept nogil:
    """Frames from a spectrum to the next one."""
    if s.now.looks >= 2 and not s.now.silence and s.age < 32:
        return 16  # music, or a voice: a tone that a plan knows is known by two
    return 3 if s.age < 16 else 8 if s.age < 32 else 32


cdef inline int is_time(BurstState *s) noexcept nogil:
    """Whether a spectrum is due, and the sound stands still enough for it to be worth one."""
    if s.age < s.due or s.clean < AGE_FIRST - 1:
        return 0
    if not s.now.silence and s.slope_mean > LOW_SLOPE and s.age < LOW_AGE:
        return 0
    if fabsf(s.drift) > DRIFT_MIN + DRIFT_NOISY * sqrtf(max(s.spread, 0)):
        return 0
    s.due = s.age + pause(s)
    return 1


cdef void phases(BurstState *s, const int16_t *frame) noexcept nogil:
    """Count where the phase of 2,100 Hz turns by half a period (V.25, V.8)."""
    cdef float re, im, turn
    # what its frequency alone turns in two half frames
    cdef double off = 2 * PI * (s.now.peaks.hertz[0] - PHASE_HERTZ) * TONE_FRAME / 8000
    cdef float c = <float> cos(off), d = <float> sin(off)
    cdef int h, n
    for h in range(2):
        re = im = 0
        for n in range(80):  # 80 samples are 21 periods
            re += PHASE_COS[n] * frame[80 * h + n]
            im += PHASE_SIN[n] * frame[80 * h + n]
        # against two half frames before: the one in which it turns has no phase
        turn = c * (re * s.half[2] + im * s.half[3]) + d * (re * s.half[3] - im * s.half[2])
        s.flip_at += 1
        if turn < 0 and s.flip_at > FLIP_SAME:
            # V.8, V.25: every 450 ms; lost packets turn it at any time
            s.now.flips += FLIP_MIN <= s.flip_at <= FLIP_MAX
            s.flip_at = 0
        s.half[2] = s.half[0]
        s.half[3] = s.half[1]
        s.half[0] = re
        s.half[1] = im


cdef void go_on(BurstState *s, const int16_t *frame, float before) noexcept nogil:
    """The burst is in this frame too."""
    cdef float weight = 1.0 / min(s.age, 16)
    s.hole = 0
    s.age += 1
    s.clean += 1
    if s.age == 3:  # the first frame is seldom whole
        s.slope_first = 0.5 * (s.slope + before)
    s.drift = 0.5 * (s.slope + before) - s.slope_first
    s.slope_mean += weight * (s.slope - s.slope_mean)
    s.curve_mean += weight * (s.curve - s.curve_mean)
    # the frame before: this one may be its last, and not whole
    s.stretch += s.edge[0]
    s.stretched += 1
    if s.stretched == STRETCH:
        s.most = max(s.most, s.stretch)
        s.least = s.stretch if s.least == 0 else min(s.least, s.stretch)
        s.now.wavers = s.most / s.least
        s.stretch = 0
        s.stretched = 0
    if s.power > 0.5 * s.now.power:
        s.now.power += max(weight, 0.125) * (s.power - s.now.power)
    s.now.silence |= s.quiet < SILENCE * s.now.power
    s.edge[0] = s.power
    s.edge_at = s.frames + 1
    s.now.end = s.edge_at * TONE_FRAME
    if is_time(s):
        look(s)
    if s.state == BURST_TONE and fabsf(s.now.peaks.hertz[0] - PHASE_HERTZ) < PHASE_OFF:
        phases(s, frame)


cdef void judge(BurstState *s, const int16_t *frame, float slope, float curve) noexcept nogil:
    """What the newest frame makes of it; `slope` and `curve` are of the one before."""
    cdef int sounds = s.power > POWER_MIN and s.slope < SLOPE_MAX and (
        SHARE_MIN * (SHARE_MIN + s.curve) < 2 * s.slope * s.slope  # see rule 1: solved for it
    )
    cdef int twin = sounds and s.before[0] > SOFTER * s.power and agrees(s, slope, curve)
    cdef int there
    if s.state != BURST_NONE:
        there = sounds and s.power > SOFTER * s.now.power
        if there and agrees(s, s.slope_mean, s.curve_mean):
            go_on(s, frame, slope)
            return
        if s.hole == 0:
            s.edge[1] = s.power if s.power < s.now.power else 0
            s.softest = s.power
        s.softest = min(s.softest, s.power)
        s.hole += 1
        s.clean = 0
        if s.softest > SOFTER * s.now.power:
            if s.hole <= HOLE_LOUD and not (twin and s.hole > 1 and is_elsewhere(s)):
                return
        elif s.hole <= HOLE_MAX and not (twin and s.hole > 1):
            return
        finish(s)
    if twin:
        start(s)
        s.slope_mean = s.slope_first = 0.5 * (s.slope + slope)
        s.curve_mean = 0.5 * (s.curve + curve)
    elif s.power > max(LOUD * s.last.power, POWER_MIN):
        s.loud += 1


cdef inline void voices(BurstState *s) noexcept nogil:
    """How much sound there was that is no tone; two seconds without it, and it is forgotten."""
    if s.power <= POWER_MIN or s.slope >= HUM:
        s.calm += 1
        if s.calm == SPOKEN_ENDS:
            s.spoke = 0
            s.voice = 0
    elif s.state != BURST_TONE:
        s.calm = 0
        s.spoke += 1
        s.voice = max(s.voice, min(s.power, s.before[0]))


cdef void bursts_hear(BurstState *s, const int16_t *frame) noexcept nogil:
    """Hear the next frame: TONE_FRAME samples."""
    cdef float slope = s.slope, curve = s.curve
    s.ended = 0
    memcpy(
        &s.history[s.frames % TONE_HISTORY * TONE_FRAME], frame, TONE_FRAME * sizeof(int16_t)
    )
    s.kept = s.frames + 1
    memmove(&s.before[1], &s.before[0], 3 * sizeof(float))
    s.before[0] = s.power if s.slope < HUM else 0
    still(frame, &s.power, &s.slope, &s.curve)
    s.spread = s.curve - (2 * s.slope * s.slope - 1)
    judge(s, frame, slope, curve)
    voices(s)
    s.frames += 1


cdef void bursts_gap(BurstState *s) noexcept nogil:
    """A frame that never arrived: a tone may have gone on in it."""
    s.ended = 0
    memset(&s.history[s.frames % TONE_HISTORY * TONE_FRAME], 0, TONE_FRAME * sizeof(int16_t))
    s.kept = s.frames + 1
    s.before[0] = s.before[1] = s.power = 0
    s.before[2] = s.before[3] = 0
    if s.state != BURST_NONE:
        if s.hole == 0:
            s.edge[1] = s.softest = 0
        s.hole += 1
        s.clean = 0
        if s.hole > GAP_MAX:
            finish(s)
    s.frames += 1


cdef void bursts_end(BurstState *s) noexcept nogil:
    """No more comes."""
    s.ended = 0
    if s.state != BURST_NONE:
        if s.hole == 0:
            s.edge[1] = s.softest = 0
        finish(s)


cdef object heard_of(const Burst *b):
    cdef int i
    hertz, share = [], []
    for i in range(b.peaks.count):
        hertz.append(b.peaks.hertz[i])
        share.append(b.peaks.share[i])
    return BurstHeard(
        tuple(hertz), tuple(share), b.peaks.pure, b.begin, b.end, b.power, b.wavers, b.flips,
        b.drift, b.looks, b.silence, bool(b.broken),
    )


def bursts(const int16_t[::1] samples):
    cdef BurstState state
    cdef Py_ssize_t at
    found = []
    bursts_init(&state)
    for at in range(0, samples.shape[0] - TONE_FRAME + 1, TONE_FRAME):
        bursts_hear(&state, &samples[at])
        if state.ended:
            found.append(heard_of(&state.last))
    bursts_end(&state)
    if state.ended:
        found.append(heard_of(&state.last))
    return found
