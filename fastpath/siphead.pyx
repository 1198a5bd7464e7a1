"""What a user agent needs of a message is found here, in one pass; the rules are in `sipscan`."""

from libc.string cimport memchr, memcmp, memset

from fastpath.sipfields cimport Address, Via, address, call_id, date, media_type, via
from fastpath.sipgrammar cimport (
    BLANK, CLASSES, DIGIT, TOKEN, Span, Text, blanks, number, parameter, same, span_of, uri,
)
from fastpath.sipnames cimport (
    H_ACCEPT,
    H_CALL_ID,
    H_CONTACT,
    H_CONTENT_ENCODING,
    H_CONTENT_LENGTH,
    H_CONTENT_TYPE,
    H_CSEQ,
    H_DATE,
    H_EXPIRES,
    H_FROM,
    H_MAX_FORWARDS,
    H_OTHER,
    H_REASON,
    H_RECORD_ROUTE,
    H_REPLACES,
    H_REQUIRE,
    H_RETRY_AFTER,
    H_ROUTE,
    H_SESSION_EXPIRES,
    H_TO,
    H_VIA,
    H_WARNING,
    header_id,
    method_id,
)

cdef enum:
    CSEQ_MAX = 0x7FFFFFFF  # 8.1.1.5
    SECONDS_MAX = 0xFFFFFFFF  # delta-seconds

cdef void fault(Scan* s, const char* text, int status=400) noexcept nogil:
    if s.fault == 0:
        s.fault = status
        s.fault_text = text


cdef void problem(Scan* s, const char* text) noexcept nogil:
    if s.problem == 0:
        s.problem = 400
        s.problem_text = text


cdef bint sip_version(Text p, Text end) noexcept nogil:
    """SIP-Version, whatever its number."""
    cdef Span name
    name.p = p
    name.n = 3
    if end - p < 7 or not same(name, "sip", 3) or p[3] != c"/":
        return False
    p = span_of(p + 4, end, DIGIT)
    if (p - 1)[0] == c"/" or end - p < 2 or p[0] != c".":
        return False
    return span_of(p + 1, end, DIGIT) == end


cdef void request_line(Scan* s, Text p, Text end) noexcept nogil:
    """Method SP Request-URI SP SIP-Version, with exactly one space each (7.1)."""
    cdef Text q = span_of(p, end, TOKEN)
    cdef Text r
    s.request = True
    s.method_text.p = p
    s.method_text.n = q - p
    s.method = method_id(p, q - p)
    if q == p or q == end or q[0] != c" ":
        fault(s, "start line: no method")
        return
    q += 1
    r = <Text> memchr(q, c" ", end - q)
    if r == NULL or r == q:
        fault(s, "start line: no Request-URI between single spaces")
        return
    s.target.p = q
    s.target.n = r - q
    if not sip_version(r + 1, end):
        fault(s, "start line: no SIP version at its end")
        return
    if memcmp(r + 4, "/2.0", 4) != 0 or end - r != 8:
        fault(s, "SIP version not supported", 505)
        return
    if not uri(q, r, &s.target_parts):
        fault(s, "start line: broken Request-URI")
        memset(&s.target_parts, 0, sizeof(Uri))
    elif s.target_parts.headers.p:
        fault(s, "start line: Request-URI with headers")


cdef void status_line(Scan* s, Text p, Text end) noexcept nogil:
    """SIP-Version SP Status-Code SP Reason-Phrase (7.2)."""
    cdef long long code = 0
    cdef Text q = <Text> memchr(p, c" ", end - p)
    s.request = False
    if q == NULL or q - p != 7 or memcmp(p + 4, "2.0", 3) != 0:
        fault(s, "status line: SIP version not supported")
        return
    p = number(q + 1, end, 699, &code)
    if p == NULL or p - q != 4 or code < 100 or (p < end and p[0] != c" "):
        fault(s, "status line: broken status code")
        return
    s.status = <int> code
    if p < end:
        s.target.p = p + 1
        s.target.n = end - p - 1


cdef int address_list(Text p, Text end, Address* first, int count, bint bracketed) noexcept nogil:
    """The new count of addresses; -1 when one is broken. `first` is filled when the count was 0."""
    cdef Address other
    while True:
        p = address(p, end, first if count == 0 else &other)
        if p == NULL or (bracketed and not (first if count == 0 else &other).bracketed):
            return -1
        count += 1
        if p == end:
            return count
        p += 1


cdef void via_header(Scan* s, Text p, Text end) noexcept nogil:
    cdef Via other
    if s.vias == 0:
        s.via_line.p = p
        s.via_line.n = end - p
    while True:
        p = via(p, end, &s.via if s.vias == 0 else &other)
        if p == NULL:
            fault(s, "broken Via")
            if s.vias == 0:
                memset(&s.via, 0, sizeof(Via))  # what is broken is told as absent, never in parts
            return
        s.vias += 1
        if p == end:
            return
        p += 1


