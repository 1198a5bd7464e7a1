"""A dialog, compiled: the types of `dialog.py`."""

from fastpath.sipwrite cimport request


cdef class Dialog:
    cdef public bytes call_id
    cdef public bytes ours
    cdef public bytes theirs
    cdef public bytes remote_tag
    cdef public long long cseq
    cdef public long long remote_cseq
    cdef public bytes target
    cdef public list routes
    cdef public bytes route_lines
    cdef public tuple next_hop
    cdef public object reach

    cpdef long long next_cseq(self) except -1
    cpdef bytes build(
        self, tuple identities, bytes method, bytes branch, long long cseq, bytes extra=*,
        bytes body=*, bytes kind=*)
