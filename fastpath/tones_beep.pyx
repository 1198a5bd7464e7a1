# cython: auto_pickle=False, autotestdict=False
"""What a single burst can be: the beep of a machine, or a tone that never stops."""

from fastpath.tones_book cimport TONE_FAX, plain
from fastpath.tones_spectrum cimport TORN_HERTZ

cdef enum:
    BEEP_MIN = 275 * 8  # samples: 300 ms, less what GSM takes off its ends
    LOW_MIN = 292 * 8  # where voices are
    LOW_LOOKS = 3
    LONG = 600 * 8  # through GSM it wavers more the longer it lasts
    REPEATS_WITHIN = 6000 * 8
cdef float BEEP_PURE = 0.75
cdef float BEEP_WAVERS = 2.8
cdef float LOW_HERTZ = 430.0  # vowels stand still below
cdef float LONG_WAVERS = 3.5
# What GSM full rate makes of higher ones.
cdef float TORN_WAVERS = 5.0
cdef float TORN_DRIFT = 0.02
cdef float TORN_PURE = 0.7
cdef float BEEP_DRIFT = 0.01
cdef float LOSS_DRIFT = 0.015  # of one that is otherwise clean: packets were lost
cdef float LOSS_PURE = 0.95
cdef float LASTING_DRIFT = 0.015
cdef float FAX_PURE = 0.85
cdef float BEEP_HERTZ_MIN = 295.0
cdef float BEEP_HERTZ_MAX = 3420.0


cdef int is_beep(const Burst *b) noexcept nogil:
    """Whether it is steady, pure, long enough, and began in silence."""
    cdef int torn = b.peaks.hertz[0] > TORN_HERTZ
    cdef int low = b.peaks.hertz[0] < LOW_HERTZ
    cdef float wavers = TORN_WAVERS if torn else BEEP_WAVERS
    cdef float drift = TORN_DRIFT if torn else BEEP_DRIFT
    cdef float pure = TORN_PURE if torn else BEEP_PURE
    cdef int looks = 1 if torn else LOW_LOOKS if low else 2  # where voices are not, one will do
    if b.peaks.pure > LOSS_PURE and not torn and not low:
        drift = LOSS_DRIFT
    if b.end - b.begin >= LONG:
        wavers = max(wavers, LONG_WAVERS)
    return (
        b.end - b.begin >= (LOW_MIN if low else BEEP_MIN)
        and BEEP_HERTZ_MIN <= b.peaks.hertz[0] <= BEEP_HERTZ_MAX
        and b.peaks.pure >= pure
        and b.wavers <= wavers
        and b.drift <= drift
        and b.looks >= looks
        and b.silence & 1
        and plain(&b.peaks)
    )


cdef int is_answered(const Burst *b) noexcept nogil:
    """Whether somebody spoke before it: no fax machine, whose first burst is like a beep."""
    return b.spoken and b.broken and is_beep(b)


cdef int is_lasting(const ToneRule *r, const Burst *b) noexcept nogil:
    """Whether it can be a tone that never stops. Those of fax machines may waver."""
    if r.kind == TONE_FAX:
        return b.silence & 1 or (b.end - b.begin >= 2 * r.lasting and b.peaks.pure >= FAX_PURE)
    return b.silence & 1 and b.wavers <= LONG_WAVERS and b.drift <= LASTING_DRIFT


cdef int turns_often(const Burst *b) noexcept nogil:
    """Whether its phase turns as often as V.8 and V.25 ask."""
    return b.flips >= 2


cdef int repeats(const Burst *burst, int count) noexcept nogil:
    """Whether the last burst is as the one before: a rhythm that is in no plan, and no beep."""
    cdef const Burst *b = &burst[count - 1]
    cdef const Burst *a
    cdef float off
    if count < 2:
        return 0
    a = &burst[count - 2]
    off = b.peaks.hertz[0] / a.peaks.hertz[0] - 1
    return -0.015 < off < 0.015 and (
        b.begin - a.end < REPEATS_WITHIN and 3 * (b.end - b.begin) < 4 * (a.end - a.begin)
    )
