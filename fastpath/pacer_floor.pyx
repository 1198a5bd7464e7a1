"""See the declarations for how it works, the stub for what it does."""

from libc.stdlib cimport calloc, free

from cython cimport final


@final
cdef class Floor:
    """See the stub."""

    def __cinit__(self, int agents_max, double lines_per_agent_max) -> None:
        cdef int i
        self.agents_max = agents_max
        self.calls_max = <int> (2 * agents_max * max(lines_per_agent_max, 1)) + CALLS_SPARE
        self.calls = <Call*> calloc(self.calls_max, sizeof(Call))
        self.spare = <int*> calloc(self.calls_max, sizeof(int))
        self.agents = <Agent*> calloc(agents_max, sizeof(Agent))
        if not self.calls or not self.spare or not self.agents:
            raise MemoryError
        self.spares = self.calls_max
        for i in range(self.calls_max):
            self.spare[i] = self.calls_max - 1 - i
        self.slots = {}
        self.seats = {}
        self.served = {}
        self.names = []
        self.serving = []

    def __dealloc__(self) -> None:
        free(self.calls)
        free(self.spare)
        free(self.agents)

    cdef int begin(self, object call, double now):
        """A slot for a call that rings now; a full table forgets its oldest call."""
        cdef int slot
        if self.spares == 0:
            forgotten = next(iter(self.slots))
            self.end(forgotten, self.slots[forgotten])
        self.spares -= 1
        slot = self.spare[self.spares]
        if slot >= self.top:
            self.top = slot + 1
        self.slots[call] = slot
        self.calls[slot].start_s = now
        self.calls[slot].given = False
        self.move(slot, CALL_RINGING, now)
        return slot

    cdef int find(self, object call):
        """Its slot; -1: no such call."""
        found = self.slots.get(call)
        return -1 if found is None else found

    cdef void move(self, int slot, int state, double now) noexcept nogil:
        cdef Call* one = &self.calls[slot]
        self.in_state[one.state] -= 1
        self.in_state[state] += 1
        one.state = state
        one.since_s = now
        one.seen_s = 0

    cdef void end(self, object call, int slot):
        """It is no longer ours to follow."""
        del self.slots[call]
        self.move(slot, CALL_NONE, 0)
        self.spare[self.spares] = slot
        self.spares += 1

    cdef object oldest(self, int state):
        """The call that was dialed first of those in a state; None: there is none."""
        for call, slot in self.slots.items():
            if self.calls[<int> slot].state == state:
                return call
        return None

    cdef int seat(self, object agent):
        """Its seat, a new one for an agent not seen before.

        When all are taken, that of somebody who left; -1: nobody did.
        """
        cdef int seat
        found = self.seats.get(agent)
        if found is not None:
            return found
        if self.seated < self.agents_max:
            seat = self.seated
            self.seated += 1
            self.names.append(agent)
            self.serving.append(None)
        else:
            for seat in range(self.seated):
                if self.agents[seat].state == AGENT_AWAY:
                    break
            else:
                return -1
            del self.seats[self.names[seat]]
            self.names[seat] = agent
        self.seats[agent] = seat
        return seat

    cdef void place(self, int seat, int state, double now) noexcept nogil:
        cdef Agent* one = &self.agents[seat]
        self.staff[one.state] -= 1
        self.staff[state] += 1
        one.state = state
        one.since_s = now
        one.bin = 0

    cdef void serve(self, int seat, object call):
        """Remember which call the agent is reserved for; None: it is not, or talks already."""
        before = self.serving[seat]
        if before is not None and self.served.get(before) == seat:
            del self.served[before]
        self.serving[seat] = call
        if call is not None:
            self.served[call] = seat

    cdef int staffed(self) noexcept nogil:
        """Agents who are not away."""
        return self.staff[AGENT_READY] + self.staff[AGENT_RESERVED] + (
            self.staff[AGENT_TALKING] + self.staff[AGENT_WRAP_UP]
        )

    cdef int lines(self) noexcept nogil:
        """Lines in use: calls under way, and those that agents have."""
        return self.in_state[CALL_RINGING] + self.in_state[CALL_OPEN] + (
            self.in_state[CALL_WAITING] + self.staff[AGENT_RESERVED] + self.staff[AGENT_TALKING]
        )
