"""The state of the streams that come next, on its way from memory while one is served.

Between two services of a stream thousands of others and the kernel's sockets pass through the
cache. A service takes some microseconds, nearly all in the kernel; memory answers in a tenth of
one. So a stream's own state is asked for two services ahead, and what it points to (the detector of
keys, a recorder) one ahead. A prefetch never faults and changes nothing: neither needs the stream's
gate.
"""

from libc.stdint cimport uint32_t

from fastpath.rtp_loop cimport Stream, Worker

cdef extern from * nogil:
    """
    #include <stddef.h>
    static inline void dl_fetch(const void *from, size_t bytes) {
        const char *at = (const char *) from, *last = at + bytes - 1;
        for (; at < last; at += 64)
            __builtin_prefetch(at, 1);
        __builtin_prefetch(last, 1);
        __asm__ volatile(""); /* else gcc sees that nothing is computed here, and drops it all */
    }
    """
    void fetch "dl_fetch"(const void *start, size_t bytes)

cdef enum:
    SENDER_BYTES = 96
    LATCH_BYTES = 64
    TAP_BYTES = 352


cdef inline void fetch_ahead(const Worker *w, uint32_t index) noexcept nogil:
    """Before the entry `index` of the table is served; those behind it may not be of its slot."""
    cdef const Stream *s = &w.streams[index + 2]
    cdef const Stream *before = s - 1
    cdef int i
    fetch(s, <size_t> (<const char *> &s.receiver.latch - <const char *> s) + LATCH_BYTES)
    fetch(&s.sender, SENDER_BYTES)
    fetch(&s.rtcp, 1)
    for i in range(before.tap_count):
        fetch(before.taps[i].state, TAP_BYTES)
