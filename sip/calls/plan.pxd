"""What our INVITE says, compiled: the types of `plan.py`."""

from fastpath.sipwrite cimport request, uri_text

cdef bytes _USUAL
cdef dict _KNOWN


cdef class Plan:
    cdef public object been
    cdef public bytes credentials
    cdef public bytes lines
    cdef public long long min_se_s
    cdef public bytes ours
    cdef public object places
    cdef public int raised
    cdef public int redirects
    cdef public str rel100
    cdef public long long session_s
    cdef public tuple targets
    cdef public bytes to
    cdef public bytes uri
    cdef public tuple where
    cdef public str contact_user
    cdef public long long silence_ns
    cdef public bint large
    cdef public bint journaled
    cdef public object routes
    cdef public object said
    cdef public object by_udp

    cpdef bytes build(
        self, object identity, bytes branch, bytes call_id, long long cseq, bytes sdp)
    cpdef bint move(self) except -1
