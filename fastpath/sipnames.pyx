"""Header names in any case and in compact form; methods, which have one form only."""

from libc.string cimport memcmp

from fastpath.sipgrammar cimport Span, Text, same

METHOD_NAMES = (
    "", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "REGISTER", "PRACK", "UPDATE", "REFER",
    "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH",
)

cdef enum:
    METHODS = 15

cdef const char** METHOD_TEXT = [
    "", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "REGISTER", "PRACK", "UPDATE", "REFER",
    "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH",
]
cdef int[METHODS] METHOD_SIZE = [0, 6, 3, 3, 6, 7, 4, 8, 5, 6, 5, 6, 9, 7, 7]


cdef int method_id(Text p, Py_ssize_t n) noexcept nogil:
    cdef int i
    for i in range(1, METHODS):
        if METHOD_SIZE[i] == n and memcmp(p, METHOD_TEXT[i], n) == 0:
            return i
    return 0


cdef int compact_id(unsigned char c) noexcept nogil:
    c |= 0x20
    if c == c"v":
        return H_VIA
    if c == c"f":
        return H_FROM
    if c == c"t":
        return H_TO
    if c == c"i":
        return H_CALL_ID
    if c == c"m":
        return H_CONTACT
    if c == c"l":
        return H_CONTENT_LENGTH
    if c == c"c":
        return H_CONTENT_TYPE
    if c == c"e":
        return H_CONTENT_ENCODING
    if c == c"x":
        return H_SESSION_EXPIRES
    return H_OTHER


cdef int long_id(Span name) noexcept nogil:
    """Names of 7 letters and more."""
    if name.n == 7:
        if same(name, "call-id", 7):
            return H_CALL_ID
        if same(name, "contact", 7):
            return H_CONTACT
        if same(name, "expires", 7):
            return H_EXPIRES
        if same(name, "require", 7):
            return H_REQUIRE
        return H_WARNING if same(name, "warning", 7) else H_OTHER
    if name.n == 8:
        return H_REPLACES if same(name, "replaces", 8) else H_OTHER
    if name.n == 11:
        return H_RETRY_AFTER if same(name, "retry-after", 11) else H_OTHER
    if name.n == 12:
        if same(name, "content-type", 12):
            return H_CONTENT_TYPE
        if same(name, "max-forwards", 12):
            return H_MAX_FORWARDS
        return H_RECORD_ROUTE if same(name, "record-route", 12) else H_OTHER
    if name.n == 14:
        return H_CONTENT_LENGTH if same(name, "content-length", 14) else H_OTHER
    if name.n == 15:
        return H_SESSION_EXPIRES if same(name, "session-expires", 15) else H_OTHER
    return H_CONTENT_ENCODING if same(name, "content-encoding", 16) else H_OTHER


cdef int header_id(Span name) noexcept nogil:
    if name.n > 6:
        return long_id(name)
    if name.n == 1:
        return compact_id(name.p[0])
    if name.n == 2:
        return H_TO if same(name, "to", 2) else H_OTHER
    if name.n == 3:
        return H_VIA if same(name, "via", 3) else H_OTHER
    if name.n == 4:
        if same(name, "from", 4):
            return H_FROM
        if same(name, "cseq", 4):
            return H_CSEQ
        return H_DATE if same(name, "date", 4) else H_OTHER
    if name.n == 5:
        return H_ROUTE if same(name, "route", 5) else H_OTHER
    if same(name, "reason", 6):
        return H_REASON
    return H_ACCEPT if same(name, "accept", 6) else H_OTHER
