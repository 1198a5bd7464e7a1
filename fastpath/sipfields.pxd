"""Values of header fields: addresses, Via, dates, Call-IDs, media types (RFC 3261 section 25).

The conventions are those of `sipgrammar`.
"""

from fastpath.sipgrammar cimport Span, Text, Uri


cdef struct Address:  # name-addr or addr-spec with the header's parameters
    Span uri  # the addr-spec without angle brackets
    Uri parts
    bint bracketed
    Span tag


cdef struct Via:
    Span transport
    Span host
    int port  # -1: none given
    Span branch
    bint rport  # the parameter is there
    Text rport_end  # where "=port" is inserted; NULL when it has a value already
    bint received  # the parameter is there
    Text end  # end of this via-parm


cdef Text address(Text p, Text end, Address* out) noexcept nogil
cdef Text via(Text p, Text end, Via* out) noexcept nogil
cdef bint date(Text p, Text end) noexcept nogil
cdef bint call_id(Text p, Text end) noexcept nogil
cdef bint media_type(Text p, Text end) noexcept nogil
