"""What the two kinds of legs share, compiled: the types of `leg.py`.

A new attribute is one line here and one in `__slots__`.
"""

cimport cython

from fastpath.sipscan cimport Message
from fastpath.wheel cimport Timer
from sip.calls.dialog cimport Dialog
from sip.messages.message cimport sdp_of
from sip.messages.options cimport unsupported
from sip.transactions.server_invite cimport Answer
from sip.transactions.table cimport Transactions
from sip.calls.within cimport Within


cdef class Leg(Timer):
    cdef public object endpoint
    cdef public Transactions layer
    cdef public long long number
    cdef public bytes call_id
    cdef public bytes tag
    cdef public Dialog dialog
    cdef public Answer answer
    cdef public long long offer_cseq
    cdef public object digest
    cdef public bytes sdp
    cdef public bint offers
    cdef public object negotiation
    cdef public object reliable
    cdef public object modifier
    cdef public object session
    cdef public object digits
    cdef public bint peer_updates
    cdef public int state
    cdef public int code
    cdef public str phrase
    cdef public int q850
    cdef public str by
    cdef public bint answered
    cdef public bint over
    cdef public long long retry_after_s
    cdef public object contacts
    cdef public object reasons
    cdef public object referral
    cdef public object said

    cpdef Dialog dialog_with(self, bytes tag)
    cpdef object on_bye(self, int q850, long long now_ns)
    cpdef object on_bye_done(self)
    cpdef object end(self)
    cpdef object hang_up(self, long long now_ns)
    cpdef object on_done(self, Within asked, int code, Message message, long long now_ns)
    cpdef bytes foresee(self, str method, bytes uri)

    @cython.locals(dialog=Dialog)
    cpdef object on_request(
        self, Message message, str method, bytes key, tuple source, long long now_ns)

    @cython.locals(answer=Answer)
    cpdef bint acknowledged(self, Message message) except -1
    cpdef object on_ack(self, Message message, long long now_ns)
    cpdef object on_no_ack(self, Answer answer, long long now_ns)


cpdef object _bye(Leg leg, Message message, bytes key, tuple source, long long now_ns)
