"""The jitter buffer of one stream whose audio is decoded: packets in, 20 ms of samples out.

Pure: time is an argument. Positions are samples of the peer's timestamps, unwrapped; `now` is our
clock in samples. Nothing here allocates.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_conceal cimport Conceal
from fastpath.rtp_lateness cimport Lateness
from fastpath.rtp_limits cimport JITTER_SAMPLES, JITTER_WORDS

cdef enum Put:
    PUT_KEPT
    PUT_LATE  # its time is over
    PUT_DOUBLE  # of a time that was heard already
    PUT_STRANGE  # its timestamp jumped; the next one will be believed

cdef enum Took:
    TOOK_SILENCE  # nothing to be heard
    TOOK_VOICE
    TOOK_CONCEALED  # all of it, or a part

cdef struct Jitter:
    # the peer's timestamps as positions
    uint8_t known  # a packet came
    uint8_t rolling  # audio is played; else it waits until there is enough
    uint8_t quiet  # the peer said that it says nothing (RFC 3389)
    uint32_t ssrc
    uint32_t timestamp  # of the last packet placed
    int64_t position  # and where that is
    uint16_t grain  # samples of the last packet
    uint16_t unit  # the greatest part of a frame that it is a multiple of
    # timestamps that jumped
    uint8_t strange
    uint32_t strange_timestamp
    uint8_t far
    int64_t far_since
    uint8_t belated  # nothing but late packets
    int64_t belated_since
    # what waits
    int64_t play  # the next sample to be said
    int64_t end  # behind the newest one
    Lateness lateness
    uint16_t rest  # frames until audio may be squeezed again
    # counts, in packets
    uint64_t packets
    uint64_t late
    uint64_t doubles
    uint64_t jumps
    # and in samples
    uint64_t played
    uint64_t concealed
    uint64_t skipped
    uint64_t stretched
    Conceal conceal
    uint64_t filled[JITTER_WORDS]
    int16_t samples[JITTER_SAMPLES]

cdef void jitter_init(Jitter *j) noexcept nogil
cdef int jitter_put(
    Jitter *j,
    int law,
    uint32_t ssrc,
    uint32_t timestamp,
    int marker,
    const uint8_t *audio,
    int size,
    int64_t now_ns,
) noexcept nogil
cdef int jitter_take(Jitter *j, int64_t now_ns, int16_t *frame) noexcept nogil


cdef class RtpJitter:
    cdef Jitter state
