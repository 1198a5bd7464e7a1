"""See the declarations for how it works, the stub for what it does."""

from libc.math cimport exp

from cython cimport final

cdef double SHARE = 0.99  # of the target,
cdef double RESERVE = 1.5  # less so many calls,
cdef double RESERVE_SCALE = 0.25  # or so much of the scale
cdef double SCALE = 3  # calls of budget that change the risk by a factor e,
cdef double SCALE_AGENT = 0.1  # and for each agent: few for small teams
cdef double GAIN = 0.01  # of the level, for the same, with each person
cdef double LEVEL_FIRST = 0.05
cdef double LEVEL_LEAST = 0.005
cdef double LEVEL_MOST = 0.25
cdef double RISK_LEAST = 0.002
cdef double RISK_MOST = 0.35


cdef double scale_of(int staffed) noexcept nogil:
    return SCALE + SCALE_AGENT * staffed


@final
cdef class Budget:
    """See the stub."""

    def __init__(self, double target) -> None:
        self.target = target
        self.level = LEVEL_FIRST

    def window(self, long people, long abandoned) -> None:
        self.window_people = max(people, 0)
        self.window_abandoned = max(abandoned, 0)

    def person(self, int staffed) -> None:
        self.came(staffed)

    def lose(self) -> None:
        self.lost()

    def risk(self, int staffed) -> float:
        return self.risk_of(staffed)

    cdef double calls(self, double scale) noexcept nogil:
        """How many may still be abandoned."""
        cdef double share = self.target * SHARE
        return min(
            share * self.people - self.abandoned,
            share * self.window_people - self.window_abandoned,
        ) - max(RESERVE, RESERVE_SCALE * scale)

    cdef void came(self, int staffed) noexcept nogil:
        """One more person wants an agent."""
        cdef double scale = scale_of(staffed)
        self.people += 1
        self.window_people += 1
        self.level *= exp(min(max(GAIN * self.calls(scale) / (scale * scale), -1), 1))
        self.level = min(max(self.level, LEVEL_LEAST), LEVEL_MOST)

    cdef void was_none(self) noexcept nogil:
        """The last one was no person."""
        self.people -= 1
        self.window_people = max(self.window_people - 1, 0)

    cdef void lost(self) noexcept nogil:
        """One found no agent."""
        self.abandoned += 1
        self.window_abandoned += 1

    cdef double risk_of(self, int staffed) noexcept nogil:
        cdef double scale = scale_of(staffed)
        cdef double risk = self.level * exp(min(self.calls(scale) / scale, 50))
        return min(max(risk, RISK_LEAST), RISK_MOST)
