"""See the stub. What is written is gathered as pieces first, then copied once."""

from libc.string cimport memcpy

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from fastpath.sipfields cimport call_id as is_call_id
from fastpath.sipgrammar cimport SCHEME_OTHER, Text, Uri
from fastpath.sipgrammar cimport uri as is_uri

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef bytes SDP = b"application/sdp"


cdef inline int put_body(Pieces* w, bytes body, bytes kind) except -1:
    """Content-Type when there is a body, Content-Length always."""
    if body is None or PyBytes_GET_SIZE(body) == 0:
        add(w, b"Content-Length: 0\r\n\r\n", 21)
        return 0
    add(w, b"Content-Type: ", 14)
    put(w, kind)
    add(w, b"\r\nContent-Length: ", 18)
    put_number(w, <unsigned long long> PyBytes_GET_SIZE(body))
    add(w, b"\r\n\r\n", 4)
    return put(w, body)


cdef bytes joined(Pieces* w):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, w.size)
    cdef char* p = PyBytes_AS_STRING(out)
    cdef int i
    for i in range(w.n):
        memcpy(p, w.at[i], w.length[i])
        p += w.length[i]
    return out


cpdef bytes request(
    bytes method, bytes uri, bytes via, bytes branch, bytes sender, bytes to, bytes call_id,
    long long cseq, bytes extra, bytes body=b"", bytes kind=SDP, bytes routes=b"",
):
    cdef Pieces w
    start(&w)
    if cseq < 0:
        raise ValueError("a negative CSeq")
    put(&w, method)
    add(&w, b" ", 1)
    put(&w, uri)
    add(&w, b" SIP/2.0\r\n", 10)
    put(&w, via)
    put(&w, branch)
    add(&w, b"\r\nMax-Forwards: 70\r\n", 20)
    put(&w, routes)
    add(&w, b"From: ", 6)
    put(&w, sender)
    add(&w, b"\r\nTo: ", 6)
    put(&w, to)
    add(&w, b"\r\nCall-ID: ", 11)
    put(&w, call_id)
    add(&w, b"\r\nCSeq: ", 8)
    put_number(&w, <unsigned long long> cseq)
    add(&w, b" ", 1)
    put(&w, method)
    add(&w, b"\r\n", 2)
    put(&w, extra)
    put_body(&w, body, kind)
    return joined(&w)


cpdef bytes response(
    int code, bytes phrase, bytes head, bytes to, bytes extra=b"", bytes body=b"", bytes kind=SDP,
):
    cdef Pieces w
    start(&w)
    if not 100 <= code < 700:
        raise ValueError("not a status code")
    add(&w, b"SIP/2.0 ", 8)
    put_number(&w, <unsigned long long> code)
    add(&w, b" ", 1)
    put(&w, phrase)
    add(&w, b"\r\n", 2)
    put(&w, head)
    add(&w, b"To: ", 4)
    put(&w, to)
    add(&w, b"\r\n", 2)
    put(&w, extra)
    put_body(&w, body, kind)
    return joined(&w)


cdef Part utf8(str value, Py_ssize_t most, Py_ssize_t* n):
    """The text as UTF-8, NULL when it is too long, not Unicode, or holds a control character."""
    cdef const unsigned char* p
    cdef Py_ssize_t i
    if value is None or PyUnicode_GET_LENGTH(value) > most:
        return NULL
    try:
        p = <const unsigned char*> PyUnicode_AsUTF8AndSize(value, n)
    except UnicodeEncodeError:
        return NULL
    for i in range(n[0]):
        if p[i] < 32 or p[i] == 127:
            return NULL
    return <const char*> p


cpdef bytes line_text(str value, Py_ssize_t most):
    cdef Py_ssize_t n = 0
    cdef const char* p = utf8(value, most, &n)
    return None if p == NULL else PyBytes_FromStringAndSize(p, n)


cpdef bytes call_id_text(str value, Py_ssize_t most):
    cdef Py_ssize_t n = 0
    cdef const char* p = utf8(value, most, &n)
    if p == NULL or not is_call_id(<Text> p, <Text> p + n):
        return None
    return PyBytes_FromStringAndSize(p, n)


cpdef bytes uri_text(str value, Py_ssize_t most):
    cdef Uri parts
    cdef Py_ssize_t n = 0
    cdef const char* p = utf8(value, most, &n)
    if p == NULL or not is_uri(<Text> p, <Text> p + n, &parts) or parts.scheme == SCHEME_OTHER:
        return None
    return PyBytes_FromStringAndSize(p, n)