cdef void party(
    Scan* s, Text p, Text end, Address* out, Span* line, const char* text
) noexcept nogil:
    """From or To."""
    line.p = p
    line.n = end - p
    if address(p, end, out) != end:
        fault(s, text)
        memset(out, 0, sizeof(Address))


cdef void cseq_header(Scan* s, Text p, Text end) noexcept nogil:
    cdef Text q = number(p, end, CSEQ_MAX, &s.cseq)
    s.cseq_line.p = p
    s.cseq_line.n = end - p
    if q == NULL or q == end or not CLASSES[q[0]] & BLANK:
        fault(s, "broken CSeq")
        return
    q = blanks(q, end)
    s.cseq_method_text.p = q
    s.cseq_method_text.n = end - q
    if q == end or span_of(q, end, TOKEN) != end:
        fault(s, "broken CSeq")
        return
    s.cseq_method = method_id(q, end - q)


cdef void flaw(Scan* s, const char* text) noexcept nogil:
    """What is broken but no response turns on: a dropped 200 leaves its call up there (8.2)."""
    if s.request:
        fault(s, text)


cdef void whole_number(
    Scan* s, Text p, Text end, long long top, long long* out, const char* text, bint needed
) noexcept nogil:
    if number(p, end, top, out) != end:
        out[0] = -1
        if needed or s.request:
            fault(s, text)


cdef void retry_after(Scan* s, Text p, Text end) noexcept nogil:
    """delta-seconds [comment] *(SEMI retry-param): what follows the number is not used."""
    cdef Text q = number(p, end, SECONDS_MAX, &s.retry_after)
    if q == NULL or (q < end and not (CLASSES[q[0]] & BLANK or q[0] == c";" or q[0] == c"(")):
        s.retry_after = -1
        flaw(s, "broken Retry-After")


cdef void contact_header(Scan* s, Text p, Text end) noexcept nogil:
    if end - p == 1 and p[0] == c"*":
        s.contact_star = True
        return
    cdef int n = address_list(p, end, &s.contact, s.contacts, False)
    if n < 0:
        flaw(s, "broken Contact")
        if s.contacts == 0:
            memset(&s.contact, 0, sizeof(Address))
    s.contacts = n if n >= 0 else s.contacts or s.request


cdef void route_header(Scan* s, int kind, Text p, Text end) noexcept nogil:
    cdef Address first
    cdef int n = address_list(p, end, &first, 0, True)
    if n < 0:
        flaw(s, "broken Record-Route" if kind == H_RECORD_ROUTE else "broken Route")
    if kind == H_RECORD_ROUTE and s.record_routes >= 0:  # a negative count stays so
        s.record_routes = -1 if n < 0 else s.record_routes + n


cdef void rare_header(Scan* s, int kind, Text p, Text end) noexcept nogil:
    if kind == H_EXPIRES:
        whole_number(s, p, end, SECONDS_MAX, &s.expires, "broken Expires", False)
    elif kind == H_RETRY_AFTER:
        retry_after(s, p, end)
    elif kind == H_DATE and not date(p, end):
        flaw(s, "broken Date")


cdef void warning(Scan* s, Text p, Text end) noexcept nogil:
    """warn-code SP ...: a list header, its rest is not used."""
    if end - p < 4 or span_of(p, p + 3, DIGIT) != p + 3 or p[3] != c" ":
        flaw(s, "broken Warning")


cdef void single_header(Scan* s, int kind, Text p, Text end) noexcept nogil:
    """Headers that occur once (7.3.1): the first counts."""
    if s.seen[kind] > 1:
        if s.request or (kind != H_CONTENT_TYPE and kind != H_MAX_FORWARDS and kind != H_EXPIRES):
            problem(s, "a header that may occur only once is repeated")
        return
    if kind == H_FROM:
        party(s, p, end, &s.from_, &s.from_line, "broken From")
    elif kind == H_TO:
        party(s, p, end, &s.to, &s.to_line, "broken To")
    elif kind == H_CALL_ID:
        s.call_id.p = p
        s.call_id.n = end - p
        if not call_id(p, end):
            fault(s, "broken Call-ID")
    elif kind == H_CSEQ:
        cseq_header(s, p, end)
    elif kind == H_MAX_FORWARDS:
        whole_number(s, p, end, 255, &s.max_forwards, "broken Max-Forwards", False)
    elif kind == H_CONTENT_LENGTH:
        whole_number(s, p, end, MESSAGE_BYTES, &s.content_length, "broken Content-Length", True)
    elif kind == H_CONTENT_TYPE:
        if media_type(p, end):
            s.content_type.p = p
            s.content_type.n = end - p
        else:
            flaw(s, "broken Content-Type")
    else:
        rare_header(s, kind, p, end)


