# cython: auto_pickle=False, autotestdict=False
"""How late packets are.

A packet's transit is its arrival minus its place in the peer's time. The least of the last 128 to
256 packets is the path without its jitter, and follows the drift between the two clocks; lateness
is what a packet takes more. A histogram that forgets (256 packets) says which lateness 99 of 100
packets stay below: the target.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from fastpath.rtp_limits cimport JITTER_BINS, JITTER_DELAY_MAX

cdef enum:
    WINDOW = 128  # packets
    BIN = 40  # samples
    PART = 1 << 20  # of one packet in the histogram
    SPIKE = 100  # one packet in so many may be later than the target


cdef void lateness_init(Lateness *l) noexcept nogil:
    """Nothing is known: 20 ms of jitter are expected, as if one packet had shown it."""
    memset(l, 0, sizeof(Lateness))
    l.bins[3] = PART
    l.target = 4 * BIN


cdef int64_t lateness_least(const Lateness *l) noexcept nogil:
    """The transit of the path without its jitter."""
    return min(l.least[0], l.least[1])


cdef void lateness_learn(Lateness *l, int64_t transit) noexcept nogil:
    """Account for a packet's transit; sets the target."""
    cdef int i, bin
    cdef uint64_t total = 0, above = 0
    if transit < l.least[0]:
        l.least[0] = transit
    l.window += 1
    if l.window == WINDOW:
        l.window = 0
        l.least[1] = l.least[0]
        l.least[0] = transit
    bin = <int> min((transit - lateness_least(l)) // BIN, JITTER_BINS - 1)
    for i in range(JITTER_BINS):
        l.bins[i] -= l.bins[i] >> 8
        total += l.bins[i]
    l.bins[bin] += PART
    total += PART
    for i in range(JITTER_BINS - 1, 0, -1):
        above += l.bins[i]
        if above * SPIKE >= total:
            break
    else:
        i = 0
    l.target = min((i + 1) * BIN, JITTER_DELAY_MAX)
