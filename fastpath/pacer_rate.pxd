"""What share of the calls is answered now: a filter on the log odds of the rate.

The rate drifts, and a call that still rings says something before it ends: the longer, the less
likely it is answered. So this is an extended Kalman filter (random walk of the log odds, variance
`drift` per second) whose innovation is the change of each call's posterior chance: at its age, by
Bayes over the two delay laws, and at its end, where it becomes 1 or 0. The sum over a call's life
is the score of a Bernoulli trial, 1 - p or -p, but it arrives while the call rings.
"""

from cython cimport final

from fastpath.pacer_delays cimport Delays


cdef double odds_of(double chance) noexcept nogil
cdef double chance_of(double odds) noexcept nogil
cdef double still(double chance, double age_s, Delays yes, Delays no) noexcept nogil


@final
cdef class Rate:
    cdef readonly double odds  # log odds
    cdef readonly double variance
    cdef double most  # and its bound: what nothing known means
    cdef double drift

    cdef double chance(self) noexcept nogil
    cdef void drifts(self, double seconds) noexcept nogil
    cdef void hint(self, double by) noexcept nogil
    cdef void ended(self, double expected, bint yes) noexcept nogil
