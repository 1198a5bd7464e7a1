"""A hierarchical timing wheel whose entries are the owners themselves.

Time is counted in slots of 1 ms. Level 0 has the next slots one by one, each further level slots
that are 64 times as long. An owner stands on the lowest level on which it shares all higher digits
(base 64) of its slot with the present one, so every occupied slot of a level lies ahead, the first
occupied level holds the first deadline, and finding it is a search for a bit. What stands on a
higher level is dealt out anew when the present reaches its slot: at most once per level.

Arming, moving and disarming only relink: no search, no allocation. Links are ordinary references,
so an armed owner lives, and the garbage collector sees a wheel that nobody has any more.
"""

from libc.stdint cimport uint64_t

from cython cimport final


cdef enum:
    SLOT_NS = 1_000_000
    DIGIT = 6  # bits of a level
    SLOTS = 64  # of a level, as many as a word has bits
    LEVELS = 8  # 2**48 slots: more than a deadline in nanoseconds can say
    UNARMED = -1
    OPENED = -2  # its slot has come, it waits for its turn

cdef long long FAR  # no deadline


cdef class Timer:
    cdef readonly long long due_ns  # as armed; FAR: not armed
    cdef Timer before
    cdef Timer after
    cdef int place  # its slot in the wheel
    cdef void* wheel  # where it stands, to compare only

    cpdef object tick(self, long long now_ns)


@final
cdef class Wheel:
    cdef long long present  # every slot up to this one has been opened
    cdef uint64_t[8] busy  # of each level: which slots hold somebody
    cdef list heads  # of the slots' rings; None until a slot is used for the first time
    cdef Timer opened  # head of the ring of those whose turn it is
    cdef readonly Py_ssize_t armed

    cpdef object arm(self, Timer owner, long long due_ns)
    cpdef object tick(self, long long now_ns)
    cdef long long deadline(self) noexcept
    cdef long long first(self, int* place) noexcept
    cdef void put(self, Timer owner, long long slot)
    cdef void link(self, Timer owner, Timer head, int place) noexcept
    cdef void unlink(self, Timer owner) noexcept
    cdef void open(self, int place)
    cdef void fire(self, long long now_ns) except *
