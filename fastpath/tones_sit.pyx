# cython: auto_pickle=False, autotestdict=False
"""Special information tones (ITU-T E.180 clause 7; Bellcore SR-2275 6.21).

Three tones near 950, 1400 and 1800 Hz, each some 330 ms, with hardly a pause. In North America the
pitch and the length of the first two say why the call failed: 274 or 380 ms; the third is a
reference, always 380 ms. E.180 lets each be 50 Hz off, which covers Bellcore's pitches: so only the
lengths say that there is a meaning at all. It costs a number for good when it is taken for
vacant by mistake. Whatever does not fit one of Bellcore's forms in all of it is told as E.180's:
no reason.
"""

from libc.math cimport fabsf
from libc.stdint cimport int64_t, uint8_t

SITS = (
    "intercept", "vacant", "reorder", "no circuit",
    "reorder carrier", "no circuit carrier", "ineffective", "reserved", "itu",
)  # fmt: skip

cdef enum:
    MS = 8  # samples
    FORMS = 8  # Bellcore's; what comes behind them is E.180's
    PAUSE_MAX = 140 * MS  # E.180: 30 ms; a packet may be lost at an end
    LONG_MIN = 180 * MS
    LONG_MAX = 470 * MS
cdef float[8] FIRST = [913.8, 985.2, 913.8, 985.2, 985.2, 913.8, 913.8, 985.2]
cdef float[8] SECOND = [1370.6, 1370.6, 1428.5, 1428.5, 1370.6, 1370.6, 1428.5, 1428.5]
cdef uint8_t[8] FIRST_LONG = [0, 1, 0, 1, 0, 1, 1, 0]
cdef uint8_t[8] SECOND_LONG = [0, 0, 1, 1, 1, 1, 0, 0]
cdef float THIRD = 1776.7
cdef float STRAY = 0.3
cdef float[3] LOWEST = [885, 1335, 1725]
cdef float[3] HIGHEST = [1020, 1465, 1850]
cdef float PITCH = 0.011  # how far pitches of one call are off each other; those of one place are
# 4 and 7.5 % apart
cdef float PITCH_ALL = 0.02  # and all of them
# Lengths by that of the third: a short one is 0.72 of it.
cdef float SHORT_LEAST = 0.64
cdef float SHORT_MOST = 0.81
cdef float EVEN_LEAST = 0.89
cdef float EVEN_MOST = 1.12
cdef enum:  # of a tone of 380 ms
    THIRD_MIN = 343 * MS
    THIRD_MAX = 420 * MS
    ALL_LONG_MIN = 357 * MS  # of each, where none is short to tell it from E.180's


cdef inline int64_t length_of(const Burst *b) noexcept nogil:
    return b.end - b.begin


cdef inline float off_by(float measured, float meant) noexcept nogil:
    return fabsf((measured - meant) / meant)


cdef inline int is_part(const Burst *b, int place) noexcept nogil:
    """Whether it can be the first, second or third tone; GSM in noise sets weak lines beside it."""
    return (
        LOWEST[place] <= b.peaks.hertz[0] <= HIGHEST[place]
        and (b.peaks.count < 2 or b.peaks.share[1] < STRAY * b.peaks.share[0])
        and length_of(b) <= LONG_MAX
    )


cdef int form_of(const Burst *three) noexcept nogil:
    """Bellcore's form that three tones fit; -1: none, or nobody can tell."""
    cdef int64_t third = length_of(&three[2])
    cdef float scale = three[2].peaks.hertz[0] / THIRD
    cdef float part
    cdef uint8_t[2] lengthy
    cdef int form, place
    if not THIRD_MIN <= third <= THIRD_MAX or off_by(scale, 1) > PITCH_ALL:
        return -1
    for place in range(2):
        part = <float> length_of(&three[place]) / third
        if not SHORT_LEAST <= part <= EVEN_MOST or SHORT_MOST < part < EVEN_LEAST:
            return -1
        lengthy[place] = part >= EVEN_LEAST
    if lengthy[0] and lengthy[1]:
        for place in range(3):
            if length_of(&three[place]) < ALL_LONG_MIN:
                return -1
    for form in range(FORMS):
        if (
            FIRST_LONG[form] == lengthy[0] and SECOND_LONG[form] == lengthy[1]
            and off_by(three[0].peaks.hertz[0], scale * FIRST[form]) < PITCH
            and off_by(three[1].peaks.hertz[0], scale * SECOND[form]) < PITCH
        ):
            return form
    return -1


cdef int sit_of(const Burst *three, float *confidence) noexcept nogil:
    """What the last three bursts say, as in SITS; -1: they are no such tones."""
    cdef int place, form
    for place in range(3):
        if not is_part(&three[place], place) or length_of(&three[place]) < LONG_MIN:
            return -1
        if place and three[place].begin - three[place - 1].end > PAUSE_MAX:
            return -1
    form = form_of(three)
    confidence[0] = min(
        min(three[0].peaks.pure, three[1].peaks.pure), min(three[2].peaks.pure, <float> 0.97)
    )
    return FORMS if form < 0 else form
