"""Who of those under way will answer: delays, the answer rate, and the calls' own chances by both.

A call is picked up or not, after one of two delays; with late verdicts (`answered` is told) it is
then a person or not, after one of two others. A chance given with a call is believed up to an error
common to all of them, which is learned as odds (`trust`).
"""

from cython cimport final

from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_delays cimport Delays
from fastpath.pacer_floor cimport Floor
from fastpath.pacer_rate cimport Rate


@final
cdef class Answers:
    cdef Floor floor
    cdef Delays answer  # from dialing to being picked up
    cdef Delays other  # from dialing to any other end
    cdef Delays human  # from being picked up to the verdict that it is a person
    cdef Delays screened  # and to any other one
    cdef Rate rate  # of being picked up
    cdef Rate trust  # what the given chances are wrong by, as odds
    cdef Rate verdict  # of being a person, when picked up
    cdef bint late  # verdicts come later than answers here
    cdef bint told  # the last call came with its chance
    cdef double given  # odds of the calls dialed lately, as given
    cdef double observed_s  # when the calls' chances were looked at
    cdef long outcomes

    cdef void dialed(self, int slot, object p)
    cdef double of_call(self, int slot) noexcept
    cdef double of_next(self) noexcept
    cdef double person(self) noexcept
    cdef double doubt(self) noexcept
    cdef int later(self) noexcept
    cdef double delay_s(self) noexcept
    cdef void picked_up(self, int slot, double now, bint yes) noexcept
    cdef void judged(self, int slot, double now, bint yes) noexcept
    cdef void observe(self, double now) noexcept
    cdef void settle(self) noexcept
    cdef void expect(self, Crowd crowd, double now) noexcept
