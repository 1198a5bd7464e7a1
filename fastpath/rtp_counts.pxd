"""The counts of the engine and of its streams, made into Python objects."""

from libc.stdint cimport uint8_t, uint16_t, uint64_t

from fastpath.rtcp cimport Rtcp
from fastpath.rtp_loop cimport Stream, Worker
from fastpath.rtp_receive cimport Receiver

cdef struct Counts:  # of a stream: copied while it is held, because no object is made then
    Receiver receiver
    uint64_t sent, early, late, send_errors, receive_errors, digits_sent, record_dropped
    uint64_t srtp_failed, srtp_replayed
    Rtcp rtcp
    uint64_t flooded
    uint16_t seq_first
    uint8_t paused

cdef Counts counts_of(const Stream *s) noexcept
cdef object stats_of(Counts *c)
cdef dict engine_counters(const Worker *workers, int count)
