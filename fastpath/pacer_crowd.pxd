"""Who comes when: people who answer and agents who come free, in each coming half second.

Each ringing call answers by the end of bin j with a small chance, each busy agent is free with
another: both counts are sums of independent trials (Poisson-binomial). Their first three moments
are summed here, and the chance that more answer than find an agent is a normal tail with the first
term of Edgeworth's expansion for the skewness, which a few agents have much of.

A person waits up to the grace time, so agents are counted until `grace` bins after the answer.
"""

from cython cimport final

from fastpath.pacer_limits cimport AGES, AHEAD, LATER


cdef double over(double free, double mean, double variance, double third) noexcept nogil


@final
cdef class Crowd:
    cdef double[AHEAD] answers  # expected until the end of bin j
    cdef double[AHEAD] answers_var
    cdef double[AHEAD] answers_third  # central moments
    cdef double[LATER] frees
    cdef double[LATER] frees_var
    cdef double[LATER] frees_third
    # of a new call, laid out for `overload`
    cdef int bins
    cdef double[AHEAD] weight  # chance that its answer falls into this bin, when it has one
    cdef double[AHEAD] soon  # chance that it has answered by the end of it
    cdef double[AHEAD] room  # agents free less people there, without new calls
    cdef double[AHEAD] spread
    cdef double[AHEAD] skew

    cdef void clear(self) noexcept nogil
    cdef void rings(
        self, const double* until, int age, int later, double one, double two, double three
    ) noexcept nogil
    cdef void busy(self, const double* free, double count, double back) noexcept nogil
    cdef void return_served(self, const double* free, double back) noexcept nogil
    cdef void doubt(self, double variance) noexcept nogil
    cdef void new_call(
        self, const double* until, int later, double chance, int grace, double free, double gone
    ) noexcept nogil
    cdef double overload(self, int calls) noexcept nogil
    cdef int most(self, int calls_max, double risk) noexcept nogil
    cdef double lost_waiting(self, int waiting, int grace) noexcept nogil
