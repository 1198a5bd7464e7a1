"""The transaction layer, compiled: the types of `table.py`."""

cimport cython

from fastpath.sipscan cimport Message
from sip.transactions.client_invite cimport ClientInvite
from sip.transactions.client_other cimport ClientOther
from sip.messages.message cimport acknowledge, cancel
from sip.transactions.serving cimport Serving

cdef long long RINGING_MAX
cdef long long T1
cdef long long T2
cdef long long TIMEOUT
cdef long long TIMER_D
cdef long long TIMER_K


cdef class Transactions(Serving):
    cdef public dict client_invites
    cdef public dict client_others

    @cython.locals(tx=ClientInvite)
    cpdef ClientInvite invite(
        self, object user, bytes branch, bytes request, tuple target, long long now_ns)
    cpdef object cancel(self, ClientInvite tx, bytes extra, long long now_ns)

    @cython.locals(tx=ClientOther)
    cpdef ClientOther request(
        self, object user, tuple key, bytes request, tuple target, long long now_ns)
    cpdef object forget(self, ClientInvite tx)
    cpdef bint asked(self, Message message) except -1

    @cython.locals(tx=ClientInvite, other=ClientOther, method=str)
    cpdef object receive_response(self, Message message, tuple source, long long now_ns)

    @cython.locals(status=cython.int, actions=cython.int)
    cpdef object _invite_response(
        self, ClientInvite tx, Message message, tuple source, long long now_ns)

    @cython.locals(actions=cython.int)
    cpdef object invite_tick(self, ClientInvite tx, long long now_ns)

    @cython.locals(actions=cython.int)
    cpdef object _other_response(self, ClientOther tx, Message message, long long now_ns)

    @cython.locals(actions=cython.int)
    cpdef object other_tick(self, ClientOther tx, long long now_ns)

    @cython.locals(tx=ClientInvite, other=ClientOther)
    cpdef object unreachable(self, tuple target, long long now_ns, str why=*)
