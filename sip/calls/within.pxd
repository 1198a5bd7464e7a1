"""A request of ours inside a dialog, compiled: the types of `within.py`."""

cimport cython

from fastpath.sipscan cimport Message
from sip.transactions.client_other cimport ClientOther
from sip.calls.dialog cimport Dialog
from sip.transactions.table cimport Transactions


cdef class Within:
    cdef public object leg
    cdef public Dialog dialog
    cdef public str method
    cdef public object then
    cdef public bytes lines
    cdef public bytes body
    cdef public bytes kind
    cdef public bint fatal
    cdef public ClientOther tx

    cpdef object send(self, long long now_ns)

    @cython.locals(layer=Transactions, branch=bytes)
    cpdef object _send(self, bytes credentials, long long now_ns)

    @cython.locals(status=cython.int)
    cpdef object on_other_response(self, ClientOther tx, Message message, long long now_ns)
    cpdef object on_other_failure(self, ClientOther tx, long long now_ns)
    cpdef object _finish(self, int code, Message message, long long now_ns)
