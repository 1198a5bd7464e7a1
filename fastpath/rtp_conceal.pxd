"""Concealment of lost audio in one stream, 8 kHz: the last pitch periods said again, fading.

Pure. The method is that of G.711 Appendix I, without its delay.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint16_t

from fastpath.rtp_limits cimport CONCEAL_HISTORY

cdef struct Conceal:
    int16_t history[CONCEAL_HISTORY]  # what was said last, the newest at the end
    int16_t source[CONCEAL_HISTORY]  # the history when this gap began
    uint16_t gap  # samples concealed so far without a pause; 0: the audio is there
    int32_t step  # from a period before the gap to what was said last
    uint16_t pitch  # of the source
    uint16_t periods  # of the source that are said again, 1 to 3
    uint16_t at  # the next sample of them
    uint16_t fading  # samples left of the change to one more period

cdef void conceal_init(Conceal *c) noexcept nogil
cdef void conceal_recall(
    Conceal *c, const int16_t *samples, int stride, int64_t count
) noexcept nogil
cdef void conceal_heard(Conceal *c, int16_t *samples, int count) noexcept nogil
cdef void conceal_lost(Conceal *c, int16_t *samples, int count) noexcept nogil
cdef void conceal_silent(Conceal *c, int16_t *samples, int count) noexcept nogil
cdef void conceal_cut(Conceal *c) noexcept nogil
cdef int conceal_lag(const int16_t *x, const int16_t *later, int window) noexcept nogil


cdef class RtpConceal:
    cdef Conceal state

    cdef int room(self, Py_ssize_t count) except -1
