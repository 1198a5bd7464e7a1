"""See the declarations for how it works, the stub for what it does."""

from fastpath.pacer_answers cimport Answers
from fastpath.pacer_budget cimport Budget
from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_delays cimport BIN_S
from fastpath.pacer_floor cimport (
    AGENT_AWAY,
    AGENT_READY,
    AGENT_RESERVED,
    AGENT_TALKING,
    AGENT_WRAP_UP,
    CALL_OPEN,
    CALL_RINGING,
    CALL_WAITING,
    Floor,
)
from fastpath.pacer_limits cimport AGENTS_MAX, AHEAD, LATER, OUTCOMES_MIN
from fastpath.pacer_staff cimport Staff

cdef double RISK_UNKNOWN = 0.02  # at most, before anything was learned
cdef double PACE = 0.2  # calls for each agent that may start within a second
cdef double RING_S_MAX = 180  # longer: the event that ended it was lost
cdef double OPEN_S_MAX = 60
cdef double WAIT_S_MAX = 60


cdef class Pacer:
    """See the stub."""

    def __init__(
        self,
        int agents_max,
        *,
        double abandon_target = 0.03,
        double lines_per_agent_max = 3.0,
        double grace_s = 2.0,
        seed = 0,
    ) -> None:
        if not 1 <= agents_max <= AGENTS_MAX:
            raise ValueError(f"agents_max: 1 to {AGENTS_MAX}, not {agents_max}")
        if not 0 <= abandon_target <= 1:
            raise ValueError(f"abandon_target: 0 to 1, not {abandon_target}")
        if not 0 < lines_per_agent_max <= 100:
            raise ValueError(f"lines_per_agent_max: more than 0 to 100, not {lines_per_agent_max}")
        if not 0 <= grace_s <= 60:
            raise ValueError(f"grace_s: 0 to 60, not {grace_s}")
        self.lines_per_agent_max = lines_per_agent_max
        self.grace_s = grace_s
        self.seed = seed
        self.floor = Floor(agents_max, lines_per_agent_max)
        self.answers = Answers(self.floor)
        self.staff = Staff(self.floor)
        self.budget = Budget(abandon_target)
        self.crowd = Crowd()
        self.now = self.asked_s = -1e300
        self.bound = "nothing asked yet"

    @property
    def abandon_target(self) -> float:
        return self.budget.target

    @property
    def people(self) -> int:
        return self.budget.people

    @property
    def abandoned_people(self) -> int:
        return self.budget.abandoned

    def begin_window(self, long people = 0, long abandoned = 0) -> None:
        self.budget.window(people, abandoned)

    cdef double clock(self, double now) noexcept:
        """Time never goes back, and what is no time changes nothing."""
        if self.now < now < 1e15:
            self.now = now
        elif self.now < -1e15:
            self.now = 0
        return self.now

    # -- calls -------------------------------------------------------------------------------------

    def dial_started(self, object call, double now, object p = None) -> None:
        now = self.clock(now)
        if self.floor.find(call) < 0:
            self.answers.dialed(self.floor.begin(call, now), p)

    def call_ended(self, object call, double now, str cause) -> None:
        cdef int slot
        now = self.clock(now)
        slot = self.floor.find(call)
        if slot < 0:
            return
        if self.floor.calls[slot].state == CALL_WAITING:
            if cause == "machine":  # it only seemed to be a person
                self.budget.was_none()
            else:  # hung up, and nobody had come
                self.budget.lost()
        self.close_call(call, now, False)

    def answered(self, object call, double now) -> None:
        cdef int slot
        now = self.clock(now)
        slot = self.floor.find(call)
        if slot >= 0 and self.floor.calls[slot].state == CALL_RINGING:
            self.answers.late = True
            self.answers.picked_up(slot, now)
            self.floor.move(slot, CALL_OPEN, now)

    def human_answered(self, object call, double now) -> None:
        cdef int slot
        now = self.clock(now)
        slot = self.floor.find(call)
        if slot >= 0:
            self.person(slot, now)

    def abandoned(self, object call, double now) -> None:
        cdef int slot
        now = self.clock(now)
        slot = self.floor.find(call)
        if slot >= 0:
            self.close_call(call, now, True)
            self.budget.lost()
            return
        seat = self.floor.served.get(call)
        if seat is not None:  # an agent was found, but did not come
            self.floor.serve(seat, None)
            self.budget.lost()

    cdef void person(self, int slot, double now):
        """It is a person, who wants an agent now."""
        if self.floor.calls[slot].state == CALL_WAITING:
            return
        self.answers.ended(slot, now, True)
        self.floor.move(slot, CALL_WAITING, now)
        self.budget.came(self.floor.staffed())

    cdef void close_call(self, object call, double now, bint person):
        """It leaves the table; whoever it was, if that is not known yet, is `person` or nobody."""
        cdef int slot = self.floor.find(call)
        if person:
            self.person(slot, now)
        elif self.floor.calls[slot].state != CALL_WAITING:
            self.answers.ended(slot, now, False)
        self.floor.end(call, slot)

    cdef void sweep(self, double now):
        """Calls of which the end was never told."""
        cdef double age_s
        cdef int state
        for call, slot in list(self.floor.slots.items()):
            age_s = now - self.floor.calls[<int> slot].since_s
            state = self.floor.calls[<int> slot].state
            if state == CALL_RINGING and age_s > RING_S_MAX:
                self.close_call(call, now, False)
            elif state == CALL_OPEN and age_s > OPEN_S_MAX:
                self.close_call(call, now, False)
            elif state == CALL_WAITING and age_s > WAIT_S_MAX:
                self.budget.lost()
                self.close_call(call, now, False)

    # -- agents ------------------------------------------------------------------------------------

    def agent_ready(self, object agent, double now) -> None:
        self.arrive(agent, AGENT_READY, self.clock(now))

    def agent_reserved(self, object agent, object call, double now) -> None:
        cdef int seat
        now = self.clock(now)
        self.arrive(agent, AGENT_RESERVED, now)
        if self.floor.find(call) >= 0:
            self.close_call(call, now, True)
        seat = self.floor.seat(agent)
        if seat >= 0 and call is not None:
            self.floor.serve(seat, call)

    def agent_talking(self, object agent, double now) -> None:
        cdef int seat
        now = self.clock(now)
        seat = self.floor.seat(agent)
        if seat >= 0 and self.floor.serving[seat] is None and (
            self.floor.agents[seat].state < AGENT_TALKING
        ):
            call = self.floor.oldest(CALL_WAITING)  # nobody said whose agent it is
            if call is not None:
                self.close_call(call, now, True)
        self.arrive(agent, AGENT_TALKING, now)

    def agent_wrap_up(self, object agent, double now) -> None:
        self.arrive(agent, AGENT_WRAP_UP, self.clock(now))

    def agent_left(self, object agent, double now) -> None:
        if agent in self.floor.seats:
            self.arrive(agent, AGENT_AWAY, self.clock(now))

    cdef void arrive(self, object agent, int state, double now):
        cdef int seat = self.floor.seat(agent), before
        if seat < 0:
            return
        before = self.floor.agents[seat].state
        if before == state:
            return
        self.staff.moved(before, state, now - self.floor.agents[seat].since_s)
        if state != AGENT_TALKING or before != AGENT_RESERVED:
            self.floor.serve(seat, None)
        self.floor.place(seat, state, now)

    # -- the decision ------------------------------------------------------------------------------

    def dials(self, double now, int lines_free) -> int:
        now = self.clock(now)
        self.answers.observe(now)
        if self.staff.renew(now, now - self.asked_s):
            self.sweep(now)
            self.answers.settle()
        self.free_lines = lines_free
        self.said = self.decide(now, lines_free)
        self.asked_s = now
        return self.said

    cdef void forecast(self, double now):
        """Lay out everything that `Crowd.most` asks."""
        cdef int grace = min(<int> (self.grace_s * 0.9 / BIN_S), LATER - AHEAD)
        cdef int waiting = self.floor.in_state[CALL_WAITING]
        cdef int free = self.floor.staff[AGENT_READY] - waiting
        self.crowd.clear()
        self.answers.expect(self.crowd, now)
        self.staff.expect(self.crowd, now)
        self.crowd.doubt(self.answers.doubt())
        self.crowd.new_call(
            self.answers.answer.until,
            self.answers.later(),
            self.answers.of_next(),
            grace,
            free,
            self.crowd.lost_waiting(-free, grace),
        )
        self.soon_s = self.answers.delay_s()
        self.soon = free + self.crowd.frees[min(<int> (self.soon_s / BIN_S), LATER - 1)]

    cdef int decide(self, double now, int lines_free):
        cdef int staffed = self.floor.staffed(), calls, cap
        cdef double pace = PACE * staffed + 1
        # However long nobody asked, no more calls start at once than in a second.
        self.burst = min(self.burst + pace * min(now - self.asked_s, 1), pace)
        self.forecast(now)
        self.risk = self.budget.risk_of(staffed)
        if self.answers.outcomes < OUTCOMES_MIN:
            self.risk = min(self.risk, RISK_UNKNOWN)
        if staffed == 0:
            self.bound = "no agent is logged in"
            return 0
        self.bound = "lines per agent"
        cap = <int> (self.lines_per_agent_max * staffed + 1e-9) - self.floor.lines()
        if lines_free < cap:
            cap = lines_free
            self.bound = "free lines"
        if self.burst < cap:
            cap = <int> self.burst
            self.bound = "pace of starting"
        if cap <= 0:
            return 0
        if self.budget.target == 0:  # nobody may be lost: a call for each agent who waits for one
            calls = self.floor.staff[AGENT_READY] - self.floor.lines() + (
                self.floor.staff[AGENT_RESERVED] + self.floor.staff[AGENT_TALKING]
            )
            calls = min(max(calls, 0), cap)
        else:
            calls = self.crowd.most(cap, self.risk)
        if calls < cap:
            self.bound = "agents"
        self.burst -= calls
        return calls

    def explain(self) -> dict:
        cdef double rate = self.budget.abandoned / <double> max(self.budget.people, 1)
        cdef double chance = self.answers.of_next()
        cdef double left = 100 * (self.budget.target - rate)
        soon = max(0, round(self.soon))
        agents = "1 agent" if soon == 1 else f"{soon} agents"
        sentence = (
            f"dialing {self.said}: {agents} free within {self.soon_s:.0f} s, "
            f"answer chance {chance:.2f}, budget {left:.1f} %"
        )
        if self.said == 0 and self.bound != "agents":
            sentence = f"dialing 0: {self.bound}"
            if self.bound != "no agent is logged in":
                sentence = f"dialing 0: the limit of {self.bound} is reached"
        return {
            "sentence": sentence,
            "dials": self.said,
            "bound": self.bound,
            "agents_soon": soon,
            "soon_s": self.soon_s,
            "answer_chance": chance,
            "budget_percent": left,
            "abandoned_percent": 100 * rate,
            "people": self.budget.people,
            "abandoned": self.budget.abandoned,
            "risk": self.risk,
            "agents_ready": self.floor.staff[AGENT_READY],
            "agents_staffed": self.floor.staffed(),
            "calls_ringing": self.floor.in_state[CALL_RINGING] + self.floor.in_state[CALL_OPEN],
            "calls_waiting": self.floor.in_state[CALL_WAITING],
            "lines": self.floor.lines(),
            "lines_free": self.free_lines,
        }
