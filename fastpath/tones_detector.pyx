# cython: auto_pickle=False, autotestdict=False
"""The tones of a call as Python sees them."""

from libc.stdint cimport int16_t

from fastpath.tones cimport (
    TONE_BEGINS,
    ToneEvent,
    Tones,
    tones_end,
    tones_gap,
    tones_hear,
    tones_init,
)
from fastpath.tones_book cimport TONE_BEEP, TONE_FAX, TONE_MUSIC, TONE_SIT, ToneBook
from fastpath.tones_burst cimport TONE_FRAME

from collections import namedtuple

from fastpath import tones_book, tones_sit

STATE_BYTES = sizeof(Tones)
ToneHeard = namedtuple("ToneHeard", "kind value phase number begin end hertz confidence")


cdef object tone_heard(const ToneEvent *e, ToneBook book):
    if e.kind == TONE_SIT:
        value = tones_sit.SITS[e.value]
    elif e.kind == TONE_FAX:
        value = tones_book.FAXES[e.value]
    elif e.kind == TONE_BEEP:
        value = str(round(e.hertz))
    elif e.kind >= TONE_MUSIC:
        value = ""
    else:
        value = book.names[e.value]
    return ToneHeard(
        tones_book.KINDS[e.kind], value, "begins" if e.phase == TONE_BEGINS else "ends", e.number,
        e.begin, e.end, e.hertz, min(max(e.confidence, 0.0), 1.0),
    )


cdef class ToneDetector:
    """One side of a call."""

    def __cinit__(self, ToneBook book not None):
        self.book = book
        tones_init(&self.state)

    cdef list take(self, list found):
        cdef int i
        for i in range(self.state.events):
            found.append(tone_heard(&self.state.event[i], self.book))
        self.state.events = 0
        return found

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at
        found = []
        for at in range(0, samples.shape[0] - TONE_FRAME + 1, TONE_FRAME):
            tones_hear(&self.state, &self.book.rules, &samples[at])
            if self.state.events:
                self.take(found)
        return found

    def gap(self, int frames=1):
        cdef int _i
        found = []
        if not 0 <= frames <= 1 << 20:
            raise ValueError(f"a gap of {frames} frames")
        for _i in range(frames):
            tones_gap(&self.state, &self.book.rules)
            if self.state.events:
                self.take(found)
        return found

    def end(self):
        tones_end(&self.state, &self.book.rules)
        return self.take([])
