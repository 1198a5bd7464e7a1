"""See the declarations for how it works, the stub for what it does."""

from libc.math cimport erfc, exp, sqrt
from libc.string cimport memset

from cython cimport final

cdef double WHOLE = 0.02  # variance that stands for counts being whole numbers
cdef double RARE = 1e-5  # an answer in this bin need not be looked at


cdef double over(double free, double mean, double variance, double third) noexcept nogil:
    """The chance that a count of this mean, variance and third central moment exceeds `free`."""
    cdef double sd = sqrt(variance + WHOLE)
    cdef double z = (free + 0.5 - mean) / sd
    cdef double tail = 0.5 * erfc(z * 0.7071067811865476)
    cdef double skewness = third / (sd * sd * sd)
    tail += 0.3989422804014327 * exp(-0.5 * z * z) * skewness / 6 * (z * z - 1)
    return min(max(tail, 0), 1)


def chance_over(double free, double mean, double variance, double third) -> float:
    return over(free, mean, variance, third)


@final
cdef class Crowd:
    """See the stub."""

    cdef void clear(self) noexcept nogil:
        memset(self.answers, 0, sizeof(self.answers))
        memset(self.answers_var, 0, sizeof(self.answers_var))
        memset(self.answers_third, 0, sizeof(self.answers_third))
        memset(self.frees, 0, sizeof(self.frees))
        memset(self.frees_var, 0, sizeof(self.frees_var))
        memset(self.frees_third, 0, sizeof(self.frees_third))

    cdef void rings(
        self, const double* until, int age, int later, double one, double two, double three
    ) noexcept nogil:
        """Calls of one age bin; the sums over them of their chances' powers 1, 2, 3.

        A chance is per share of the delay law `until` that is still to come: chance to be answered
        by the end of bin j = chance x (until[age + j + 1] - until[age]), `later` bins later.
        """
        cdef int j
        cdef double share, square
        for j in range(later, AHEAD):
            share = until[age + j + 1 - later] - until[age]
            square = share * share
            self.answers[j] += share * one
            self.answers_var[j] += share * one - square * two
            self.answers_third[j] += share * one - 3 * square * two + 2 * square * share * three

    cdef void busy(self, const double* free, double count, double back) noexcept nogil:
        """`count` agents, each free by the end of bin j with chance free[j] x back."""
        cdef int j
        cdef double chance, spread
        for j in range(LATER):
            chance = free[j] * back
            spread = count * chance * (1 - chance)
            self.frees[j] += count * chance
            self.frees_var[j] += spread
            self.frees_third[j] += spread * (1 - 2 * chance)

    cdef void return_served(self, const double* free, double back) noexcept nogil:
        """Agents who will serve those who answer come free again as well."""
        cdef int j, k
        cdef double came, before = 0
        for j in range(AHEAD):
            came = (self.answers[j] - before) * back
            before = self.answers[j]
            if came > 1e-6:
                for k in range(j + 1, LATER):
                    self.frees[k] += came * free[k - j - 1]
                    self.frees_var[k] += came * free[k - j - 1]
                    self.frees_third[k] += came * free[k - j - 1]

    cdef void doubt(self, double variance) noexcept nogil:
        """All answers come by one rate, known to this relative variance."""
        cdef int j
        for j in range(AHEAD):
            self.answers_var[j] += variance * self.answers[j] * self.answers[j]

    cdef void new_call(
        self, const double* until, int later, double chance, int grace, double free, double gone
    ) noexcept nogil:
        """What `overload` needs; `free` agents less people waiting, `gone` of them give up."""
        cdef int j, n = 0
        cdef double weight
        for j in range(later, AHEAD):
            weight = until[j + 1 - later] - until[j - later]
            if weight < RARE:
                continue
            self.weight[n] = weight
            self.soon[n] = chance * until[j + 1 - later]
            self.room[n] = free + self.frees[j + grace] - self.answers[j]
            if j > grace:
                self.room[n] += gone
            self.spread[n] = self.answers_var[j] + self.frees_var[j + grace]
            self.skew[n] = self.answers_third[j] - self.frees_third[j + grace]
            n += 1
        self.bins = n

    cdef double overload(self, int calls) noexcept nogil:
        """The chance that one who answers a new call finds no agent, after `calls` others."""
        cdef int i
        cdef double soon, spread, total = 0
        for i in range(self.bins):
            soon = self.soon[i]
            spread = calls * soon * (1 - soon)
            total += self.weight[i] * over(
                self.room[i] - 1,
                calls * soon,
                self.spread[i] + spread,
                self.skew[i] + spread * (1 - 2 * soon),
            )
        return total

    cdef int most(self, int calls_max, double risk) noexcept nogil:
        """How many calls to add while the risk of the next one stays within `risk`."""
        cdef int step = 1, low = 0, high
        while low + step <= calls_max and self.overload(low + step - 1) <= risk:
            low += step
            step *= 2
        high = min(low + step, calls_max + 1)  # low are fine, high are not
        while high - low > 1:
            step = (low + high) >> 1
            if self.overload(step - 1) <= risk:
                low = step
            else:
                high = step
        return low

    cdef double lost_waiting(self, int waiting, int grace) noexcept nogil:
        """Of so many who wait, how many find nobody within the grace; releases as Poisson."""
        cdef int i
        cdef double mean = self.frees[grace], chance = exp(-mean), total = 0
        for i in range(waiting):
            total += (waiting - i) * chance
            chance *= mean / (i + 1)
        return total
