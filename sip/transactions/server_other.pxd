"""The non-INVITE server transaction, compiled: the types of `server_other.py`."""

from fastpath.wheel cimport Timer


cdef tuple ROWS


cdef class ServerOther(Timer):
    cdef public object layer
    cdef public tuple key
    cdef public bytes response
    cdef public tuple target
    cdef public int state

    cpdef int step(self, int event) except -1
    cpdef object tick(self, long long now_ns)
