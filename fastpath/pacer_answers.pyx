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
        # What is believed before the first call: a third is answered, after some 11 s. It counts
        # for a dozen calls and is soon forgotten.
        self.answer = Delays(lognormal(9, 0.6, 2), 12)
        self.other = Delays([1.0] * AGES, 2)
        self.machine = Delays([1.0] * AGES, 2)
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
        """That a person answers, as it was when dialed, by what is known now."""
        if self.floor.calls[slot].given:
            return chance_of(self.floor.calls[slot].odds + self.trust.odds)
        return self.rate.chance()

    cdef double of_next(self) noexcept:
        """That a person answers the next call."""
        return chance_of(self.given + self.trust.odds) if self.told else self.rate.chance()

    cdef double picked(self, double ring_s) noexcept:
        """That who picks up after so many seconds is a person."""
        cdef int bin = min(<int> (ring_s / BIN_S), AGES - 1)
        cdef double chance = self.verdict.chance()
        cdef double person = chance * self.answer.seen[bin] / self.answer.weight + 1e-6 * chance
        cdef double machine = (1 - chance) * (self.machine.seen[bin] / self.machine.weight + 1e-6)
        return person / (person + machine)

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

    cdef void learn(self, int slot, double by, double expected, bint ended) noexcept:
        """News of a call for the rate, or for the error of the chances that are given."""
        cdef Rate rate = self.trust if self.floor.calls[slot].given else self.rate
        if ended:
            rate.ended(expected, by > 0)
        else:
            rate.hint(by)

    cdef void picked_up(self, int slot, double now) noexcept:
        """By whom, is not known yet."""
        cdef Call* call = &self.floor.calls[slot]
        cdef double before = still(self.of_call(slot), call.seen_s, self.answer, self.other)
        call.person = self.picked(now - call.start_s)
        self.learn(slot, call.person - before, 0, False)

    cdef void ended(self, int slot, double now, bint yes) noexcept:
        """A ringing or open call turned out to be a person, or anything else."""
        cdef Call* call = &self.floor.calls[slot]
        cdef double expected, ring_s = call.since_s - call.start_s
        if call.state == CALL_OPEN:
            expected = still(call.person, call.seen_s, self.human, self.screened)
            self.verdict.ended(call.person, yes)
            if yes:
                self.human.add(now - call.since_s)
            else:
                self.screened.add(now - call.since_s)
                self.machine.add(ring_s)
        else:
            expected = still(self.of_call(slot), call.seen_s, self.answer, self.other)
            ring_s = now - call.start_s
            if yes and self.late:
                self.human.add(0)
        if yes:
            self.answer.add(ring_s)
        else:
            self.other.add(ring_s)
        self.learn(slot, (1 if yes else 0) - expected, expected, True)
        self.outcomes += 1

    cdef void observe(self, double now) noexcept:
        """The calls under way have aged, and that says something."""
        cdef int slot
        cdef double age_s, chance, before, news, rate = 0, trust = 0
        cdef double wait_s = now - self.observed_s
        cdef Call* call
        if wait_s < LOOK_S:
            return
        for slot in range(self.floor.top):
            call = &self.floor.calls[slot]
            age_s = now - call.since_s
            if call.state == CALL_RINGING:
                chance = self.of_call(slot)
                before = still(chance, call.seen_s, self.answer, self.other)
                news = still(chance, age_s, self.answer, self.other) - before
            elif call.state == CALL_OPEN:
                before = still(call.person, call.seen_s, self.human, self.screened)
                news = still(call.person, age_s, self.human, self.screened) - before
            else:
                continue
            call.seen_s = age_s
            if call.given:
                trust += news
            else:
                rate += news
        if self.observed_s < -1e200:
            wait_s = 0  # the first look of all
        self.rate.drifts(wait_s)
        self.trust.drifts(wait_s)
        self.verdict.drifts(wait_s)
        self.rate.hint(rate)
        self.trust.hint(trust)
        self.observed_s = now

    cdef void settle(self) noexcept:
        self.answer.settle()
        self.other.settle()
        self.machine.settle()
        self.human.settle()
        self.screened.settle()

    cdef void expect(self, Crowd crowd, double now) noexcept:
        """Tell of the calls under way, those of one age together."""
        cdef double[AGES][3] ringing
        cdef double[AGES][3] opened
        cdef double (*sums)[3]
        cdef double chance, miss
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
                chance /= (chance * (1 - self.answer.until[age]) + miss + 1e-9)
                sums = &ringing[age]
            elif call.state == CALL_OPEN:
                miss = (1 - call.person) * (1 - self.screened.until[age])
                chance = call.person / (call.person * (1 - self.human.until[age]) + miss + 1e-9)
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
