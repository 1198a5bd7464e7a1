"""How much longer an agent who talks or wraps up will do so.

Not an exponential law: who talks for ten minutes already is not about to be free. The hazard (ends
per second stood) of each of 80 bins is counted from ends and from time stood by all, those who are
at it still included: the estimator of Kaplan and Meier (J. Am. Stat. Assoc. 53, 1958, 457-481) in
bins. `Releases` joins both holds: free again after a talk means after its wrap-up.
"""

from cython cimport final

from fastpath.pacer_limits cimport HELD, LATER


cdef double[HELD + 1] EDGES  # where each bin begins, seconds

cdef int bin_of(double age_s) noexcept nogil


@final
cdef class Holds:
    cdef double[HELD] ended
    cdef double[HELD] stood  # seconds
    cdef double[HELD] open  # seconds stood by those who have not ended
    cdef double[HELD + 1] risk  # cumulative hazard where each bin begins
    cdef double fade
    cdef readonly long count

    cdef void add(self, double held_s) noexcept nogil
    cdef void forget_open(self) noexcept nogil
    cdef void stands(self, double age_s) noexcept nogil
    cdef void settle(self) noexcept nogil
    cdef double left(self, double age_s) noexcept nogil
    cdef void on(self, double age_s, int at, double* left) noexcept nogil


@final
cdef class Releases:
    cdef readonly Holds talk
    cdef readonly Holds wrap
    cdef double[HELD][LATER] after_talk  # chance to be free by the end of bin j, of one in bin i
    cdef double[HELD][LATER] after_wrap
    cdef double[LATER + 1] wrapped
    cdef int row  # the next one to be made anew

    cdef void begin(self) noexcept nogil
    cdef void make(self, int rows) noexcept nogil
    cdef void make_row(self, int row) noexcept nogil
