"""How many calls to start now so that agents hardly wait and hardly anybody finds none.

The rule, for each decision:
1. From the ages of the ringing calls, the learned delays and the present answer rate: how many
   people will answer in each coming half second (`pacer_answers`, `pacer_rate`, `pacer_delays`).
2. From how long agents talk and wrap up already: how many will be free (`pacer_staff`,
   `pacer_holds`).
3. Add calls one by one while the chance that the next one's answer finds no agent within the grace
   time stays at most the risk allowed (`pacer_crowd`).
4. The risk is what the abandonment budget steers (`pacer_budget`).
The same idea in print: US 5640445 (agents' elapsed talk), US 8345856 (sums of both
distributions), Samuelson, Interfaces 29(5), 1999, 66-81.

A pacer has no clock and no chance of its own: the same events give the same decisions.
"""

from fastpath.pacer_answers cimport Answers
from fastpath.pacer_budget cimport Budget
from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_floor cimport Floor
from fastpath.pacer_staff cimport Staff


cdef class Pacer:
    cdef readonly double lines_per_agent_max
    cdef readonly double grace_s
    cdef readonly object seed
    cdef Floor floor
    cdef Answers answers
    cdef Staff staff
    cdef Budget budget
    cdef Crowd crowd
    cdef double now
    cdef double asked_s  # when a decision was last asked for
    cdef double burst  # calls that may be started at once
    # the last decision
    cdef int said
    cdef int free_lines
    cdef double risk
    cdef double soon  # agents free by the time that a new call is answered,
    cdef double soon_s  # and when that is
    cdef str bound

    cdef double clock(self, double now) noexcept
    cdef void person(self, int slot, double now)
    cdef void close_call(self, object call, double now, bint person)
    cdef void sweep(self, double now)
    cdef void arrive(self, object agent, int state, double now)
    cdef void forecast(self, double now)
    cdef int decide(self, double now, int lines_free)
