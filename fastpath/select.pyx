"""See the declarations for how it works, the stub for what it does."""

from libc.stdlib cimport calloc, free

from cython cimport final

NEVER_NS = 0x7FFFFFFFFFFFFFFF
NEVER = NEVER_NS
cdef int64_t LONG_AGO = -(<int64_t> 1 << 62)


@final
cdef class Choice:
    """See the stub."""

    def __cinit__(self, int seats) -> None:
        cdef int i
        if not 0 <= seats <= SEATS_MAX:
            raise ValueError(f"seats: 0 to {SEATS_MAX}, not {seats}")
        self.seats = seats
        self.width = 1
        while self.width < seats:
            self.width *= 2
        self.seat = <Seat*> calloc(max(seats, 1), sizeof(Seat))
        self.heap = <int32_t*> calloc(max(seats, 1), sizeof(int32_t))
        self.tree = <int32_t*> calloc(2 * self.width, sizeof(int32_t))
        if not self.seat or not self.heap or not self.tree:
            raise MemoryError
        for i in range(2 * self.width):
            self.tree[i] = NOWHERE
        for i in range(seats):
            self.seat[i].ready_ns = NEVER_NS
            self.seat[i].waits = NOWHERE
            self.tree[self.width + i] = i
        self.now_ns = LONG_AGO

    def __dealloc__(self) -> None:
        free(self.seat)
        free(self.heap)
        free(self.tree)

    def __len__(self) -> int:
        return self.seats

    def set(
        self,
        int at,
        int64_t ready_ns,
        int64_t sound_ns = LONG_AGO,
        int64_t cost = 0,
        int64_t load = 0,
        int64_t used_ns = LONG_AGO,
    ) -> None:
        cdef Seat* seat
        if not 0 <= at < self.seats:
            raise IndexError(at)
        seat = &self.seat[at]
        seat.ready_ns = ready_ns
        seat.sound_ns = sound_ns
        seat.cost = cost
        seat.load = load
        seat.used_ns = used_ns
        self.place(at)

    cpdef int best(self, int64_t now_ns):
        cdef int32_t at
        self.wake(now_ns)
        at = self.tree[1]
        return at if at >= 0 and self.seat[at].open else NOWHERE

    def best_but(self, int64_t now_ns, left_out) -> int:
        cdef int at, found
        cdef list those = [one for one in left_out if 0 <= one < self.seats]
        self.wake(now_ns)
        for at in those:
            self.seat[at].out = True
            self.replay(at)
        found = self.tree[1]
        if found >= 0 and (self.seat[found].out or not self.seat[found].open):
            found = NOWHERE
        for at in those:
            self.seat[at].out = False
            self.replay(at)
        return found

    def ready_ns(self) -> int:
        cdef int32_t at = self.tree[1]
        if at >= 0 and self.seat[at].open:
            return self.seat[at].ready_ns
        return self.moment(self.heap[0]) if self.waiting else NEVER_NS

    def order(self, int64_t now_ns, int most) -> list:
        cdef list found = []
        cdef int at
        while len(found) < most:
            at = self.best_but(now_ns, found)
            if at < 0:
                break
            found.append(at)
        return found

    # -- time --------------------------------------------------------------------------------------

    cdef void wake(self, int64_t now_ns) noexcept nogil:
        """Judge anew those of whom time decides."""
        cdef int i
        if now_ns < self.now_ns:  # a clock that went back: everything may be different
            self.now_ns = now_ns
            for i in range(self.seats):
                self.place(i)
            return
        self.now_ns = now_ns
        while self.waiting and self.moment(self.heap[0]) <= now_ns:
            self.place(self.heap[0])

    cdef void place(self, int at) noexcept nogil:
        """Whether it is open and sound now, and when that changes by itself."""
        cdef Seat* seat = &self.seat[at]
        seat.open = seat.ready_ns <= self.now_ns and seat.ready_ns != NEVER_NS
        seat.faulty = seat.sound_ns > self.now_ns
        if seat.ready_ns == NEVER_NS or (seat.open and not seat.faulty):
            self.forget(at)
        elif seat.waits == NOWHERE:
            self.wait(at)
        else:
            self.rise(seat.waits)
            self.sink(seat.waits)
        self.replay(at)

    cdef int64_t moment(self, int32_t at) noexcept nogil:
        """When time decides about it next."""
        cdef Seat* seat = &self.seat[at]
        return seat.sound_ns if seat.open else seat.ready_ns

    # -- the tree ----------------------------------------------------------------------------------

    cdef bint before(self, int32_t one, int32_t other) noexcept nogil:
        cdef Seat* a
        cdef Seat* b
        if one < 0 or other < 0:
            return other < 0
        a = &self.seat[one]
        b = &self.seat[other]
        if (a.open and not a.out) != (b.open and not b.out):
            return a.open and not a.out
        if a.faulty != b.faulty:
            return b.faulty
        if a.cost != b.cost:
            return a.cost < b.cost
        if a.load != b.load:
            return a.load < b.load
        if a.used_ns != b.used_ns:
            return a.used_ns < b.used_ns
        return one < other

    cdef void replay(self, int at) noexcept nogil:
        """The matches from this leaf to the root."""
        cdef int where = (self.width + at) >> 1
        cdef int32_t one, other
        while where:
            one = self.tree[2 * where]
            other = self.tree[2 * where + 1]
            self.tree[where] = one if self.before(one, other) else other
            where >>= 1

    # -- the heap of moments -----------------------------------------------------------------------

    cdef void wait(self, int at) noexcept nogil:
        self.heap[self.waiting] = at
        self.seat[at].waits = self.waiting
        self.waiting += 1
        self.rise(self.waiting - 1)

    cdef void forget(self, int at) noexcept nogil:
        cdef int where = self.seat[at].waits
        if where == NOWHERE:
            return
        self.seat[at].waits = NOWHERE
        self.waiting -= 1
        if where < self.waiting:
            self.heap[where] = self.heap[self.waiting]
            self.seat[self.heap[where]].waits = where
            self.rise(where)
            self.sink(where)

    cdef void rise(self, int where) noexcept nogil:
        cdef int32_t at = self.heap[where]
        cdef int64_t when = self.moment(at)
        cdef int above
        while where:
            above = (where - 1) >> 1
            if self.moment(self.heap[above]) <= when:
                break
            self.heap[where] = self.heap[above]
            self.seat[self.heap[where]].waits = where
            where = above
        self.heap[where] = at
        self.seat[at].waits = where

    cdef void sink(self, int where) noexcept nogil:
        cdef int32_t at = self.heap[where]
        cdef int64_t when = self.moment(at)
        cdef int below
        while True:
            below = 2 * where + 1
            if below >= self.waiting:
                break
            if below + 1 < self.waiting and (
                self.moment(self.heap[below + 1]) < self.moment(self.heap[below])
            ):
                below += 1
            if when <= self.moment(self.heap[below]):
                break
            self.heap[where] = self.heap[below]
            self.seat[self.heap[where]].waits = where
            where = below
        self.heap[where] = at
        self.seat[at].waits = where
