"""The head of a SIP message in one pass, without a Python object (RFC 3261 sections 7, 20, 25)."""

from fastpath.sipfields cimport Address, Via
from fastpath.sipgrammar cimport Span, Text, Uri


cdef enum:
    MESSAGE_BYTES = 65535
    HEADER_LINES = 256
    LINE_BYTES = 8192


cdef enum:
    FOLDED = -1  # of `run`: unfold, then again


cdef struct Scan:
    bint request
    int status  # of a response
    int method  # METHOD_NAMES index; 0: none of them. Of a response: 0
    Span method_text
    Span target  # Request-URI, or the reason phrase
    Uri target_parts
    int seen[22]  # how many lines of each header
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


cdef int run(Scan* s, Text p, Text end) noexcept nogil
cdef void fault(Scan* s, const char* text, int status=*) noexcept nogil
cdef long long q850_of(Text p, Text end) noexcept nogil
