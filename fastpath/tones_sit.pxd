"""Special information tones: three bursts, and what they say."""

from fastpath.tones_burst cimport Burst

cdef int sit_of(const Burst *three, float *confidence) noexcept nogil
