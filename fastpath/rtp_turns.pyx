# cython: auto_pickle=False, autotestdict=False
"""What a stream owes that missed its turn.

Python holds a stream for microseconds, unless its thread loses its processor. After many periods
only the last turn counts: packets of all of them at once would be late, and a flood.
"""

from libc.string cimport memset


cdef void turns_put(Turns *t, uint32_t index, uint32_t frame, int64_t due_ns) noexcept nogil:
    """A turn was missed. With RETRY_MAX waiting the stream loses this one."""
    cdef int i = 0
    while i < t.count and t.turn[i].index != index:
        i += 1
    if i == RETRY_MAX:
        return
    t.turn[i].index = index
    t.turn[i].frame = frame
    t.turn[i].due_ns = due_ns
    t.count = max(t.count, i + 1)


cdef void turns_drop(Turns *t, uint32_t index) noexcept nogil:
    """The stream was served."""
    cdef int i, left = 0
    for i in range(t.count):
        if t.turn[i].index != index:
            t.turn[left] = t.turn[i]
            left += 1
    t.count = left


cdef class RtpTurns:
    """The turns by themselves."""

    def __cinit__(self):
        memset(&self.state, 0, sizeof(Turns))

    def put(self, unsigned int index, unsigned int frame, int64_t due_ns):
        turns_put(&self.state, index, frame, due_ns)

    def drop(self, unsigned int index):
        turns_drop(&self.state, index)

    def waiting(self):
        return [
            (self.state.turn[i].index, self.state.turn[i].frame, self.state.turn[i].due_ns)
            for i in range(self.state.count)
        ]
