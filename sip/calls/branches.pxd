"""The branches of one INVITE of ours, compiled: the types of `branches.py`."""

cimport cython

from fastpath.sipscan cimport Message
from sip.calls.dialog cimport Dialog
from sip.messages.message cimport sdp_of
from sip.calls.plan cimport Plan


cdef class Branches:
    cdef public object leg
    cdef public dict dialogs
    cdef public dict heard
    cdef public list owed
    cdef public bytes sdp
    cdef public bytes tag

    @cython.locals(dialog=Dialog, body=bytes)
    cpdef bint progress(self, Message message, tuple source, long long now_ns) except -1

    @cython.locals(dialog=Dialog, plan=Plan, tag=bytes)
    cpdef Dialog _early(self, Message message, tuple source)

    @cython.locals(dialog=Dialog, plan=Plan, tag=bytes)
    cpdef tuple confirm(self, Message message, tuple source)
    cpdef bint settled(self, bytes tag) except -1

    @cython.locals(tag=bytes)
    cpdef bytes described(self, Message message)
