"""What one side of one call says, as Python sees it; `progress_ears` is the machine."""

from fastpath.prints_bank cimport PrintBank
from fastpath.progress_ears cimport Asked, Ears, Progress, Sound
from fastpath.tones_book cimport ToneBook


cdef class Attention:
    cdef Asked asked
    cdef readonly object model
    cdef readonly ToneBook book
    cdef readonly PrintBank bank
    cdef readonly tuple labels
    cdef const Asked *wanted(self) noexcept


cdef class CallProgress:
    cdef Progress state
    cdef Ears ears
    cdef readonly Attention attention
    cdef object found
    cdef object found_first
    cdef list taken(self)
    cdef int first(self, const Sound *s)
    cdef list missing(self, int samples, bint lost)
