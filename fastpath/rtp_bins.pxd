"""A histogram of times, exact where they are short: 64 bins of 1 us, then 32 to each doubling."""

from libc.stdint cimport int64_t, uint64_t

from fastpath.rtp_limits cimport HISTOGRAM_BINS


cdef inline int bin_of(int64_t ns) noexcept nogil:
    """Where a time belongs."""
    cdef uint64_t us = <uint64_t> (ns // 1000) if ns > 0 else 0
    cdef int e = 1
    if us < 64:
        return <int> us
    while us >> e > 63:
        e += 1
    if e > 29:
        return HISTOGRAM_BINS - 1
    return 64 + (e - 1) * 32 + <int> (us >> e) - 32


cdef inline double bin_edge_us(int index) noexcept nogil:
    """Upper edge of a bin, in microseconds."""
    cdef int e
    if index < 64:
        return index + 1
    e = (index - 64) // 32 + 1
    return <double> (<uint64_t> ((index - 64) % 32 + 33) << e)
