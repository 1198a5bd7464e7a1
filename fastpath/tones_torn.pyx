# cython: auto_pickle=False, autotestdict=False
"""High tones that GSM full rate tore apart. Over noise it makes of a tone above 1,700 Hz frames
that are like no other, 10 dB apart in level: `tones_burst` finds no two that agree. What is left of
the tone is its place. The rules:

1. Two frames in a row with half of their power around one frequency above some 1,650 Hz, by the two
   sums of `tones_burst`, are worth a spectrum of 64 ms now and then; those of a hiss are not.
2. Most of these have half of the power within 65 Hz of one line, which stays where it is.
3. Before and behind it is silence, and it lasts 300 ms, less what is torn off: so it is no voice.
"""

from libc.math cimport fabsf
from libc.string cimport memset

from fastpath.tones_burst cimport TONE_FRAME, burst_window
from fastpath.tones_spectrum cimport (
    SPECTRUM_SHORT, TORN_HERTZ, Peaks, peaks_join, spectrum_peaks,
)

cdef enum:
    LOOK_FROM = 8  # frames: most hisses are over then
    LOOK_EVERY = 2
    LOOKS_GOOD = 3
    WITHOUT_MAX = 4  # spectra
    HOLE_MAX = 7  # frames
    LENGTH_MIN = 13  # frames
    LENGTH_MAX = 150
cdef float POWER_MIN = 6500.0  # as in tones_burst: of all of it
cdef float FRAME_MIN = 1500.0  # of a frame
cdef float HIGH_SLOPE = 0.27  # cosine of 1,650 Hz
cdef float HALF = 0.5  # share of the power that is one tone
cdef float SHARE_MIN = 0.45
cdef float HERTZ_MAX = 2900.0  # buzzing lips, and larks, are higher
cdef float STAYS = 60.0  # hertz
cdef float SILENCE = 0.25  # of its mean power: what is before it and behind it, at most


cdef inline int is_high(const BurstState *s) noexcept nogil:
    """Whether half of the newest frame may be a high tone: rule 1 of tones_burst, solved for it."""
    return (
        s.slope < HIGH_SLOPE and s.power > FRAME_MIN
        and HALF * (HALF + s.curve) < 2 * s.slope * s.slope
    )


cdef void start(Torn *t, const BurstState *s) noexcept nogil:
    memset(t, 0, sizeof(Torn))
    t.on = 1
    t.age = t.heard = 2
    t.begin = s.frames - 2
    t.end = s.frames
    t.power = 0.5 * (s.power + s.before[0])
    t.quiet = min(s.before[2], s.before[3])


cdef void look(Torn *t, const BurstState *s) noexcept nogil:
    """Whether the line is where it was."""
    cdef int16_t samples[SPECTRUM_SHORT]
    cdef Peaks found
    burst_window(s, &samples[0], SPECTRUM_SHORT)
    spectrum_peaks(&samples[0], SPECTRUM_SHORT, &found)
    peaks_join(&found)
    if found.share[0] < SHARE_MIN or (t.good and fabsf(found.hertz[0] - t.hertz) > STAYS):
        t.bad += 1
        t.without += 1
        return
    t.good += 1
    t.without = 0
    t.hertz += (found.hertz[0] - t.hertz) / t.good
    t.share += (found.share[0] - t.share) / t.good


cdef void finish(Torn *t) noexcept nogil:
    """It is over: was it a tone?"""
    cdef Burst *b = &t.last
    t.on = 0
    t.alike = 0
    if (
        not TORN_HERTZ <= t.hertz <= HERTZ_MAX
        or t.good < LOOKS_GOOD or t.good < 2 * (t.bad - t.without)
        or not LENGTH_MIN <= t.end - t.begin <= LENGTH_MAX
        or t.power < POWER_MIN
        or t.quiet > SILENCE * t.power or t.softest > SILENCE * t.power
    ):
        return
    memset(b, 0, sizeof(Burst))
    b.peaks.count = 1
    b.peaks.hertz[0] = t.hertz
    b.peaks.share[0] = b.peaks.pure = t.share
    b.begin = t.begin * TONE_FRAME
    b.end = t.end * TONE_FRAME
    b.power = t.power
    b.looks = <uint8_t> min(t.good, 255)
    b.silence = 3
    t.ended = 1


cdef void torn_hear(Torn *t, const BurstState *s) noexcept nogil:
    """Hear the frame that was heard last as `s`."""
    cdef int high = is_high(s)
    t.ended = 0
    if not t.on:
        t.alike = t.alike + 1 if high else 0
        if t.alike == 2:
            start(t, s)
        return
    t.age += 1
    if high:
        t.end = s.frames
        t.heard += 1
        t.power += (s.power - t.power) / t.heard
    elif t.end == s.frames - 1:
        t.softest = s.power
    else:
        t.softest = min(t.softest, s.power)
    if t.age >= LOOK_FROM and t.age % LOOK_EVERY == 0:
        if t.quiet > SILENCE * t.power or 2 * t.heard < t.age:
            t.on = t.alike = 0
            return
        look(t, s)
    if (
        t.without >= WITHOUT_MAX or s.frames - t.end > HOLE_MAX or t.bad > t.good
        or t.end - t.begin > LENGTH_MAX
    ):
        finish(t)


cdef void torn_end(Torn *t, const BurstState *s) noexcept nogil:
    """No more comes: silence."""
    t.ended = 0
    if t.on:
        t.softest = 0
        finish(t)
