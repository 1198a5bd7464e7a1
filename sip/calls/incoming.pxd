"""A leg that calls us, compiled: the types of `incoming.py`."""

cimport cython

from fastpath.sipscan cimport Message
from sip.calls.dialog cimport Dialog
from sip.calls.leg cimport Leg
from sip.messages.message cimport sdp_of
from sip.transactions.server_invite cimport Answer, ServerInvite

cdef int RINGING, HELD, ANSWERED, LEAVING, UP, CLOSING, ENDED
cdef int ACCEPT, REJECT, CANCEL, ACK, NO_ACK, RELEASE, BYE, CLOSED, EXPIRE, HOLD, PRACK, NO_PRACK
cdef int TELL, HANG_UP, END, REFUSE, OK
cdef tuple ROWS


cdef class Incoming(Leg):
    cdef public long long give_up_ns
    cdef public bytes lines
    cdef public bint offered
    cdef public int rel100
    cdef public object replaced
    cdef public ServerInvite tx
    cdef public Message wish

    cpdef object begin(self, Message message, tuple source, long long now_ns, str user=*)
    cpdef Dialog dialog_with(self, bytes tag)
    cpdef int _step(self, int event) except -1
    cpdef object _do(self, int actions, long long now_ns)
    cpdef object accept(self, bytes sdp, long long now_ns)

    @cython.locals(lines=bytes)
    cpdef object _ok(self, long long now_ns)
    cpdef object on_cancel(self, int q850, long long now_ns)

    @cython.locals(actions=cython.int)
    cpdef object on_ack(self, Message message, long long now_ns)
    cpdef object on_no_ack(self, Answer answer, long long now_ns)

    @cython.locals(actions=cython.int)
    cpdef object on_bye(self, int q850, long long now_ns)
    cpdef object on_bye_done(self)
    cpdef object tick(self, long long now_ns)
