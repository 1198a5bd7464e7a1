# cython: auto_pickle=False, autotestdict=False
"""Where a new stream goes: the thread with the fewest, in its slot with the fewest.

Devices go where others are, up to GATHERED.
"""

from fastpath.atomics cimport geti32
from fastpath.rtp_limits cimport SLOTS


cdef int emptiest(const Worker *workers, int count) noexcept nogil:
    """The thread with the fewest streams, and its slot with the fewest: as one number."""
    cdef int thread, slot, load, best = 0, load_best = -1, used_best = 0
    cdef const Worker *w
    for thread in range(count):
        w = &workers[thread]
        load = 0
        for slot in range(SLOTS):
            load += geti32(&w.slot_used[slot])
        if load_best >= 0 and load >= load_best:
            continue
        load_best = load
        used_best = geti32(&w.slot_used[0])
        best = thread * SLOTS
        for slot in range(1, SLOTS):
            if geti32(&w.slot_used[slot]) < used_best:
                used_best = geti32(&w.slot_used[slot])
                best = thread * SLOTS + slot
    return best


cdef int gathered(const Worker *workers, int count) noexcept nogil:
    """The same thread, and its fullest slot below GATHERED; else its first empty one.

    A thread that sleeps less often costs less, most of a modem's 20 ms being the kernel's. Measured
    for 64 devices: 8 in slots far apart cost a third more than 16 in slots behind one another.
    """
    cdef int best = emptiest(workers, count), first = best - best % SLOTS
    cdef int slot, used, used_best = 0
    cdef const Worker *w = &workers[first // SLOTS]
    for slot in range(SLOTS):
        used = geti32(&w.slot_used[slot])
        if used_best < used < min(GATHERED, w.slot_capacity):
            used_best = used
            best = first + slot
    return best


cdef int beside(const Worker *w, int slot) noexcept nogil:
    """The slot of a stream's thread for another one that meets it: its own, or the emptiest.

    -1 when the thread has no room.
    """
    cdef int i, used, load = 0, best = -1, used_best = w.slot_capacity
    for i in range(SLOTS):
        used = geti32(&w.slot_used[i])
        load += used
        if used < used_best:
            used_best = used
            best = i
    if load >= w.capacity:
        return -1
    return slot if geti32(&w.slot_used[slot]) < w.slot_capacity else best
