"""When those who are busy will be free: how long agents talk and wrap up, and who returns."""

from cython cimport final

from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_floor cimport Floor
from fastpath.pacer_holds cimport Releases


@final
cdef class Staff:
    cdef Floor floor
    cdef Releases releases
    cdef double back  # share of agents that return from a call to be ready
    cdef double tables_s  # when the tables were begun anew

    cdef void moved(self, int before, int state, double held_s) noexcept
    cdef bint renew(self, double now, double since_s) noexcept
    cdef void expect(self, Crowd crowd, double now) noexcept
