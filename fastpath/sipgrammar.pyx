"""See the declarations for what each production matches.

The tolerances are said beside their code.
"""

from libc.string cimport memchr, memcpy

cdef extern from "<arpa/inet.h>" nogil:
    int AF_INET6
    int inet_pton(int family, const char* text, void* out)

cdef enum:
    IPV6_TEXT_MAX = 45


def _classes() -> None:
    """Fill the table once, at import."""
    alnum = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    unreserved = alnum + b"-_.!~*'()"
    table = (
        (TOKEN, alnum + b"-.!%*_+`'~"),
        (HOST, alnum + b"-._"),  # the underscore is not in the RFC but in many host names
        (USER, unreserved + b"&=+$,;?/"),
        (PASSWORD, unreserved + b"&=+$,"),
        (PARAM, unreserved + b"[]/:&+$"),
        (HNV, unreserved + b"[]/?:+$"),
        (WORD, alnum + b"-.!%*_+`'~()<>:\\\"/[]?{}"),
        (URIC, unreserved + b";/?:@&=+$,"),
        (BLANK, b" \t"),
        (DIGIT, b"0123456789"),
        (HEX, b"0123456789abcdefABCDEF"),
    )
    for bit, members in table:
        for c in members:
            CLASSES[c] |= bit


_classes()


cdef Text blanks(Text p, Text end) noexcept nogil:
    """Skip SP and HT."""
    while p < end and (p[0] == c" " or p[0] == c"\t"):
        p += 1
    return p


cdef Text span_of(Text p, Text end, int mask) noexcept nogil:
    """Skip bytes of the classes in `mask`."""
    while p < end and CLASSES[p[0]] & mask:
        p += 1
    return p


cdef bint same(Span span, const char* lower, Py_ssize_t n) noexcept nogil:
    """Case-insensitive equality with a lower-case word of letters and digits."""
    cdef Py_ssize_t i
    if span.n != n:
        return False
    for i in range(n):
        if (span.p[i] | 0x20) != <unsigned char> lower[i]:
            return False
    return True


cdef Text quoted(Text p, Text end) noexcept nogil:
    """quoted-string at its opening quote. Bytes from 0x80 on are taken as UTF-8 without a check."""
    p += 1
    while p < end:
        if p[0] == c'"':
            return p + 1
        if p[0] == c"\\":
            # quoted-pair: anything ASCII but CR and LF, NUL too
            if p + 1 == end or p[1] > 0x7F or p[1] == c"\r" or p[1] == c"\n":
                return NULL
            p += 2
        elif (p[0] < 0x20 and p[0] != c"\t") or p[0] == 0x7F:
            return NULL
        else:
            p += 1
    return NULL


cdef Text number(Text p, Text end, long long top, long long* out) noexcept nogil:
    """1*DIGIT up to `top` (which must leave room for one more digit)."""
    cdef long long n = 0
    cdef Text start = p
    while p < end and CLASSES[p[0]] & DIGIT:
        n = n * 10 + (p[0] - c"0")
        if n > top:
            return NULL
        p += 1
    if p == start:
        return NULL
    out[0] = n
    return p


cdef Text parameter(Text p, Text end, int mask, Span* name, Span* value) noexcept nogil:
    """generic-param after its semicolon; `value.p` is NULL when it has none.

    `mask` widens the characters of an unquoted value (a bare IPv6 address in a Via).
    """
    cdef Text q
    p = blanks(p, end)
    name.p = p
    p = span_of(p, end, TOKEN)
    name.n = p - name.p
    value.p = NULL
    value.n = 0
    if name.n == 0:
        return NULL
    q = blanks(p, end)
    if q == end or q[0] != c"=":
        return p
    q = blanks(q + 1, end)
    if q == end:
        return NULL
    value.p = q
    if q[0] == c'"':
        q = quoted(q, end)
        if q == NULL:
            return NULL
    elif q[0] == c"[":
        q = <Text> memchr(q, c"]", end - q)
        if q == NULL or not ipv6(value.p + 1, q):
            return NULL
        q += 1
    else:
        q = span_of(q, end, TOKEN | mask)
    value.n = q - value.p
    if value.n == 0:
        return NULL
    return q


cdef bint ipv6(Text p, Text end) noexcept nogil:
    """IPv6address, without brackets."""
    cdef char[IPV6_TEXT_MAX + 1] text
    cdef unsigned char[16] out
    cdef Py_ssize_t n = end - p
    if n > IPV6_TEXT_MAX or memchr(p, 0, n) != NULL:
        return False
    memcpy(text, p, n)
    text[n] = 0
    return inet_pton(AF_INET6, text, out) == 1


cdef bint ipv4(Text p, Text end) noexcept nogil:
    """Four numbers up to 255."""
    cdef int part
    cdef long long n
    for part in range(4):
        if part:
            if p == end or p[0] != c".":
                return False
            p += 1
        if end - p > 3 and CLASSES[p[0]] & CLASSES[p[1]] & CLASSES[p[2]] & CLASSES[p[3]] & DIGIT:
            return False
        p = number(p, end, 255, &n)
        if p == NULL:
            return False
    return p == end


