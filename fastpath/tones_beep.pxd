"""What a single burst of tone can be."""

from fastpath.tones_book cimport ToneRule
from fastpath.tones_burst cimport Burst

cdef int is_beep(const Burst *b) noexcept nogil
cdef int is_answered(const Burst *b) noexcept nogil
cdef int is_lasting(const ToneRule *r, const Burst *b) noexcept nogil
cdef int turns_often(const Burst *b) noexcept nogil
cdef int repeats(const Burst *burst, int count) noexcept nogil
