"""See the declarations for how it works, the stub for what it does."""

from libc.math cimport exp, log

from cython cimport final

cdef double ODDS_MOST = 6


cdef double odds_of(double chance) noexcept nogil:
    """Log odds; what is nearly sure counts as 0.25 % or 99.75 %."""
    cdef double odds
    if not chance > 0:
        return -ODDS_MOST
    if chance >= 1:
        return ODDS_MOST
    odds = log(chance / (1 - chance))
    return min(max(odds, -ODDS_MOST), ODDS_MOST)


cdef double chance_of(double odds) noexcept nogil:
    return 1 / (1 + exp(-odds))


cdef double still(double chance, double age_s, Delays yes, Delays no) noexcept nogil:
    """The chance of a call that has not ended at this age, by Bayes."""
    cdef double success = chance * (1 - yes.share(age_s))
    cdef double failure = (1 - chance) * (1 - no.share(age_s))
    return (success + 1e-9) / (success + failure + 2e-9)


def still_open(double chance, double age_s, Delays yes not None, Delays no not None) -> float:
    return still(chance, age_s, yes, no)


@final
cdef class Rate:
    """See the stub."""

    def __init__(self, double chance, double variance, double drift) -> None:
        self.odds = odds_of(chance)
        self.variance = self.most = variance
        self.drift = drift

    @property
    def rate(self) -> float:
        return self.chance()

    def wait(self, double seconds) -> None:
        self.drifts(seconds)

    def learn(self, double expected, bint yes) -> None:
        self.ended(expected, yes)

    cdef double chance(self) noexcept nogil:
        return chance_of(self.odds)

    cdef void drifts(self, double seconds) noexcept nogil:
        if seconds > 0:
            self.variance = min(self.variance + self.drift * seconds, self.most)

    cdef void hint(self, double by) noexcept nogil:
        """The posterior chances of the calls that ring changed by so much in sum."""
        self.odds = min(max(self.odds + self.variance * by, -ODDS_MOST), ODDS_MOST)

    cdef void ended(self, double expected, bint yes) noexcept nogil:
        """A call ended that was expected to be answered with this chance at its age."""
        cdef double by = (1 if yes else 0) - expected
        cdef double told = by * by
        if yes and told < 0.01:
            told = 0.01
        self.hint(by)
        self.variance = 1 / (1 / self.variance + told)
