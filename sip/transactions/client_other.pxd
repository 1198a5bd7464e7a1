"""The non-INVITE client transaction, compiled: the types of `client_other.py`."""

from fastpath.wheel cimport Timer


cdef tuple ROWS


cdef class ClientOther(Timer):
    cdef public object layer
    cdef public object user
    cdef public tuple key
    cdef public bytes request
    cdef public tuple target
    cdef public int state
    cdef public long long interval_ns
    cdef public long long give_up_ns

    cpdef int step(self, int event) except -1
    cpdef int timer(self, long long now_ns) except -1
    cpdef object tick(self, long long now_ns)
