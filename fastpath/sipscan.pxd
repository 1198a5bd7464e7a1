"""One scanned SIP datagram as an object: spans into it, values taken out on demand."""

from fastpath.siphead cimport Scan


cdef class Message:
    cdef readonly bytes data  # unfolded: same length as received, each fold blanked
    cdef Scan s


cpdef Message scan(bytes data)
