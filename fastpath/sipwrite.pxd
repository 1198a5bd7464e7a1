"""SIP messages written in one piece of memory, and what may stand in them."""


ctypedef const char* Part

cdef enum:
    PIECES = 32  # of one message


cdef struct Pieces:
    int n
    Py_ssize_t size
    Part[PIECES] at
    Py_ssize_t[PIECES] length
    char[48] digits  # of the two numbers of a message
    int used  # of them


cpdef bytes request(
    bytes method, bytes uri, bytes via, bytes branch, bytes sender, bytes to, bytes call_id,
    long long cseq, bytes extra, bytes body=*, bytes kind=*, bytes routes=*)
cpdef bytes response(
    int code, bytes phrase, bytes head, bytes to, bytes extra=*, bytes body=*, bytes kind=*)
cpdef bytes line_text(str value, Py_ssize_t most)
cpdef bytes call_id_text(str value, Py_ssize_t most)
cpdef bytes uri_text(str value, Py_ssize_t most)
