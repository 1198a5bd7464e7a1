"""The user agent, compiled: the types of `endpoint.py`."""

cimport cython

from fastpath.sipscan cimport Message, scan
from sip.calls.incoming cimport Incoming
from sip.calls.leg cimport Leg
from sip.calls.objections cimport objection
from sip.calls.outgoing cimport Outgoing
from sip.transactions.server_invite cimport ServerInvite
from sip.transactions.table cimport Transactions


cdef class Endpoint:
    cdef public Transactions layer
    cdef public long long _legs_max
    cdef public long long session_s
    cdef public long long min_se_s
    cdef public dict _legs
    cdef public dict _tags
    cdef public object accounts
    cdef public object door
    cdef public object referrals
    cdef public long long _incoming

    @cython.locals(leg=Outgoing)
    cpdef object invite(self, object request, long long now_ns)

    cpdef list drain(self)
    cpdef object remove(self, Leg leg)

    @cython.locals(layer=Transactions, message=Message)
    cpdef object receive(self, bytes data, tuple source, long long now_ns)

    @cython.locals(layer=Transactions, key=bytes)
    cpdef object _request(self, Message message, str method, tuple source, long long now_ns)

    @cython.locals(leg=Leg)
    cpdef object _inside(
        self, Message message, str method, bytes key, tuple source, long long now_ns)
    cpdef bint _ignores(self, tuple source, Message message=*) except -1

    @cython.locals(layer=Transactions, code=cython.int)
    cpdef object _outside(
        self, Message message, str method, bytes key, tuple source, long long now_ns)

    @cython.locals(code=cython.int, tag=bytes, tx=ServerInvite, leg=Incoming)
    cpdef object _ring_in(
        self, Message message, bytes key, tuple source, long long now_ns, str user)
