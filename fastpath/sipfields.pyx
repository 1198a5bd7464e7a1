"""See the declarations; the RFC section stands beside each odd rule."""

from libc.string cimport memchr

from fastpath.sipgrammar cimport (
    BLANK,
    CLASSES,
    DIGIT,
    PORT_MAX,
    TOKEN,
    WORD,
    Span,
    Text,
    blanks,
    host_port,
    ipv6,
    number,
    parameter,
    quoted,
    same,
    span_of,
    uri,
)


cdef Text bare_uri(Text p, Text end, Address* out) noexcept nogil:
    """addr-spec outside angle brackets: it holds no comma, question mark or semicolon (20.10)."""
    cdef Text q = p
    while q < end and not (CLASSES[q[0]] & BLANK or q[0] == c";" or q[0] == c","):
        if q[0] == c"?":
            return NULL
        q += 1
    out.uri.p = p
    out.uri.n = q - p
    if not uri(p, q, &out.parts):
        return NULL
    return q


cdef Text address(Text p, Text end, Address* out) noexcept nogil:
    """(name-addr / addr-spec) *(SEMI param); stops at a comma or at the end."""
    cdef Text q
    cdef Span name
    cdef Span value
    out.tag.p = NULL
    out.tag.n = 0
    p = blanks(p, end)
    q = p
    if q < end and q[0] == c'"':
        q = quoted(q, end)
        if q == NULL:
            return NULL
        q = blanks(q, end)
    else:
        while q < end and CLASSES[q[0]] & (TOKEN | BLANK):
            q += 1
    out.bracketed = q < end and q[0] == c"<"
    if out.bracketed:
        p = q + 1
        q = <Text> memchr(p, c">", end - p)
        if q == NULL or not uri(p, q, &out.parts):
            return NULL
        out.uri.p = p
        out.uri.n = q - p
        p = q + 1
    else:
        p = bare_uri(p, end, out)
        if p == NULL:
            return NULL
    while True:
        q = blanks(p, end)
        if q == end or q[0] != c";":
            if q < end and q[0] != c",":
                return NULL
            return q
        p = parameter(q + 1, end, 0, &name, &value)
        if p == NULL:
            return NULL
        if same(name, "tag", 3) and out.tag.p == NULL:
            if value.p == NULL or value.p[0] == c'"' or value.p[0] == c"[":
                return NULL
            out.tag = value


cdef Text via_parameters(Text p, Text end, Via* out) noexcept nogil:
    """*(SEMI via-param); RFC 3581's rport may have no value."""
    cdef Text q
    cdef Span name
    cdef Span value
    cdef Span host
    cdef int port
    cdef long long n
    while True:
        q = blanks(p, end)
        if q == end or q[0] != c";":
            out.end = p
            if q < end and q[0] != c",":
                return NULL
            return q
        # WORD brings the colon of a bare IPv6 address (RFC 5118 4.5); other values with it are
        # refused below
        p = parameter(q + 1, end, WORD, &name, &value)
        if p == NULL:
            return NULL
        if same(name, "branch", 6):
            if out.branch.p == NULL:
                out.branch = value
        elif same(name, "rport", 5):
            out.rport = True
            if value.p == NULL:
                out.rport_end = p
            elif number(value.p, p, PORT_MAX, &n) != p:
                return NULL
        elif same(name, "received", 8):
            out.received = True
            if value.p == NULL:
                return NULL
            if not ipv6(value.p, p) and host_port(value.p, p, &host, &port, False) != p:
                return NULL
            continue
        if value.p and value.p[0] not in b'"[' and span_of(value.p, p, TOKEN) != p:
            return NULL


cdef Text via(Text p, Text end, Via* out) noexcept nogil:
    """One via-parm; stops at a comma or at the end."""
    cdef int part
    cdef Span word
    out.branch.p = NULL
    out.branch.n = 0
    out.rport = out.received = False
    out.rport_end = NULL
    for part in range(3):
        p = blanks(p, end)
        word.p = p
        p = span_of(p, end, TOKEN)
        word.n = p - word.p
        if word.n == 0:
            return NULL
        if part < 2:
            p = blanks(p, end)
            if p == end or p[0] != c"/":
                return NULL
            p += 1
    out.transport = word
    if p == end or not CLASSES[p[0]] & BLANK:
        return NULL
    p = host_port(blanks(p, end), end, &out.host, &out.port, True)
    if p == NULL:
        return NULL
    return via_parameters(p, end, out)


cdef bint date(Text p, Text end) noexcept nogil:
    """SIP-date: rfc1123-date, always GMT."""
    cdef const char* shape = "Aaa, 00 Aaa 0000 00:00:00 GMT"
    cdef int i
    if end - p != 29:
        return False
    for i in range(29):
        if shape[i] == c"0":
            if not CLASSES[p[i]] & DIGIT:
                return False
        elif (shape[i] == c"A" or shape[i] == c"a") and i < 11:
            if not c"a" <= (p[i] | 0x20) <= c"z":
                return False
        elif p[i] != <unsigned char> shape[i]:
            return False
    return True


cdef bint call_id(Text p, Text end) noexcept nogil:
    """word ["@" word]."""
    cdef Text q = span_of(p, end, WORD)
    if q == p:
        return False
    if q == end:
        return True
    return q[0] == c"@" and q + 1 < end and span_of(q + 1, end, WORD) == end


cdef bint media_type(Text p, Text end) noexcept nogil:
    """m-type SLASH m-subtype *(SEMI m-parameter)."""
    cdef Span name
    cdef Span value
    cdef Text q = span_of(p, end, TOKEN)
    if q == p:
        return False
    q = blanks(q, end)
    if q == end or q[0] != c"/":
        return False
    p = blanks(q + 1, end)
    q = span_of(p, end, TOKEN)
    if q == p:
        return False
    while True:
        p = blanks(q, end)
        if p == end:
            return True
        if p[0] != c";":
            return False
        q = parameter(p + 1, end, 0, &name, &value)
        if q == NULL or value.p == NULL:
            return False
