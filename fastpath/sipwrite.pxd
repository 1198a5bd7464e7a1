"""SIP messages written in one piece of memory, and what may stand in them."""


from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

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


cdef inline void start(Pieces* w) noexcept nogil:
    w.n = w.used = 0
    w.size = 0


cdef inline void add(Pieces* w, const char* text, Py_ssize_t n) noexcept nogil:
    w.at[w.n] = text
    w.length[w.n] = n
    w.size += n
    w.n += 1


cdef inline int put(Pieces* w, bytes text) except -1:
    if text is None:
        raise TypeError("a part of a message is missing")
    add(w, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return 0


cdef inline void put_number(Pieces* w, unsigned long long value) noexcept nogil:
    """Its digits stand in the writer's own memory, each number behind the one before."""
    cdef char* end = w.digits + sizeof(w.digits) - w.used
    cdef char* p = end
    while True:
        p -= 1
        p[0] = c"0" + <char> (value % 10)
        value //= 10
        if value == 0:
            break
    w.used += <int> (end - p)
    add(w, p, end - p)


cdef bytes joined(Pieces* w)
cpdef bytes request(
    bytes method, bytes uri, bytes via, bytes branch, bytes sender, bytes to, bytes call_id,
    long long cseq, bytes extra, bytes body=*, bytes kind=*, bytes routes=*)
cpdef bytes response(
    int code, bytes phrase, bytes head, bytes to, bytes extra=*, bytes body=*, bytes kind=*)
cpdef bytes line_text(str value, Py_ssize_t most)
cpdef bytes call_id_text(str value, Py_ssize_t most)
cpdef bytes uri_text(str value, Py_ssize_t most)
