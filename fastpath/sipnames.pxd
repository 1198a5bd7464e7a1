"""Header names and methods as small integers (RFC 3261 sections 7.3.3 and 20)."""

from fastpath.sipgrammar cimport Span, Text


cdef enum:
    H_OTHER
    H_VIA
    H_FROM
    H_TO
    H_CALL_ID
    H_CSEQ
    H_CONTACT
    H_MAX_FORWARDS
    H_CONTENT_LENGTH
    H_CONTENT_TYPE
    H_CONTENT_ENCODING
    H_RECORD_ROUTE
    H_ROUTE
    H_REASON
    H_RETRY_AFTER
    H_EXPIRES
    H_DATE
    H_WARNING
    H_REQUIRE
    H_ACCEPT
    H_SESSION_EXPIRES
    H_REPLACES
    H_COUNT

cdef int header_id(Span name) noexcept nogil
cdef int method_id(Text p, Py_ssize_t n) noexcept nogil
