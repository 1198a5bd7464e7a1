"""The INVITE of a leg that we call, compiled: the types of `inviting.py`."""

cimport cython

from sip.calls.branches cimport Branches
from sip.calls.leg cimport Leg
from sip.calls.plan cimport Plan
from sip.transactions.client_invite cimport ClientInvite
from sip.transactions.table cimport Transactions


cdef class Inviting(Leg):
    cdef public Branches branches
    cdef public long long cseq
    cdef public bint delayed
    cdef public tuple held
    cdef public Plan plan
    cdef public ClientInvite tx

    @cython.locals(layer=Transactions, plan=Plan, branch=bytes, data=bytes, sdp=bytes)
    cpdef object call(self, long long now_ns)

    @cython.locals(layer=Transactions, plan=Plan, tx=ClientInvite)
    cpdef object leave(self, bytes branch, bytes data, long long now_ns)
    cpdef object again(self, long long now_ns)
