"""How much risk the next call may take, from who was lost so far.

In calls: budget = target x people - abandoned, over the whole campaign and over the present window
of the legal cap, whichever is less. The risk is level x exp(budget / scale), and the level follows
the budget slowly, so that over hours all of it is spent and no more: a controller with a
proportional and an integral part. It aims at a little less than the target, because what was spent
last cannot be taken back.
"""

from cython cimport final


@final
cdef class Budget:
    cdef readonly double target
    cdef double level
    cdef readonly long people
    cdef readonly long abandoned
    cdef long window_people
    cdef long window_abandoned

    cdef double calls(self, double scale) noexcept nogil
    cdef void came(self, int staffed) noexcept nogil
    cdef void was_none(self) noexcept nogil
    cdef void lost(self) noexcept nogil
    cdef double risk_of(self, int staffed) noexcept nogil
