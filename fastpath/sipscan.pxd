"""One scanned SIP datagram as an object: spans into it, values taken out on demand."""

from fastpath.sipgrammar cimport Span
from fastpath.siphead cimport Scan


cdef class Message:
    cdef readonly bytes data  # unfolded: same length as received, each fold blanked
    cdef Scan s
    cdef bytes take(self, Span span)
    cdef list addresses(self, int kind)


cpdef Message scan(bytes data)
