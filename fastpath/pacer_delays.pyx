"""See the declarations for how it works, the stub for what it does."""

from cython cimport final

BIN_S = 0.5


@final
cdef class Delays:
    """See the stub."""

    def __init__(self, prior, double weight, double fade = 0.999) -> None:
        cdef int i
        cdef double total = 0
        for i in range(AGES):
            self.seen[i] = max(1e-9, float(prior[i])) if i < len(prior) else 1e-9
            total += self.seen[i]
        for i in range(AGES):
            self.seen[i] *= weight / total
            self.seconds += self.seen[i] * (i + 0.5) * BIN_S
        self.weight = weight
        self.fade = fade
        self.settle()

    def learn(self, double delay_s) -> None:
        self.add(delay_s)
        self.settle()

    def upto(self, double age_s) -> float:
        return self.share(age_s)

    @property
    def mean(self) -> float:
        return self.mean_s()

    cdef void add(self, double delay_s) noexcept nogil:
        cdef int i, at, place
        if not delay_s > 0:
            delay_s = 0
        if delay_s > AGES * BIN_S:
            delay_s = AGES * BIN_S
        at = <int> (delay_s / BIN_S)
        for i in range(AGES):
            self.seen[i] *= self.fade
        for i in range(-2, 3):
            place = min(max(at + i, 0), AGES - 1)
            self.seen[place] += (3 - (i if i >= 0 else -i)) / 9.0
        self.seconds = self.seconds * self.fade + delay_s
        self.weight = self.weight * self.fade + 1

    cdef void settle(self) noexcept nogil:
        """The distribution anew, from what was seen."""
        cdef int i
        cdef double total = 0, run = 0
        for i in range(AGES):
            total += self.seen[i]
        for i in range(AGES):
            self.until[i] = run / total
            run += self.seen[i]
        for i in range(AGES, PADDED):
            self.until[i] = 1

    cdef double share(self, double age_s) noexcept nogil:
        cdef double place = age_s / BIN_S
        cdef int i
        if not place > 0:
            return 0
        if place >= AGES:
            return 1
        i = <int> place
        return self.until[i] + (place - i) * (self.until[i + 1] - self.until[i])

    cdef double mean_s(self) noexcept nogil:
        return self.seconds / self.weight
