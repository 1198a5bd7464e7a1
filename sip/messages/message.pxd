"""Messages written, compiled: the types of `message.py`."""

from fastpath.sipscan cimport Message
from fastpath.sipwrite cimport response as write_response

cdef bytes _EMPTY
cdef dict _WORDS


cpdef bytes response(int code, bytes head, bytes to, bytes extra=*, bytes sdp=*, str phrase=*)
cpdef tuple reply_target(Message message, tuple source, bint reliable)
cpdef bytes acknowledge(bytes invite, bytes to)
cpdef bytes cancel(bytes invite, bytes extra)
cpdef bytes sdp_of(Message message)
