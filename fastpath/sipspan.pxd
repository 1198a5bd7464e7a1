"""Spans of a message: compared, cut out of it, put into another one. All of it is inlined."""

from libc.stdio cimport snprintf
from libc.string cimport memchr, memcmp, memcpy

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from fastpath.sipgrammar cimport BLANK, CLASSES, TOKEN, Span, Text, blanks, span_of
from fastpath.sipwrite cimport Pieces, add


cdef inline bytes taken(Span span):
    return PyBytes_FromStringAndSize(<const char*> span.p, span.n) if span.p else b""


cdef inline unsigned char lower(unsigned char c) noexcept nogil:
    return c | 0x20 if c"A" <= c <= c"Z" else c


cdef inline bint named(Span span, const char* low, Py_ssize_t n) noexcept nogil:
    """Whether it is this text, which is in lower case, in any case."""
    cdef Py_ssize_t i
    if span.n != n:
        return False
    for i in range(n):
        if lower(span.p[i]) != <unsigned char> low[i]:
            return False
    return True


cdef inline bytes branch_key(Span branch, Span host, int port):
    """branch|host:port, the host in lower case."""
    cdef char[16] digits
    cdef int n = snprintf(digits, 16, ":%d", port)
    cdef bytes out = PyBytes_FromStringAndSize(NULL, branch.n + 1 + host.n + n)
    cdef char* p = PyBytes_AS_STRING(out)
    cdef Py_ssize_t i
    memcpy(p, branch.p, branch.n)
    p += branch.n
    p[0] = c"|"
    p += 1
    for i in range(host.n):
        p[i] = lower(host.p[i])
    memcpy(p + host.n, digits, n)
    return out


cdef inline void add_span(Pieces* w, Span span) noexcept nogil:
    if span.p:
        add(w, <const char*> span.p, span.n)


cdef inline bint spells(Span span, bytes text) noexcept:
    """Whether it is exactly this text."""
    cdef Py_ssize_t n = PyBytes_GET_SIZE(text)
    return span.n == n and (n == 0 or memcmp(span.p, PyBytes_AS_STRING(text), n) == 0)


cdef inline Text header_line(Text p, Text end, Span* name, Span* value) noexcept nogil:
    """The name and the trimmed value of a line, NULL without one; where the next line begins."""
    cdef Text lf = <Text> memchr(p, c"\n", end - p)
    cdef Text q = span_of(p, lf, TOKEN)
    name.p = p
    name.n = q - p
    value.p = NULL
    value.n = 0
    q = blanks(q, lf)
    if q[0] == c":":
        value.p = blanks(q + 1, lf - 1)
        q = lf - 1
        while q > value.p and CLASSES[(q - 1)[0]] & BLANK:
            q -= 1
        value.n = q - value.p
    return lf + 1
