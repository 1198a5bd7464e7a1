"""Productions of the SIP grammar (RFC 3261 section 25) over raw bytes, for `sipscan`.

Every production takes the half-open range `[p, end)` and gives the position after what it matched,
or NULL when the text does not match. Nothing is allocated, nothing is copied; spans point into the
caller's bytes. Folded lines are unfolded before (see `sipscan`), so LWS is only SP and HT here.
"""

ctypedef const unsigned char* Text


cdef struct Span:
    Text p  # NULL: absent
    Py_ssize_t n


cdef enum Scheme:
    SCHEME_OTHER = 0
    SCHEME_SIP = 1
    SCHEME_SIPS = 2
    SCHEME_TEL = 3


cdef struct Uri:
    int scheme
    Span user  # escaped as received; without the password
    Span host  # with the brackets of an IPv6 reference
    int port  # -1: none given
    Span params  # from the first semicolon on
    Span headers  # after the question mark


cdef enum:
    # Classes of bytes, bits of CLASSES.
    TOKEN = 1
    HOST = 2
    USER = 4  # user part, without %
    PASSWORD = 8
    PARAM = 16  # URI parameter and header characters, without %
    WORD = 32  # Call-ID
    URIC = 64  # any absoluteURI, without %
    BLANK = 128
    DIGIT = 256
    HEX = 512
    HNV = 1024  # URI header characters, without %

cdef enum:
    PORT_MAX = 65535

cdef unsigned short[256] CLASSES

cdef Text blanks(Text p, Text end) noexcept nogil
cdef Text span_of(Text p, Text end, int mask) noexcept nogil
cdef bint same(Span span, const char* lower, Py_ssize_t n) noexcept nogil
cdef Text quoted(Text p, Text end) noexcept nogil
cdef Text number(Text p, Text end, long long top, long long* out) noexcept nogil
cdef bint ipv6(Text p, Text end) noexcept nogil
cdef Text parameter(Text p, Text end, int mask, Span* name, Span* value) noexcept nogil
cdef Text host_port(Text p, Text end, Span* host, int* port, bint spaced) noexcept nogil
cdef bint uri(Text p, Text end, Uri* out) noexcept nogil