cdef bint hostname(Text p, Text end) noexcept nogil:
    """Labels that neither begin nor end with a hyphen; a final dot is allowed.

    All-numeric means IPv4.
    """
    cdef bint numeric = True
    cdef unsigned char before = c"."
    cdef Text start = p
    while p < end:
        if p[0] == c".":
            if before == c"." or before == c"-":
                return False
        elif p[0] == c"-":
            if before == c".":
                return False
            numeric = False
        elif not CLASSES[p[0]] & DIGIT:
            numeric = False
        before = p[0]
        p += 1
    if p == start or before == c"-":
        return False
    return ipv4(start, end) if numeric else True


cdef Text host_port(Text p, Text end, Span* host, int* port, bint spaced) noexcept nogil:
    """host [":" port]; `spaced` allows blanks around the colon (Via)."""
    cdef long long n = 0
    cdef Text q
    host.p = p
    port[0] = -1
    if p < end and p[0] == c"[":
        q = <Text> memchr(p, c"]", end - p)
        if q == NULL or not ipv6(p + 1, q):
            return NULL
        p = q + 1
    else:
        p = span_of(p, end, HOST)
        if not hostname(host.p, p):
            return NULL
    host.n = p - host.p
    q = blanks(p, end) if spaced else p
    if q < end and q[0] == c":":
        q = number(blanks(q + 1, end) if spaced else q + 1, end, PORT_MAX, &n)
        if q == NULL:
            return NULL
        port[0] = <int> n
        return q
    return p


cdef Text escaped(Text p, Text end, int mask) noexcept nogil:
    """Skip bytes of `mask` and %HH; NULL on a broken escape."""
    while p < end:
        if CLASSES[p[0]] & mask:
            p += 1
        elif p[0] == c"%":
            if end - p < 3 or not (CLASSES[p[1]] & CLASSES[p[2]] & HEX):
                return NULL
            p += 3
        else:
            break
    return p


cdef bint uri_tail(Text p, Text end, Uri* out) noexcept nogil:
    """uri-parameters and headers."""
    cdef Text q
    out.params.p = p
    while p < end and p[0] == c";":
        q = escaped(p + 1, end, PARAM)
        if q == NULL or q == p + 1:
            return False
        if q < end and q[0] == c"=":
            p = q + 1
            q = escaped(p, end, PARAM)
            if q == NULL or q == p:
                return False
        p = q
    out.params.n = p - out.params.p
    if p == end:
        return True
    if p[0] != c"?":
        return False
    out.headers.p = p + 1
    out.headers.n = end - p - 1
    while p < end:  # at "?" or "&"
        q = escaped(p + 1, end, HNV)
        if q == NULL or q == p + 1 or q == end or q[0] != c"=":
            return False
        p = escaped(q + 1, end, HNV)
        if p == NULL or (p < end and p[0] != c"&"):
            return False
    return True


cdef Text scheme_of(Text p, Text end, int* scheme) noexcept nogil:
    """The position after the scheme's colon."""
    cdef Span name
    cdef Text q = p
    while q < end and (CLASSES[q[0]] & TOKEN) and q[0] not in b"!%*_`'~":
        q += 1
    if q == p or q == end or q[0] != c":" or not (c"a" <= (p[0] | 0x20) <= c"z"):
        return NULL
    name.p = p
    name.n = q - p
    scheme[0] = SCHEME_OTHER
    if same(name, "sip", 3):
        scheme[0] = SCHEME_SIP
    elif same(name, "sips", 4):
        scheme[0] = SCHEME_SIPS
    elif same(name, "tel", 3):
        scheme[0] = SCHEME_TEL
    return q + 1


cdef bint uri(Text p, Text end, Uri* out) noexcept nogil:
    """SIP-URI, SIPS-URI or absoluteURI: the whole range."""
    cdef Text at
    cdef Text q
    out.user.p = out.host.p = out.params.p = out.headers.p = NULL
    out.user.n = out.host.n = out.params.n = out.headers.n = 0
    out.port = -1
    p = scheme_of(p, end, &out.scheme)
    if p == NULL or p == end:
        return False
    if out.scheme == SCHEME_OTHER or out.scheme == SCHEME_TEL:
        return escaped(p, end, URIC) == end
    at = <Text> memchr(p, c"@", end - p)
    if at != NULL:
        q = escaped(p, at, USER)
        if q == NULL or q == p:
            return False
        out.user.p = p
        out.user.n = q - p
        if q < at and (q[0] != c":" or escaped(q + 1, at, PASSWORD) != at):
            return False
        p = at + 1
    p = host_port(p, end, &out.host, &out.port, False)
    return p != NULL and uri_tail(p, end, out)
