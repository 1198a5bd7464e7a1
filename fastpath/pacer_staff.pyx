"""See the declarations for how it works, the stub for what it does."""

from libc.string cimport memset

from cython cimport final

from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_floor cimport (
    AGENT_AWAY,
    AGENT_READY,
    AGENT_RESERVED,
    AGENT_TALKING,
    AGENT_WRAP_UP,
    Agent,
    Floor,
)
from fastpath.pacer_holds cimport EDGES, Holds, Releases
from fastpath.pacer_limits cimport HELD

cdef double TABLES_S = 10  # how often the tables are made anew, some rows with each decision
cdef double BACK = 0.005  # what one agent who returns or leaves counts for


@final
cdef class Staff:
    """See the stub."""

    def __init__(self, Floor floor not None) -> None:
        self.floor = floor
        self.releases = Releases(Holds(100, 1.2, 4), Holds(20, 1, 4))
        self.back = 1
        self.tables_s = -1e300

    cdef void moved(self, int before, int state, double held_s) noexcept:
        """An agent's state ended after so long."""
        if before == AGENT_TALKING:
            self.releases.talk.add(held_s)
            if state == AGENT_READY:
                self.releases.wrap.add(0)
        elif before == AGENT_WRAP_UP:
            self.releases.wrap.add(held_s)
        else:
            return
        if state == AGENT_READY:
            self.back += BACK * (1 - self.back)
        elif state == AGENT_AWAY:
            self.back -= BACK * self.back

    cdef bint renew(self, double now, double since_s) noexcept:
        """Begin the tables anew (True), or make more rows of those that were begun."""
        cdef int seat
        cdef Agent* one
        cdef Releases releases = self.releases
        cdef bint begun = now - self.tables_s >= TABLES_S and releases.row >= HELD
        if begun:
            releases.talk.forget_open()
            releases.wrap.forget_open()
            for seat in range(self.floor.seated):
                one = &self.floor.agents[seat]
                if one.state == AGENT_TALKING:
                    releases.talk.stands(now - one.since_s)
                elif one.state == AGENT_WRAP_UP:
                    releases.wrap.stands(now - one.since_s)
            releases.talk.settle()
            releases.wrap.settle()
            releases.begin()
            self.tables_s = now
        if releases.row < HELD:
            releases.make(1 + <int> (min(since_s, TABLES_S) / TABLES_S * HELD))
        return begun

    cdef void expect(self, Crowd crowd, double now) noexcept:
        """Tell of the agents who are not ready, those of one age together."""
        cdef int[HELD] talks
        cdef int[HELD] wraps
        cdef int seat, i
        cdef double age_s
        cdef Agent* one
        memset(talks, 0, sizeof(talks))
        memset(wraps, 0, sizeof(wraps))
        for seat in range(self.floor.seated):
            one = &self.floor.agents[seat]
            if one.state < AGENT_RESERVED:
                continue
            age_s = now - one.since_s
            while one.bin < HELD - 1 and EDGES[one.bin + 1] <= age_s:
                one.bin += 1
            if one.state == AGENT_WRAP_UP:
                wraps[one.bin] += 1
            else:
                talks[one.bin] += 1
        for i in range(HELD):
            if talks[i]:
                crowd.busy(self.releases.after_talk[i], talks[i], self.back)
            if wraps[i]:
                crowd.busy(self.releases.after_wrap[i], wraps[i], self.back)
        crowd.return_served(self.releases.after_talk[0], self.back)
