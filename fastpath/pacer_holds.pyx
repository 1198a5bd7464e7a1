"""See the declarations for how it works, the stub for what it does."""

from libc.math cimport erfc, exp, log, sqrt
from libc.string cimport memset

from cython cimport final

from fastpath.pacer_delays cimport BIN_S


cdef void lay_edges() noexcept:
    cdef int i
    cdef double width = 0.5
    EDGES[0] = 0
    for i in range(HELD):
        EDGES[i + 1] = EDGES[i] + width
        width *= 1.09

lay_edges()


cdef int bin_of(double age_s) noexcept nogil:
    """The bin of an age; the last one is open to the right."""
    cdef int low = 0, high = HELD, middle
    while high - low > 1:
        middle = (low + high) >> 1
        if EDGES[middle] <= age_s:
            low = middle
        else:
            high = middle
    return low


cdef double lognormal_left(double age_s, double mean_s, double cv) noexcept nogil:
    cdef double square = log(1 + cv * cv)
    if age_s <= 0:
        return 1
    return 0.5 * erfc((log(age_s / mean_s) + square / 2) / sqrt(2 * square))


@final
cdef class Holds:
    """See the stub."""

    def __init__(self, double mean_s, double cv, double weight, double fade = 0.999) -> None:
        cdef int i
        cdef double before = 1, behind
        for i in range(HELD):
            behind = lognormal_left(EDGES[i + 1], mean_s, cv)
            self.ended[i] = weight * (before - behind) + 1e-9
            self.stood[i] = weight * (before + behind) / 2 * (EDGES[i + 1] - EDGES[i]) + 1e-7
            before = behind
        self.fade = fade
        self.settle()

    def learn(self, double held_s) -> None:
        self.add(held_s)
        self.settle()

    def longer_than(self, double age_s) -> float:
        return self.left(age_s)

    cdef void add(self, double held_s) noexcept nogil:
        cdef int i, last
        if not held_s > 0:
            held_s = 0
        if held_s > EDGES[HELD]:
            held_s = EDGES[HELD]
        last = bin_of(held_s)
        for i in range(HELD):
            self.ended[i] *= self.fade
            self.stood[i] *= self.fade
        for i in range(last):
            self.stood[i] += EDGES[i + 1] - EDGES[i]
        self.stood[last] += held_s - EDGES[last]
        self.ended[last] += 1
        self.count += 1

    cdef void forget_open(self) noexcept nogil:
        memset(self.open, 0, sizeof(self.open))

    cdef void stands(self, double age_s) noexcept nogil:
        """Somebody is at it for so long already: time stood without an end."""
        cdef int i, last
        if not age_s > 0:
            return
        if age_s > EDGES[HELD]:
            age_s = EDGES[HELD]
        last = bin_of(age_s)
        for i in range(last):
            self.open[i] += EDGES[i + 1] - EDGES[i]
        self.open[last] += age_s - EDGES[last]

    cdef void settle(self) noexcept nogil:
        """The cumulative hazard anew."""
        cdef int i
        self.risk[0] = 0
        for i in range(HELD):
            self.risk[i + 1] = self.risk[i] + (
                self.ended[i] / (self.stood[i] + self.open[i]) * (EDGES[i + 1] - EDGES[i])
            )

    cdef double left(self, double age_s) noexcept nogil:
        """The share that lasts longer than this."""
        cdef int i
        cdef double risk
        if not age_s > 0:
            return 1
        if age_s >= EDGES[HELD]:
            return exp(-self.risk[HELD])
        i = bin_of(age_s)
        risk = self.risk[i + 1] - self.risk[i]
        return exp(-self.risk[i] - (age_s - EDGES[i]) / (EDGES[i + 1] - EDGES[i]) * risk)

    cdef void on(self, double age_s, int at, double* left) noexcept nogil:
        """The share of those of this age (in bin `at`) that lasts 0, 1, ... LATER bins longer."""
        cdef int j
        cdef double later_s, first = 0, risk
        for j in range(LATER + 1):
            later_s = age_s + j * BIN_S
            while at < HELD and EDGES[at + 1] <= later_s:
                at += 1
            risk = self.risk[at]
            if at < HELD:
                risk += (later_s - EDGES[at]) / (EDGES[at + 1] - EDGES[at]) * (
                    self.risk[at + 1] - risk
                )
            if j == 0:
                first = risk
            left[j] = exp(first - risk)


@final
cdef class Releases:
    """See the stub."""

    def __init__(self, Holds talk not None, Holds wrap not None) -> None:
        self.talk = talk
        self.wrap = wrap
        self.begin()
        self.make(HELD)

    def free_after_talk(self, double age_s, int bins) -> float:
        return self.after_talk[bin_of(age_s)][min(max(bins, 1), LATER) - 1]

    def free_after_wrap_up(self, double age_s, int bins) -> float:
        return self.after_wrap[bin_of(age_s)][min(max(bins, 1), LATER) - 1]

    def renew(self) -> None:
        self.talk.settle()
        self.wrap.settle()
        self.begin()
        self.make(HELD)

    cdef void begin(self) noexcept nogil:
        cdef int j
        for j in range(LATER + 1):
            self.wrapped[j] = 1 - self.wrap.left(j * BIN_S)
        self.row = 0

    cdef void make(self, int rows) noexcept nogil:
        """The next rows of both tables, so that no single decision pays for all of them."""
        cdef int last = min(self.row + rows, <int> HELD)
        while self.row < last:
            self.make_row(self.row)
            self.row += 1

    cdef void make_row(self, int row) noexcept nogil:
        cdef double[LATER + 1] left  # the talk goes on
        cdef double[LATER] half  # wrapped up between the beginning and the end of a bin
        cdef double age_s = (EDGES[row] + EDGES[row + 1]) / 2, ends
        cdef double* free = self.after_talk[row]
        cdef int i, j
        self.talk.on(age_s, row, left)
        for j in range(LATER):
            free[j] = 0
            half[j] = 0.5 * (self.wrapped[j] + self.wrapped[j + 1])
        for i in range(LATER):  # the talk ends in bin i, its wrap-up within what is left
            ends = left[i] - left[i + 1]
            for j in range(LATER - i):
                free[i + j] += ends * half[j]
        self.wrap.on(age_s, row, left)
        for j in range(LATER):
            self.after_wrap[row][j] = 1 - left[j + 1]
