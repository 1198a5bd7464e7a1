# cython: auto_pickle=False, autotestdict=False
"""The counts of the engine and of its streams, made into Python objects."""

from collections import namedtuple

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from fastpath.atomics cimport get64
from fastpath.rtp_bins cimport bin_edge_us
from fastpath.rtp_host cimport host_text
from fastpath.rtp_limits cimport HISTOGRAM_BINS
from fastpath.rtp_quality cimport quality_delay_ms, quality_mos
from fastpath.rtp_record cimport RecordRing, record_of
from fastpath.rtp_sources cimport (
    receiver_expected,
    receiver_jitter_ms,
    receiver_lost,
    receiver_settle,
)

StreamStats = namedtuple(
    "StreamStats",
    "sent received lost reordered duplicates stale jitter_ms foreign malformed other_payload rtcp"
    " early late send_errors receive_errors digits_heard digits_sent record_dropped source_changes"
    " heard_ns peer locked paused srtp_failed srtp_replayed expected loss_runs loss_run_max mos"
    " flooded rtcp_sent rtcp_received rtcp_dropped rtt_ms peer_lost peer_jitter_ms peer_mos"
    " peer_bye",
)


SUMS = (
    "ticks",
    "ticks_skipped",
    "frames",
    "frames_late",
    "deferred",
    "budget_spent",
    "events_dropped",
)

# Upper edges of bins of the histogram: 32 us to 0.4 s, two for each doubling.
LATE_EDGES_US = tuple(edge << e for e in range(14) for edge in (32, 48))


cdef double percentile(const uint64_t *bins, double part) noexcept:
    """The upper edge, in us, of the bin up to which `part` of all frames lie; 0 without frames."""
    cdef uint64_t total = 0, seen = 0
    cdef int i
    for i in range(HISTOGRAM_BINS):
        total += bins[i]
    for i in range(HISTOGRAM_BINS):
        seen += bins[i]
        if total and seen >= part * total:
            return bin_edge_us(i)
    return 0.0


cdef dict lateness_bins(const uint64_t *bins):
    """How many frames were at most so many us late, for two edges in each doubling.

    Counts since the start, so that two looks tell of the time between them.
    """
    cdef uint64_t seen = 0
    cdef int i, at = 0
    cdef dict out = {}
    for i in range(HISTOGRAM_BINS):
        seen += bins[i]
        if at < len(LATE_EDGES_US) and bin_edge_us(i) >= LATE_EDGES_US[at]:
            out[f"late_le_{LATE_EDGES_US[at]}_us"] = seen
            at += 1
    return out


cdef Counts counts_of(const Stream *s) noexcept:
    cdef Counts c
    cdef const RecordRing *ring = record_of(s)
    c.receiver = s.receiver
    c.rtcp = s.rtcp
    c.flooded = s.flooded
    c.seq_first = s.sender.seq_first
    c.sent = s.sent
    c.early = s.early
    c.late = s.late
    c.send_errors = s.send_errors
    c.receive_errors = s.receive_errors
    c.digits_sent = s.sender.digits_sent
    c.paused = s.sender.paused
    c.srtp_failed = s.srtp.opener.failed if s.srtp != NULL else 0
    c.srtp_replayed = s.srtp.opener.replayed if s.srtp != NULL else 0
    c.record_dropped = ring.dropped if ring != NULL else 0
    return c


cdef double heard_mos(const Receiver *r, double rtt_ms) noexcept:
    """Of what we hear; 0 when that was nothing."""
    cdef uint64_t expected = receiver_expected(r), lost = receiver_lost(r)
    cdef double runs = r.loss_runs if r.loss_runs else 1.0
    cdef double delay_ms = quality_delay_ms(rtt_ms, receiver_jitter_ms(r))
    if expected == 0:
        return 0.0
    return quality_mos(lost / <double> expected, lost / runs, delay_ms)


cdef double told_mos(const Counts *c, double rtt_ms, double jitter_ms) noexcept:
    """Of what they hear, by their last report; 0 when there was none. How losses lay is not told.
    """
    cdef const Rtcp *t = &c.rtcp
    cdef uint32_t expected = t.highest - c.seq_first + 1
    cdef double delay_ms = quality_delay_ms(rtt_ms, jitter_ms)
    if t.reports == 0 or expected == 0:
        return 0.0
    return quality_mos(t.lost / <double> expected, 1.0, delay_ms)


cdef object stats_of(Counts *c):
    cdef Receiver *r = &c.receiver
    cdef const Rtcp *t = &c.rtcp
    cdef double rtt_ms = max(t.rtt_ns, 0) / 1e6, theirs_ms = t.jitter / 8.0
    receiver_settle(r)
    return StreamStats(
        c.sent,
        r.received,
        receiver_lost(r),
        r.reordered,
        r.duplicates,
        r.stale,
        receiver_jitter_ms(r),
        r.foreign,
        r.malformed,
        r.other_payload,
        r.rtcp,
        c.early,
        c.late,
        c.send_errors,
        c.receive_errors,
        r.digits_heard,
        c.digits_sent,
        c.record_dropped,
        r.source_changes,
        r.heard_ns,
        (host_text(r.latch.address), r.latch.port),
        bool(r.latch.locked),
        bool(c.paused),
        c.srtp_failed,
        c.srtp_replayed,
        receiver_expected(r),
        r.loss_runs,
        r.loss_run_max,
        heard_mos(r, rtt_ms),
        c.flooded,
        t.sent,
        t.received,
        t.malformed + t.foreign,
        rtt_ms if t.rtt_ns >= 0 else None,
        t.lost if t.reports else None,
        theirs_ms if t.reports else None,
        told_mos(c, rtt_ms, theirs_ms),
        bool(t.theirs_bye),
    )


cdef dict engine_counters(const Worker *workers, int count):
    """Sums over the threads; the load is the busiest one's."""
    cdef uint64_t bins[HISTOGRAM_BINS]
    cdef const Worker *w
    cdef int64_t late_ns_max = 0
    cdef uint64_t load_ppm = 0
    cdef int i, j
    cdef dict out = dict.fromkeys(SUMS, 0)
    memset(&bins[0], 0, sizeof(bins))
    for i in range(count):
        w = &workers[i]
        out["ticks"] += w.ticks
        out["ticks_skipped"] += w.ticks_skipped
        out["frames"] += w.frames
        out["frames_late"] += w.frames_late
        out["deferred"] += w.deferred
        out["budget_spent"] += w.budget_spent
        out["events_dropped"] += w.ring.dropped
        load_ppm = max(load_ppm, get64(&w.load_ppm))
        late_ns_max = max(late_ns_max, w.late_ns_max)
        for j in range(HISTOGRAM_BINS):
            bins[j] += w.lateness[j]
    return out | lateness_bins(bins) | {
        "load": load_ppm / 1e6,
        "lateness_us_p50": percentile(bins, 0.5),
        "lateness_us_p99": percentile(bins, 0.99),
        "lateness_us_p999": percentile(bins, 0.999),
        "lateness_us_max": late_ns_max / 1000,
    }
