"""See the declarations for how it works, the stub for what it does."""

from libc.math cimport erfc, log, sqrt
from libc.string cimport memset

from cython cimport final

from fastpath.pacer_crowd cimport Crowd
from fastpath.pacer_delays cimport BIN_S, Delays
from fastpath.pacer_floor cimport CALL_OPEN, CALL_RINGING, Call, Floor
from fastpath.pacer_limits cimport AGES
from fastpath.pacer_rate cimport Rate, chance_of, odds_of, still

cdef double LOOK_S = 0.4  # how often the chances of the calls under way are looked at
cdef int LATER_MOST = 20  # bins between an answer and its verdict


cdef list lognormal(double mean_s, double cv, double begin_s):
    """A delay law as weights of the bins."""
    cdef double square = log(1 + cv * cv), age_s, before = 0, behind
    cdef int i
    cdef list found = []
    for i in range(AGES):
        age_s = (i + 1) * BIN_S - begin_s
        behind = 0
        if age_s > 0:
            behind = 0.5 * erfc(-(log(age_s / mean_s) + square / 2) / sqrt(2 * square))
        found.append(max(1e-6, behind - before))
        before = behind
    return found


@final
cdef class Answers:
    """See the stub."""

    def __init__(self, Floor floor not None) -> None:
        self.floor = floor
        # What is believed before the first call: a third is picked up, after some 11 s. It counts
        # for a dozen calls and is soon forgotten.
        self.answer = Delays(lognormal(9, 0.6, 2), 12)
        self.other = Delays([1.0] * AGES, 2)
        self.human = Delays(lognormal(2, 0.5, 0), 4)
        self.screened = Delays([1.0] * 20, 2)
        self.rate = Rate(0.35, 0.5, 4e-5)
        self.trust = Rate(0.5, 0.05, 1e-5)
        self.verdict = Rate(0.7, 0.5, 4e-5)
        self.observed_s = -1e300

    cdef void dialed(self, int slot, object p):
        """A call rings, with its chance if that is known; what is no chance is none."""
        cdef double given = -1 if p is None else p
        if not 0 <= given <= 1:
            self.told = False
            return
        self.floor.calls[slot].given = True
        self.floor.calls[slot].odds = odds_of(given)
        if not self.told:
            self.given = odds_of(given)
        self.told = True
        self.given += 0.1 * (odds_of(given) - self.given)

    cdef double of_call(self, int slot) noexcept:
        """That it is picked up, as it was when dialed, by what is known now."""
        if self.floor.calls[slot].given:
            return chance_of(self.floor.calls[slot].odds + self.trust.odds)
        return self.rate.chance()

    cdef double of_next(self) noexcept:
        """That the next call is picked up."""
        return chance_of(self.given + self.trust.odds) if self.told else self.rate.chance()

    cdef double person(self) noexcept:
        """That who picks up wants an agent."""
        return self.verdict.chance() if self.late else 1

    cdef double doubt(self) noexcept:
        """Relative variance of the rate."""
        cdef double miss = 1 - self.of_next()
        return (self.trust.variance if self.told else self.rate.variance) * miss * miss

    cdef int later(self) noexcept:
        """Bins from an answer to the verdict."""
        return min(<int> (self.human.mean_s() / BIN_S + 0.5), LATER_MOST) if self.late else 0

    cdef double delay_s(self) noexcept:
        """From dialing to wanting an agent, on average."""
        return self.answer.mean_s() + self.later() * BIN_S

    cdef void picked_up(self, int slot, double now, bint yes) noexcept:
        """It was, or ended otherwise."""
        cdef Call* call = &self.floor.calls[slot]
        cdef double expected = still(self.of_call(slot), call.seen_s, self.answer, self.other)
        if call.given:
            self.trust.ended(expected, yes)
        else:
            self.rate.ended(expected, yes)
        if yes:
            self.answer.add(now - call.start_s)
        else:
            self.other.add(now - call.start_s)
        self.outcomes += 1

    cdef void judged(self, int slot, double now, bint yes) noexcept:
        """The verdict on a call that was picked up: a person, or anything else."""
        cdef Call* call = &self.floor.calls[slot]
        cdef double chance = self.verdict.chance()
        self.verdict.ended(still(chance, call.seen_s, self.human, self.screened), yes)
        if yes:
            self.human.add(now - call.since_s)
        else:
            self.screened.add(now - call.since_s)

    cdef void observe(self, double now) noexcept:
        """The calls under way have aged, and that says something."""
        cdef int slot
        cdef double age_s, news, rate = 0, trust = 0, verdict = 0, chance
        cdef double person = self.verdict.chance(), wait_s = now - self.observed_s
        cdef Call* call
        if wait_s < LOOK_S:
            return
        for slot in range(self.floor.top):
            call = &self.floor.calls[slot]
            age_s = now - call.since_s
            if call.state == CALL_RINGING:
                chance = self.of_call(slot)
                news = still(chance, age_s, self.answer, self.other) - (
                    still(chance, call.seen_s, self.answer, self.other)
                )
                if call.given:
                    trust += news
                else:
                    rate += news
            elif call.state == CALL_OPEN:
                verdict += still(person, age_s, self.human, self.screened) - (
                    still(person, call.seen_s, self.human, self.screened)
                )
            call.seen_s = age_s
        if self.observed_s < -1e200:
            wait_s = 0  # the first look of all
        self.rate.drifts(wait_s)
        self.trust.drifts(wait_s)
        self.verdict.drifts(wait_s)
        self.rate.hint(rate)
        self.trust.hint(trust)
        self.verdict.hint(verdict)
        self.observed_s = now

    cdef void settle(self) noexcept:
        self.answer.settle()
        self.other.settle()
        self.human.settle()
        self.screened.settle()

    cdef void expect(self, Crowd crowd, double now) noexcept:
        """Tell of the calls under way, those of one age together."""
        cdef double[AGES][3] ringing
        cdef double[AGES][3] opened
        cdef double (*sums)[3]
        cdef double chance, miss, open_chance = self.verdict.chance(), person = self.person()
        cdef Call* call
        cdef int slot, age, later = self.later()
        memset(ringing, 0, sizeof(ringing))
        memset(opened, 0, sizeof(opened))
        for slot in range(self.floor.top):
            call = &self.floor.calls[slot]
            age = min(<int> ((now - call.since_s) / BIN_S), AGES - 1)
            if call.state == CALL_RINGING:
                chance = self.of_call(slot)
                miss = (1 - chance) * (1 - self.other.until[age])
                chance = person * chance / (chance * (1 - self.answer.until[age]) + miss + 1e-9)
                sums = &ringing[age]
            elif call.state == CALL_OPEN:
                miss = (1 - open_chance) * (1 - self.screened.until[age])
                chance = open_chance / (open_chance * (1 - self.human.until[age]) + miss + 1e-9)
                sums = &opened[age]
            else:
                continue
            sums[0][0] += chance
            sums[0][1] += chance * chance
            sums[0][2] += chance * chance * chance
        for age in range(AGES):
            if ringing[age][0] > 0:
                crowd.rings(
                    self.answer.until, age, later, ringing[age][0], ringing[age][1], ringing[age][2]
                )
            if opened[age][0] > 0:
                crowd.rings(
                    self.human.until, age, 0, opened[age][0], opened[age][1], opened[age][2]
                )
