"""See the declarations for how it works, the stub for what it does."""

from cython cimport final

cdef extern from *:
    """
    #define first_bit(word) __builtin_ctzll(word)
    #define last_bit(word) (63 - __builtin_clzll(word))
    """
    int first_bit(uint64_t word) nogil
    int last_bit(uint64_t word) nogil

FAR = 0x7FFFFFFFFFFFFFFF
NEVER = FAR
TICK_NS = SLOT_NS


cdef inline long long slot_of(long long due_ns) noexcept:
    """The first slot that does not begin before `due_ns`: nobody is woken early."""
    if due_ns <= 0:
        return 0
    return due_ns // SLOT_NS + (due_ns % SLOT_NS != 0)


cdef Timer new_ring():
    cdef Timer head = Timer.__new__(Timer)
    head.before = head.after = head
    return head


cdef class Timer:
    """See the stub."""

    def __cinit__(self) -> None:
        self.due_ns = FAR
        self.place = UNARMED

    cpdef object tick(self, long long now_ns):
        raise NotImplementedError


@final
cdef class Wheel:
    """See the stub."""

    def __cinit__(self) -> None:
        self.heads = [None] * (LEVELS * SLOTS)
        self.opened = new_ring()

    cpdef object arm(self, Timer owner, long long due_ns):
        cdef long long slot
        if owner is None:
            raise TypeError("not a timer: None")
        if owner.place != UNARMED:
            if owner.wheel != <void*> self:
                raise ValueError("armed in another wheel")
            self.unlink(owner)
            self.armed -= 1
        owner.due_ns = due_ns
        if due_ns != FAR:
            slot = slot_of(due_ns)
            self.put(owner, slot if slot > self.present else self.present + 1)
            self.armed += 1

    cpdef object tick(self, long long now_ns):
        cdef long long until = now_ns // SLOT_NS
        cdef long long slot
        cdef int place = 0
        self.fire(now_ns)
        while True:
            slot = self.first(&place)
            if slot > until:
                break
            self.present = slot
            self.open(place)
            self.fire(now_ns)
        if until > self.present:
            self.present = until

    def deadline_ns(self) -> int | None:
        """See the stub."""
        cdef long long due_ns = self.deadline()
        return None if due_ns == FAR else due_ns

    def __len__(self) -> int:
        return self.armed

    cdef long long deadline(self) noexcept:
        """No owner is due before this; FAR when there is none."""
        cdef int place = 0
        cdef long long slot = self.present
        if self.opened.after is self.opened:
            slot = self.first(&place)
        return FAR if slot == FAR else slot * SLOT_NS

    cdef long long first(self, int* place) noexcept:
        """The slot in which the first occupied place begins, FAR when all are empty."""
        cdef int level, digit
        cdef int shift = 0
        for level in range(LEVELS):
            if self.busy[level]:
                digit = first_bit(self.busy[level])
                place[0] = level * SLOTS + digit
                return (self.present >> (shift + DIGIT) << DIGIT | digit) << shift
            shift += DIGIT
        return FAR

    cdef void put(self, Timer owner, long long slot):
        """Link `owner` into the place of a slot that lies ahead."""
        cdef int level = last_bit(<uint64_t> (slot ^ self.present)) // DIGIT
        cdef int digit = (slot >> (level * DIGIT)) & (SLOTS - 1)
        cdef int place = level * SLOTS + digit
        cdef object head = self.heads[place]
        if head is None:
            head = self.heads[place] = new_ring()
        self.busy[level] |= <uint64_t> 1 << digit
        self.link(owner, <Timer> head, place)

    cdef void link(self, Timer owner, Timer head, int place) noexcept:
        """Make `owner` the last of a ring."""
        cdef Timer last = head.before
        owner.wheel = <void*> self
        owner.place = place
        owner.before = last
        owner.after = head
        last.after = owner
        head.before = owner

    cdef void unlink(self, Timer owner) noexcept:
        cdef Timer before = owner.before
        cdef Timer after = owner.after
        if before is after and owner.place >= 0:  # both are the head: nobody else is there
            self.busy[owner.place // SLOTS] &= ~(<uint64_t> 1 << (owner.place % SLOTS))
        before.after = after
        after.before = before
        owner.before = owner.after = None
        owner.place = UNARMED

    cdef void open(self, int place):
        """Deal out a place that the present has reached: to its turn, or to a lower level."""
        cdef Timer head = <Timer> self.heads[place]
        cdef Timer owner
        cdef long long slot
        while head.after is not head:
            owner = head.after
            self.unlink(owner)
            slot = slot_of(owner.due_ns)
            if slot > self.present:
                self.put(owner, slot)
            else:
                self.link(owner, self.opened, OPENED)

    cdef void fire(self, long long now_ns) except *:
        """Wake those whose turn it is; after an exception the next call goes on with the rest."""
        cdef Timer owner
        while self.opened.after is not self.opened:
            owner = self.opened.after
            self.unlink(owner)
            self.armed -= 1
            owner.due_ns = FAR
            owner.tick(now_ns)