cdef void header_line(Scan* s, Text p, Text end) noexcept nogil:
    """One unfolded line without its CRLF."""
    cdef Span name
    cdef Text q = span_of(p, end, TOKEN)
    cdef int kind
    name.p = p
    name.n = q - p
    q = blanks(q, end)
    if name.n == 0 or q == end or q[0] != c":":
        fault(s, "a header line without a name")
        return
    p = blanks(q + 1, end)
    while end > p and CLASSES[(end - 1)[0]] & BLANK:
        end -= 1
    kind = header_id(name)
    if kind == H_OTHER:
        return
    s.seen[kind] += 1
    if kind == H_VIA:
        via_header(s, p, end)
    elif kind == H_CONTACT:
        contact_header(s, p, end)
    elif kind == H_RECORD_ROUTE or kind == H_ROUTE:
        route_header(s, kind, p, end)
    elif kind == H_WARNING:
        warning(s, p, end)
    elif (
        kind != H_REASON and kind != H_REQUIRE and kind != H_ACCEPT and kind != H_CONTENT_ENCODING
        and kind != H_SESSION_EXPIRES and kind != H_REPLACES
    ):
        single_header(s, kind, p, end)


cdef Text line_end(Text p, Text end) noexcept nogil:
    """The LF that ends the line at p: NULL when there is none, or a lone CR or LF is in it."""
    cdef Text lf = <Text> memchr(p, c"\n", end - p)
    if lf == NULL or lf == p or (lf - 1)[0] != c"\r" or memchr(p, c"\r", lf - 1 - p) != NULL:
        return NULL
    return lf


cdef void finish(Scan* s, Text end) noexcept nogil:
    """What holds for the message as a whole."""
    if s.seen[H_VIA] == 0 or s.from_line.p == NULL or s.to_line.p == NULL:
        problem(s, "Via, From or To is missing")
    if s.call_id.p == NULL or s.cseq_line.p == NULL:
        problem(s, "Call-ID or CSeq is missing")
    if s.request and not s.fault and s.cseq_line.p != NULL:
        if s.cseq_method_text.n != s.method_text.n or memcmp(
            s.cseq_method_text.p, s.method_text.p, s.method_text.n
        ):
            fault(s, "the CSeq method is not the request's")
    if s.contact_star and s.contacts:
        flaw(s, "broken Contact")
    if s.content_length > s.body.n:
        fault(s, "Content-Length is larger than the datagram")
    elif s.content_length >= 0:
        s.body.n = s.content_length


cdef int run(Scan* s, Text p, Text end) noexcept nogil:
    """Fill `s`.

    FOLDED when the head must be unfolded first, 1 when there is a start line, else 0.
    """
    cdef Text lf
    cdef int lines = 0
    s.max_forwards = s.content_length = s.expires = s.retry_after = -1
    while end - p >= 2 and p[0] == c"\r" and p[1] == c"\n":
        p += 2
    lf = line_end(p, end)
    if lf == NULL or lf - p > LINE_BYTES:
        fault(s, "no start line")
        return 0
    if end - p > 4 and memcmp(p, "SIP/", 4) == 0:
        status_line(s, p, lf - 1)
    else:
        request_line(s, p, lf - 1)
    p = lf + 1
    s.lines = s.lines_end = p
    while True:
        lf = line_end(p, end)
        if lf == NULL:
            fault(s, "the head has no end, or a line of it no CRLF")
            return 1
        if lf - p == 1:
            break
        if lf + 1 < end and CLASSES[lf[1]] & BLANK:
            return FOLDED
        lines += 1
        if lines > HEADER_LINES or lf - p > LINE_BYTES:
            fault(s, "the head is too large")
            return 1
        header_line(s, p, lf - 1)
        p = s.lines_end = lf + 1
    s.body.p = lf + 1
    s.body.n = end - lf - 1
    finish(s, end)
    return 1


cdef long long q850_of(Text p, Text end) noexcept nogil:
    """The cause of one Reason header when its protocol is Q.850, else -1 (RFC 3326)."""
    cdef Span name
    cdef Span value
    cdef Text q
    cdef bint ours
    cdef long long cause = -1
    while True:
        p = blanks(p, end)
        name.p = p
        p = span_of(p, end, TOKEN)
        name.n = p - name.p
        ours = same(name, "q.850", 5)
        while True:
            p = blanks(p, end)
            if p == end:
                return cause
            if p[0] != c";":
                break
            p = parameter(p + 1, end, 0, &name, &value)
            if p == NULL:
                return cause
            if ours and value.p and same(name, "cause", 5):
                q = number(value.p, p, 127, &cause)
                if q != p:
                    return -1
        if cause >= 0 or p[0] != c",":
            return cause
        p += 1
