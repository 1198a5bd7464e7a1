"""A leg that we call, compiled: the types of `outgoing.py`."""

cimport cython

from fastpath.sipscan cimport Message
from sip.transactions.client_invite cimport ClientInvite
from sip.calls.dialog cimport Dialog
from sip.calls.inviting cimport Inviting
from sip.messages.message cimport sdp_of
from sip.calls.plan cimport Plan
from sip.transactions.table cimport Transactions
from sip.calls.within cimport Within

cdef int CALLING, EARLY, ABANDONED, CANCELLING, OFFERED, UP, CLOSING, ENDED
cdef int PROGRESS, ANSWER, OFFER, ACKNOWLEDGE, EXPIRE, REFUSE, CHALLENGE, MOVE, SILENCE, RELEASE
cdef int BYE, CLOSED
cdef int TELL, OPEN, AGAIN, CANCEL, HANG_UP, END, REJECT, FORGET
cdef tuple ROWS


cdef class Outgoing(Inviting):
    cdef public dict acks
    cdef public bint alerted

    cpdef Dialog dialog_with(self, bytes tag)
    cpdef int _step(self, int event) except -1
    cpdef object _do(self, int actions, long long now_ns)

    @cython.locals(status=cython.int)
    cpdef object on_invite_response(
        self, ClientInvite tx, Message message, tuple source, long long now_ns)

    @cython.locals(first=cython.bint, actions=cython.int, body=bytes)
    cpdef object _progress(
        self, ClientInvite tx, Message message, int status, tuple source, long long now_ns)

    @cython.locals(
        tag=bytes, sent=tuple, late=cython.bint, dialog=Dialog, lost=str, unusable=cython.bint,
        body=bytes, actions=cython.int)
    cpdef object _answer(self, ClientInvite tx, Message message, tuple source, long long now_ns)
    cpdef bint _waits(self, bytes body, bytes tag) except -1
    cpdef object _take(self, Dialog dialog, Message message, long long now_ns)

    @cython.locals(layer=Transactions, ack=bytes)
    cpdef object _acknowledge(self, Dialog dialog, long long cseq, bytes answer)

    @cython.locals(actions=cython.int)
    cpdef object _refusal(self, Message message, int status, long long now_ns)
    cpdef bint _moved(self, int code, long long now_ns) except -1
    cpdef object on_invite_failure(self, ClientInvite tx, str phrase, long long now_ns)
    cpdef object on_bye(self, int q850, long long now_ns)
    cpdef object on_bye_done(self)
    cpdef object tick(self, long long now_ns)
