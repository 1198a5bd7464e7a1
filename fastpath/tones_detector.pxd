"""The tones of a call as Python sees them: `tones` is the machine."""

from fastpath.tones cimport Tones
from fastpath.tones_book cimport ToneBook


cdef class ToneDetector:
    cdef Tones state
    cdef ToneBook book
    cdef list take(self, list found)
