"""The best of many lines that may take a call now: a tournament that knows time.

Each seat says from when on it may take a call, until when it counts as faulty, and what it costs,
how loaded it is and when it was used last. Open seats come before closed ones, sound before faulty,
cheap before dear, then the least loaded, then the one longest idle, so that equals take turns.

The winners of all pairs stand in a tree: the best of all is its root, a change costs a path to it.
Whoever becomes open or sound by time alone waits in a heap of those moments, so a choice looks at
nobody else. Nothing allocates after the beginning.
"""

from libc.stdint cimport int32_t, int64_t

from cython cimport final


cdef enum:
    SEATS_MAX = 1_000_000
    NOWHERE = -1

cdef int64_t NEVER_NS  # no moment at all


cdef struct Seat:
    int64_t ready_ns
    int64_t sound_ns
    int64_t cost
    int64_t load
    int64_t used_ns
    int32_t waits  # its place in the heap
    bint open
    bint faulty
    bint out  # left out of the present choice


@final
cdef class Choice:
    cdef readonly int seats
    cdef int width  # leaves of the tree: a power of two
    cdef Seat* seat
    cdef int32_t* tree  # 1 is the root, the leaves begin at `width`; NOWHERE: nobody
    cdef int32_t* heap
    cdef int waiting
    cdef int64_t now_ns

    cpdef int best(self, int64_t now_ns)
    cdef void wake(self, int64_t now_ns) noexcept nogil
    cdef void place(self, int at) noexcept nogil
    cdef bint before(self, int32_t one, int32_t other) noexcept nogil
    cdef void replay(self, int at) noexcept nogil
    cdef int64_t moment(self, int32_t at) noexcept nogil
    cdef void wait(self, int at) noexcept nogil
    cdef void forget(self, int at) noexcept nogil
    cdef void rise(self, int where) noexcept nogil
    cdef void sink(self, int where) noexcept nogil
