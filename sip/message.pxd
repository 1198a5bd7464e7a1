"""Messages written, compiled: the types of `message.py`."""

from fastpath.sipscan cimport Message

cdef bytes _SDP
cdef bytes _END
cdef bytes _EMPTY


cpdef bytes request(
    bytes method, bytes uri, bytes via, bytes branch, bytes sender, bytes to, bytes call_id,
    long long cseq, bytes extra, bytes body=*, bytes kind=*, bytes routes=*)
cpdef bytes response(
    int code, bytes head, bytes to, bytes extra=*, bytes sdp=*, str phrase=*)
cpdef bytes acknowledge(bytes invite, bytes to)
cpdef bytes cancel(bytes invite, bytes extra)
cpdef bytes sdp_of(Message message)
