"""How long after it was dialed a call comes to its end: a histogram that forgets slowly.

Each delay is spread over five bins (a triangle), so that a few dozen calls already make a smooth
curve; old ones fade by a factor with each new one, so that the curve follows the list.
"""

from cython cimport final

from fastpath.pacer_limits cimport AGES, PADDED

cdef double BIN_S


@final
cdef class Delays:
    cdef double[AGES] seen  # weight in each bin
    cdef double[PADDED] until  # share that ended before bin i begins; 1 behind the last
    cdef double fade
    cdef double seconds  # decayed sum of the delays
    cdef double weight  # and their number

    cdef void add(self, double delay_s) noexcept nogil
    cdef void settle(self) noexcept nogil
    cdef double share(self, double age_s) noexcept nogil
    cdef double mean_s(self) noexcept nogil
