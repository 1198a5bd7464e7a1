"""Who of those under way will answer: delays, the answer rate, and the calls' own chances by both.

A call is answered by a person or not, after one of two delays. With late verdicts (`answered` is
told) it is known some time later who it was, after one of two other delays; until then the chance
to be a person is that of calls picked up after as many seconds: machines have their own.
A chance given with a call is believed up to an error common to all of them, which is learned as
odds (`trust`).
"""

from cython cimport final

from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_delays cimport Delays
from fastpath.pacer_floor cimport Floor
from fastpath.pacer_rate cimport Rate


@final
cdef class Answers:
    cdef Floor floor
    cdef Delays answer  # from dialing to being picked up by a person
    cdef Delays other  # from dialing to any other end of ringing
    cdef Delays machine  # and to being picked up by no person
    cdef Delays human  # from being picked up to the verdict that it is a person
    cdef Delays screened  # and to any other one
    cdef Rate rate  # of being answered by a person
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
    cdef double picked(self, double ring_s) noexcept
    cdef void learn(self, int slot, double by, double expected, bint ended) noexcept
    cdef double doubt(self) noexcept
    cdef int later(self) noexcept
    cdef double delay_s(self) noexcept
    cdef void picked_up(self, int slot, double now) noexcept
    cdef void ended(self, int slot, double now, bint yes) noexcept
    cdef void observe(self, double now) noexcept
    cdef void settle(self) noexcept
    cdef void expect(self, Crowd crowd, double now) noexcept
