"""Prompts: audio encoded once and shared by all calls that play it."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from fastpath.rtp_limits cimport CHAIN_MAX, PROMPTS_MAX

cdef enum:
    SILENCE_PCMU = 0xFF
    SILENCE_PCMA = 0xD5

cdef struct Prompt:  # encoded once, shared by all calls
    int64_t id  # 0: free
    uint8_t *pcmu  # frames * FRAME_BYTES
    uint8_t *pcma
    uint32_t frames
    int32_t users  # streams that play it (atomic)
    uint8_t dead  # removed: freed when nobody plays it

cdef struct Chain:  # prompts that follow one another without a gap
    int count
    Prompt *link[CHAIN_MAX]

cdef int prompt_fill(Prompt *p, const uint8_t[::1] pcmu, const uint8_t[::1] pcma) except -1
cdef void prompt_free(Prompt *p) noexcept nogil


cdef class Prompts:
    cdef Prompt entries[PROMPTS_MAX]
    cdef dict index  # prompt id -> entry
    cdef int64_t added
    cdef Chain named  # by the last `chain`

    cdef int64_t add(self, const uint8_t[::1] pcmu, const uint8_t[::1] pcma) except -1
    cdef int remove(self, int64_t prompt) except -1
    cdef Prompt *find(self, int64_t prompt) except NULL
    cdef const Chain *chain(self, object prompts) except NULL
    cdef void sweep(self) noexcept
