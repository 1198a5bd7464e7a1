"""Keys in the audio itself (ITU-T Q.23, Q.24): heard in blocks of 102 samples.

Pure: no clock, no allocation; a position is a count of samples.
"""

from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint32_t

cdef enum:
    DTMF_BLOCK = 102  # samples, 12.75 ms: the eight tones fall near the middle of its bins
    DTMF_TONES = 8
    DTMF_OUT_MAX = 2  # of 160 samples: no more than two blocks end there
    DTMF_GAP_MAX = 480  # samples lost after which nothing is known of a key any more

cdef struct DtmfOut:
    uint8_t code  # as in DIGITS: 0-9 * # A-D
    int64_t position  # about where the tone began, in samples since dtmf_init

cdef struct Dtmf:
    int64_t heard  # samples
    int64_t lost  # in a row, and nothing since
    int16_t audio[DTMF_BLOCK]  # the block being filled
    int8_t soft[DTMF_BLOCK]  # the block before, in eight bits
    uint8_t shift  # its samples are so many bits larger
    uint8_t count
    uint8_t known  # whether `before` is
    int8_t hit_before  # the key of the block before; -1: none, or there was no block
    # the key that may be one
    int8_t candidate
    uint8_t sure  # two blocks of it held next to nothing else
    int8_t down  # the key that was told and is still down
    int hits
    float before[2 * DTMF_TONES]  # of the block before: cosines, then sines
    float covered  # blocks of tone, parts counted
    int64_t began
    # of the key that is down
    float absent  # blocks without it
    float level[2]  # of its row and column
    int64_t pressed  # where it began
    uint32_t ups  # keys that were told and went up; of the last of them, once there is one:
    int64_t until  # where it went up: about the last sample of it
    DtmfOut up
    # to be taken: set digits to 0
    int digits
    DtmfOut digit[DTMF_OUT_MAX]

cdef void dtmf_init(Dtmf *d) noexcept nogil
cdef void dtmf_hear(Dtmf *d, const int16_t *samples, int count) noexcept nogil
cdef void dtmf_gap(Dtmf *d, int64_t count) noexcept nogil


cdef class DtmfDetector:
    cdef Dtmf state
    cdef readonly list ends
