"""Who is where: the calls under way and the agents, as the events tell it.

Both tables are laid out once for a number of agents. Events may come doubled, in odd order or not
at all: nothing here fails, and what was forgotten is put right.

    call:   ringing -> (open: picked up, verdict to come) -> waiting -> with an agent, and gone
    agent:  away, ready, reserved, talking, wrap-up
"""

from cython cimport final

from fastpath.pacer_limits cimport CALLS_SPARE


cdef enum:
    CALL_NONE
    CALL_RINGING
    CALL_OPEN
    CALL_WAITING
    CALL_STATES

cdef enum:
    AGENT_AWAY
    AGENT_READY
    AGENT_RESERVED
    AGENT_TALKING
    AGENT_WRAP_UP
    AGENT_STATES

cdef struct Call:
    double start_s  # when it was dialed
    double since_s  # when its state began
    double seen_s  # its age in that state when its chance was last looked at
    double odds  # log odds of the chance that was given with it
    double person  # chance to be one, of a call that was picked up
    int state
    bint given

cdef struct Agent:
    double since_s
    int state
    int bin  # of its age in `Holds`, so far


@final
cdef class Floor:
    cdef Call* calls
    cdef int* spare  # slots without a call, as a stack
    cdef int spares
    cdef int calls_max
    cdef int top  # slots from here on were never used
    cdef int[CALL_STATES] in_state
    cdef dict slots  # call -> slot, oldest first
    cdef Agent* agents
    cdef int agents_max
    cdef int seated
    cdef int[AGENT_STATES] staff
    cdef dict seats  # agent -> seat
    cdef list names  # of the seats
    cdef dict served  # call -> agent reserved for it
    cdef list serving  # seat -> that call, None

    cdef int begin(self, object call, double now)
    cdef int find(self, object call)
    cdef void move(self, int slot, int state, double now) noexcept nogil
    cdef void end(self, object call, int slot)
    cdef object oldest(self, int state)
    cdef int seat(self, object agent)
    cdef void place(self, int seat, int state, double now) noexcept nogil
    cdef void serve(self, int seat, object call)
    cdef int staffed(self) noexcept nogil
    cdef int lines(self) noexcept nogil
