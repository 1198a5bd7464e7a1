# cython: auto_pickle=False, autotestdict=False
"""The books of the sources (SSRCs) of one stream: what came, what is lost, how evenly it came.

Sequence numbers as in RFC 3550 A.1, with a window of 64 that tells reordered from repeated. A
number outside of it is believed at its second packet, or at once after half a second of silence:
players of captures and announcement servers start anew in the middle of a call. What leaves the
window without having come is lost for good, and its stretch is measured.
"""

from libc.stdint cimport int32_t
from libc.string cimport memset

from fastpath.rtp_limits cimport (
    DROPOUT_MAX,
    EVENT_BEGIN_NS,
    LEAP_SAMPLES,
    REORDER_WINDOW,
    RESTART_NS,
    SAMPLE_NS,
    SOURCES_MAX,
)
from fastpath.rtp_receive cimport AUDIO, DUPLICATE, STALE


cdef void source_start(Source *s, uint32_t ssrc, uint16_t seq) noexcept nogil:
    memset(s, 0, sizeof(Source))
    s.used = 1
    s.ssrc = ssrc
    s.seq_base = s.seq_max = seq
    s.seq_bad = -1
    s.window = 1
    s.unique = 1


cdef void lost_some(Receiver *r, Source *s, uint32_t more) noexcept nogil:
    """`more` packets are lost for good, or one was not when it is 0."""
    s.run += more
    if s.run > r.loss_run_max:
        r.loss_run_max = s.run
    if not more and s.run:
        r.loss_runs += 1
        s.run = 0


cdef void leave(Receiver *r, Source *s, int64_t ahead) noexcept nogil:
    """The oldest numbers leave the window: whatever has not come by now is lost."""
    cdef int64_t known = min(s.seq_max - s.seq_base + 1, REORDER_WINDOW)
    cdef int64_t bit = min(known, REORDER_WINDOW) - 1
    while bit >= 0 and bit + ahead >= REORDER_WINDOW:
        lost_some(r, s, not (s.window >> bit) & 1)
        bit -= 1
    if ahead > REORDER_WINDOW:
        lost_some(r, s, <uint32_t> (ahead - REORDER_WINDOW))


cdef void source_settle(Receiver *r, Source *s) noexcept nogil:
    leave(r, s, REORDER_WINDOW)
    lost_some(r, s, 0)


cdef inline void source_fold(Receiver *r, Source *s) noexcept nogil:
    """Keep the books of a source that is about to be forgotten."""
    source_settle(r, s)
    r.expected_past += <uint64_t> (s.seq_max - s.seq_base + 1)
    r.unique_past += s.unique


cdef Source *source_of(Receiver *r, uint32_t ssrc, uint16_t seq, int *fresh) noexcept nogil:
    """The books of an SSRC; a new one takes the place of the one silent for longest."""
    cdef Source *oldest = &r.sources[0]
    cdef Source *s
    cdef int i
    fresh[0] = 0
    for i in range(SOURCES_MAX):
        s = &r.sources[i]
        if s.used and s.ssrc == ssrc:
            return s
        if oldest.used and (not s.used or s.last_ns < oldest.last_ns):
            oldest = s
    if oldest.used:
        source_fold(r, oldest)
        r.source_changes += 1
    source_start(oldest, ssrc, seq)
    fresh[0] = 1
    return oldest


cdef int source_sequence(Receiver *r, Source *s, const Packet *p, int64_t at_ns) noexcept nogil:
    """Account for a number of a known source (RFC 3550 A.1): AUDIO, DUPLICATE or STALE."""
    cdef uint16_t seq = p.seq
    cdef uint16_t ahead = <uint16_t> (seq - <uint16_t> s.seq_max)
    cdef int64_t quiet_ns = at_ns - s.last_ns
    cdef int back
    if ahead == 0:
        r.duplicates += 1
        s.copies += 1
        return DUPLICATE
    if ahead < DROPOUT_MAX:
        if ahead > 1 or s.run or not s.window >> (REORDER_WINDOW - 1):
            leave(r, s, ahead)
        s.seq_max += ahead
        s.window = 1 if ahead >= REORDER_WINDOW else (s.window << ahead) | 1
        s.unique += 1
        s.seq_bad = -1
        return AUDIO
    back = 65536 - ahead
    if (
        quiet_ns > RESTART_NS
        or (p.begins and quiet_ns > EVENT_BEGIN_NS)
        or (back >= REORDER_WINDOW and seq == s.seq_bad)
    ):
        source_fold(r, s)
        source_start(s, s.ssrc, seq)
        return AUDIO
    if back >= REORDER_WINDOW:
        s.seq_bad = <uint16_t> (seq + 1)
        r.stale += 1
        return STALE
    if (s.window >> back) & 1:
        r.duplicates += 1
        s.copies += 1
        return DUPLICATE
    s.window |= <uint64_t> 1 << back
    s.unique += 1
    r.reordered += 1
    if s.seq_max - back < s.seq_base:
        s.seq_base = s.seq_max - back
    return AUDIO


cdef void source_jitter(Source *s, uint32_t timestamp, int64_t at_ns) noexcept nogil:
    """RFC 3550 A.8, in samples scaled by 16. A leap of two seconds is a new clock, not jitter."""
    cdef uint32_t transit = <uint32_t> (at_ns // SAMPLE_NS) - timestamp
    cdef int64_t d
    if s.timed:
        d = <int32_t> (transit - s.transit)
        if d < 0:
            d = -d
        if d <= LEAP_SAMPLES:
            s.jitter_x16 += <uint64_t> d
            s.jitter_x16 -= (s.jitter_x16 - <uint64_t> d + 8) >> 4
    s.timed = 1
    s.transit = transit


cdef void receiver_settle(Receiver *r) noexcept nogil:
    """Count what is missing now as lost. For a copy: what comes late is not seen any more."""
    cdef int i
    for i in range(SOURCES_MAX):
        if r.sources[i].used:
            source_settle(r, &r.sources[i])


cdef uint64_t receiver_expected(const Receiver *r) noexcept nogil:
    """Packets that their numbers say were sent (RFC 3550 A.3), over all sources."""
    cdef uint64_t expected = r.expected_past
    cdef int i
    for i in range(SOURCES_MAX):
        if r.sources[i].used:
            expected += <uint64_t> (r.sources[i].seq_max - r.sources[i].seq_base + 1)
    return expected


cdef uint64_t receiver_lost(const Receiver *r) noexcept nogil:
    """Of these, the packets that never arrived."""
    cdef uint64_t unique = r.unique_past
    cdef int i
    for i in range(SOURCES_MAX):
        if r.sources[i].used:
            unique += r.sources[i].unique
    return receiver_expected(r) - unique


cdef double receiver_jitter_ms(const Receiver *r) noexcept nogil:
    """Of the source heard last."""
    return <double> r.sources[r.source_last].jitter_x16 / 16.0 / 8.0
