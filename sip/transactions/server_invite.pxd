"""The INVITE server transaction and the repeated 2xx, compiled: the types of `server_invite.py`."""

from fastpath.wheel cimport Timer


cdef tuple ROWS


cdef class ServerInvite(Timer):
    cdef public object layer
    cdef public object user
    cdef public bytes key
    cdef public tuple merge
    cdef public bytes head
    cdef public bytes to
    cdef public bytes response
    cdef public tuple target
    cdef public int state
    cdef public long long interval_ns
    cdef public long long give_up_ns

    cpdef int step(self, int event) except -1
    cpdef int timer(self, long long now_ns) except -1
    cpdef object tick(self, long long now_ns)


cdef class Answer(Timer):
    cdef public object layer
    cdef public object user
    cdef public long long cseq
    cdef public bytes response
    cdef public tuple target
    cdef public long long interval_ns
    cdef public long long give_up_ns

    cpdef object acked(self)
    cpdef object tick(self, long long now_ns)
