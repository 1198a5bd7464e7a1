"""One scanned SIP datagram as an object: spans into it, values taken out on demand."""

from fastpath.siphead cimport Scan


cdef class Message:
    cdef readonly bytes data  # unfolded: same length as received, each fold blanked
    # What every message is asked for is filled in at once: compiled code reads it without a call.
    cdef readonly str method
    cdef readonly bint is_request
    cdef readonly int status
    cdef readonly int vias
    cdef readonly int contacts
    cdef readonly long long cseq
    cdef readonly bint rport
    cdef readonly bint demands
    cdef readonly bint timed
    cdef readonly bint replaces
    cdef readonly bint reasoned
    cdef readonly int fault  # status of `problem`
    cdef Scan s

    cpdef bytes reply_head(self, bytes host, unsigned int port)


cpdef Message scan(bytes data)
