# cython: auto_pickle=False, autotestdict=False
"""Special information tones (ITU-T E.180 clause 7; Bellcore SR-2275 6.21).

Three tones near 950, 1400 and 1800 Hz, each some 330 ms, with hardly a pause. In North America the
pitch and the length of the first two say why the call failed; the third is a reference: by what it
is off, all of them are.
"""

from fastpath.tones_book cimport plain

SITS = (
    "intercept", "vacant", "reorder", "no circuit",
    "reorder carrier", "no circuit carrier", "ineffective", "reserved", "itu",
)  # fmt: skip

cdef enum:
    MS = 8  # samples
    FORMS = 9
    PAUSE_MAX = 75 * MS  # E.180: 30 ms; ends are known to a frame
    LONG_MIN = 180 * MS
    LONG_MAX = 470 * MS
cdef float[9] FIRST = [914, 985, 914, 985, 985, 914, 914, 985, 950]
cdef float[9] FIRST_MS = [274, 380, 274, 380, 274, 380, 380, 274, 330]
cdef float[9] SECOND = [1371, 1371, 1428.5, 1428.5, 1371, 1371, 1428.5, 1428.5, 1400]
cdef float[9] SECOND_MS = [274, 274, 380, 380, 380, 380, 274, 274, 330]
cdef float[9] THIRD = [1777, 1777, 1777, 1777, 1777, 1777, 1777, 1777, 1800]
cdef float[9] THIRD_MS = [380, 380, 380, 380, 380, 380, 380, 380, 330]
cdef float[3] LOWEST = [885, 1335, 1725]
cdef float[3] HIGHEST = [1020, 1465, 1850]
cdef float PITCH = 0.008  # how far pitches of one call are off each other
cdef float PITCH_ALL = 0.02  # and all of them
cdef float LENGTH = 0.12


cdef inline float off_by(float measured, float meant, float usual) noexcept nogil:
    cdef float one = (measured - meant) / (usual * meant)
    return one * one


cdef inline float length_of(const Burst *b) noexcept nogil:
    return <float> (b.end - b.begin) / MS


cdef inline int is_part(const Burst *b, int place) noexcept nogil:
    """Whether it can be the first, second or third tone."""
    return (
        LOWEST[place] <= b.peaks.hertz[0] <= HIGHEST[place]
        and plain(&b.peaks) and b.end - b.begin <= LONG_MAX
    )


cdef int sit_of(const Burst *three, float *confidence) noexcept nogil:
    """What the last three bursts say, as in SITS; -1: they are no such tones."""
    cdef float scale, found, least = 1e9
    cdef int form, place, best = -1
    for place in range(3):
        if not is_part(&three[place], place) or three[place].end - three[place].begin < LONG_MIN:
            return -1
        if place and three[place].begin - three[place - 1].end > PAUSE_MAX:
            return -1
    for form in range(FORMS):
        scale = three[2].peaks.hertz[0] / THIRD[form]
        found = off_by(scale, 1, PITCH_ALL)
        found += off_by(three[0].peaks.hertz[0] / scale, FIRST[form], PITCH)
        found += off_by(three[1].peaks.hertz[0] / scale, SECOND[form], PITCH)
        found += off_by(length_of(&three[0]), FIRST_MS[form], LENGTH)
        found += off_by(length_of(&three[1]), SECOND_MS[form], LENGTH)
        found += off_by(length_of(&three[2]), THIRD_MS[form], LENGTH)
        if found < least:
            least = found
            best = form
    confidence[0] = max(0.97 - 0.02 * least, 0.5)
    return best
