"""Scanner of one SIP datagram (RFC 3261 sections 7, 20 and 25): one pass, spans into the datagram, no copies."""

from fastpath.sipgrammar cimport Address, Span, Text, Uri, Via


cdef enum:
    MESSAGE_BYTES = 65535
    HEADER_LINES = 256
    LINE_BYTES = 8192


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
    H_COUNT


cdef struct Scan:
    bint request
    int status  # of a response
    int method  # METHOD_NAMES index; 0: none of them. Of a response: 0
    Span method_text
    Span target  # Request-URI, or the reason phrase
    Uri target_parts
    int seen[20]  # how many lines of each header
    Via via  # the topmost
    int vias  # in all lines
    Span via_line  # value of the first Via line
    Address from_
    Address to
    Address contact
    bint contact_star
    int contacts
    int record_routes
    Span from_line
    Span to_line
    Span call_id
    Span cseq_line
    Span cseq_method_text
    int cseq_method
    long long cseq
    long long max_forwards  # -1: absent; these four alike
    long long content_length
    long long expires
    long long retry_after
    Span content_type
    Text lines  # the first header line
    Text lines_end  # the empty line
    Span body
    int fault  # status of the first thing that makes the message no SIP, 0: none
    const char* fault_text
    int problem  # status of the first thing that a user agent refuses in a well-formed message
    const char* problem_text


cdef class Message:
    cdef readonly bytes data  # unfolded: same length as received, each fold blanked
    cdef Scan s
    cdef bytes take(self, Span span)
    cdef list addresses(self, int kind)


cpdef Message scan(bytes data)
