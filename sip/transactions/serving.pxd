"""The server half of the transaction layer, compiled: the types of `serving.py`."""

cimport cython

from fastpath.sipscan cimport Message
from fastpath.wheel cimport Wheel
from sip.messages.message cimport reply_target, response
from sip.transactions.server_invite cimport ServerInvite
from sip.transactions.server_other cimport ServerOther

cdef int TOKEN_DIGITS
cdef int POOL_DIGITS
cdef long long T1
cdef long long T2
cdef long long TIMEOUT
cdef long long TIMER_I


cdef class Serving:
    cdef public tuple identities
    cdef public object reach
    cdef public object rng
    cdef public Wheel timers
    cdef public list out
    cdef public dict count
    cdef public dict server_invites
    cdef public dict server_others
    cdef public dict merges
    cdef public bytes _secret
    cdef public bytes _digits
    cdef public int _spent

    cpdef tuple reply_target(self, Message message, tuple source)
    cpdef long long linger(self, tuple target, long long ns) except -1
    cpdef long long first(self, tuple target) except -1

    @cython.locals(at=cython.int)
    cpdef bytes token(self)
    cpdef bytes branch(self)
    cpdef object send(self, bytes data, tuple target)
    cpdef object resend(self, bytes data, tuple target)
    cpdef bint full(self) except -1

    @cython.locals(tx=ServerInvite, other=ServerOther)
    cpdef bint repeated(self, str method, bytes key, long long now_ns) except -1

    @cython.locals(tx=ServerInvite)
    cpdef ServerInvite serve_invite(self, Message message, bytes key, bytes tag, tuple source)

    @cython.locals(event=cython.int, actions=cython.int)
    cpdef object respond(
        self, ServerInvite tx, int code, long long now_ns, bytes extra=*, bytes sdp=*,
        str phrase=*)

    @cython.locals(actions=cython.int)
    cpdef object served_tick(self, ServerInvite tx, long long now_ns)

    @cython.locals(tx=ServerOther)
    cpdef object answer(
        self, Message message, bytes key, tuple source, int code, long long now_ns,
        bytes extra=*, bytes to=*, bytes sdp=*)

    @cython.locals(tx=ServerOther)
    cpdef ServerOther hold(self, Message message, bytes key, tuple source)
    cpdef object settle(
        self, ServerOther tx, Message message, tuple source, int code, long long now_ns,
        bytes extra=*)
    cpdef object _answered(self, ServerOther tx, long long now_ns)
    cpdef object served_other_tick(self, ServerOther tx)
    cpdef object refuse(
        self, Message message, tuple source, int code, bytes extra=*, str phrase=*)
    cpdef bytes _reply(
        self, Message message, tuple source, int code, bytes extra=*, str phrase=*, bytes to=*,
        bytes sdp=*)
