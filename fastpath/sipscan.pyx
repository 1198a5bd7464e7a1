"""One pass over a datagram; what a user agent needs is checked and found at once, the rest on demand.

A message that is not SIP (a broken start line, URI, address, number, list) raises `ScanError` with the status a
server should answer, as the RFC 4475 section 3.1.2 messages ask. A message that is SIP but cannot be served as it is
(a mandatory header missing or repeated) scans, and says so in `problem`.

Rules of tolerance, each on purpose:
- leading empty lines are skipped (7.5); bytes after Content-Length are not part of the message (18.3);
- a status line may lack the space before an empty reason phrase; host names may contain underscores;
- lines end in CRLF only: a lone CR or LF in the head is refused, so nothing downstream can smuggle a line.
"""

from libc.string cimport memchr, memcmp

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython cimport freelist

from fastpath.sipgrammar cimport (
    BLANK,
    CLASSES,
    DIGIT,
    SCHEME_OTHER,
    SCHEME_SIP,
    SCHEME_SIPS,
    SCHEME_TEL,
    TOKEN,
    Address,
    Span,
    Text,
    Uri,
    address,
    blanks,
    call_id,
    date,
    media_type,
    number,
    parameter,
    same,
    span_of,
    uri,
    via,
)

MESSAGE_BYTES_MAX = MESSAGE_BYTES
HEADER_LINES_MAX = HEADER_LINES
LINE_BYTES_MAX = LINE_BYTES
METHOD_NAMES = (
    "", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "REGISTER", "PRACK", "UPDATE", "REFER", "NOTIFY",
    "SUBSCRIBE", "MESSAGE", "PUBLISH",
)
SCHEME_NAMES = {SCHEME_OTHER: "", SCHEME_SIP: "sip", SCHEME_SIPS: "sips", SCHEME_TEL: "tel"}

cdef enum:
    METHODS = 15
    CSEQ_MAX = 0x7FFFFFFF  # 8.1.1.5
    SECONDS_MAX = 0xFFFFFFFF  # delta-seconds
    FOLDED = -1
    COOKIE = 7  # length of z9hG4bK

cdef const char** METHOD_TEXT = [
    "", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "REGISTER", "PRACK", "UPDATE", "REFER", "NOTIFY",
    "SUBSCRIBE", "MESSAGE", "PUBLISH",
]
cdef int[METHODS] METHOD_SIZE = [0, 6, 3, 3, 6, 7, 4, 8, 5, 6, 5, 6, 9, 7, 7]


class ScanError(ValueError):
    """The datagram is not a SIP message.

    Attributes:
        status: what a server answers, 400 or 505.
        message: what could be read of it, to answer with; None when not even the start line is there.
    """

    def __init__(self, status: int, text: str, message: Message | None = None) -> None:
        """Keep the status and the partial message beside the text."""
        super().__init__(text)
        self.status = status
        self.message = message


cdef void fault(Scan* s, const char* text, int status=400) noexcept nogil:
    if s.fault == 0:
        s.fault = status
        s.fault_text = text


cdef void problem(Scan* s, const char* text) noexcept nogil:
    if s.problem == 0:
        s.problem = 400
        s.problem_text = text


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
    if name.n == 11:
        return H_RETRY_AFTER if same(name, "retry-after", 11) else H_OTHER
    if name.n == 12:
        if same(name, "content-type", 12):
            return H_CONTENT_TYPE
        return H_MAX_FORWARDS if same(name, "max-forwards", 12) else H_OTHER
    if name.n == 13:
        return H_RECORD_ROUTE if same(name, "record-route", 13) else H_OTHER
    if name.n == 14:
        return H_CONTENT_LENGTH if same(name, "content-length", 14) else H_OTHER
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


cdef bint sip_version(Text p, Text end) noexcept nogil:
    """SIP-Version, whatever its number."""
    cdef Span name
    name.p = p
    name.n = 3
    if end - p < 7 or not same(name, "sip", 3) or p[3] != c"/":
        return False
    p = span_of(p + 4, end, DIGIT)
    return (p - 1)[0] != c"/" and p < end and p[0] == c"." and p + 1 < end and span_of(p + 1, end, DIGIT) == end


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
            return
        s.vias += 1
        if p == end:
            return
        p += 1


cdef void party(Scan* s, Text p, Text end, Address* out, Span* line, const char* text) noexcept nogil:
    """From or To."""
    line.p = p
    line.n = end - p
    if address(p, end, out) != end:
        fault(s, text)


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


cdef void whole_number(Scan* s, Text p, Text end, long long top, long long* out, const char* text) noexcept nogil:
    cdef Text q = number(p, end, top, out)
    if q == NULL or q != end:
        fault(s, text)


cdef void retry_after(Scan* s, Text p, Text end) noexcept nogil:
    """delta-seconds [comment] *(SEMI retry-param): what follows the number is not used."""
    cdef Text q = number(p, end, SECONDS_MAX, &s.retry_after)
    if q == NULL or (q < end and not (CLASSES[q[0]] & BLANK or q[0] == c";" or q[0] == c"(")):
        fault(s, "broken Retry-After")


cdef void contact_header(Scan* s, Text p, Text end) noexcept nogil:
    if end - p == 1 and p[0] == c"*":
        s.contact_star = True
        return
    s.contacts = address_list(p, end, &s.contact, s.contacts, False)
    if s.contacts < 0:
        s.contacts = 1
        fault(s, "broken Contact")


cdef void route_header(Scan* s, int kind, Text p, Text end) noexcept nogil:
    cdef Address first
    cdef int n = address_list(p, end, &first, 0, True)
    if n < 0:
        fault(s, "broken Record-Route" if kind == H_RECORD_ROUTE else "broken Route")
    elif kind == H_RECORD_ROUTE:
        s.record_routes += n


cdef void rare_header(Scan* s, int kind, Text p, Text end) noexcept nogil:
    if kind == H_EXPIRES:
        whole_number(s, p, end, SECONDS_MAX, &s.expires, "broken Expires")
    elif kind == H_RETRY_AFTER:
        retry_after(s, p, end)
    elif kind == H_DATE:
        if not date(p, end):
            fault(s, "broken Date")
    elif kind == H_WARNING:
        if end - p < 4 or span_of(p, p + 3, DIGIT) != p + 3 or p[3] != c" ":
            fault(s, "broken Warning")


cdef void single_header(Scan* s, int kind, Text p, Text end) noexcept nogil:
    """Headers that occur once (7.3.1): the first counts."""
    if s.seen[kind] > 1:
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
        whole_number(s, p, end, 255, &s.max_forwards, "broken Max-Forwards")
    elif kind == H_CONTENT_LENGTH:
        whole_number(s, p, end, MESSAGE_BYTES, &s.content_length, "broken Content-Length")
    elif kind == H_CONTENT_TYPE:
        s.content_type.p = p
        s.content_type.n = end - p
        if not media_type(p, end):
            fault(s, "broken Content-Type")
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
    elif kind != H_REASON and kind != H_REQUIRE and kind != H_ACCEPT and kind != H_CONTENT_ENCODING:
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
    elif s.request and not s.fault:
        if s.cseq_method_text.n != s.method_text.n or memcmp(
            s.cseq_method_text.p, s.method_text.p, s.method_text.n
        ):
            fault(s, "the CSeq method is not the request's")
    if s.contact_star and s.contacts:
        fault(s, "broken Contact")
    if s.content_length >= 0:
        if s.content_length > s.body.n:
            fault(s, "Content-Length is larger than the datagram")
        else:
            s.body.n = s.content_length


cdef int run(Scan* s, Text p, Text end) noexcept nogil:
    """Fill `s`; FOLDED when the head must be unfolded first, 1 when there is a start line, else 0."""
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


cdef bytes unfold(bytes data, Py_ssize_t head):
    """A copy of the same length with each fold of the head, which begins at `head`, blanked (7.3.1)."""
    cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
    cdef bytes copy = PyBytes_FromStringAndSize(PyBytes_AS_STRING(data), n)
    cdef unsigned char* p = <unsigned char*> PyBytes_AS_STRING(copy) + head
    cdef unsigned char* end = <unsigned char*> PyBytes_AS_STRING(copy) + n
    while end - p > 2:
        p = <unsigned char*> memchr(p, c"\n", end - p)
        if p == NULL or end - p < 3 or (p[1] == c"\r" and p[2] == c"\n"):
            break
        if (p - 1)[0] == c"\r" and (p[1] == c" " or p[1] == c"\t"):
            (p - 1)[0] = p[0] = c" "
        p += 1
    return copy


cpdef Message scan(bytes data):
    """See the stub."""
    cdef Message m = Message.__new__(Message)
    cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
    cdef int got
    if n > MESSAGE_BYTES:
        raise ScanError(400, "the datagram is too large")
    m.data = data
    got = run(&m.s, <Text> PyBytes_AS_STRING(data), <Text> PyBytes_AS_STRING(data) + n)
    if got == FOLDED:
        data = unfold(data, m.s.lines - <Text> PyBytes_AS_STRING(data))
        m = Message.__new__(Message)
        m.data = data
        got = run(&m.s, <Text> PyBytes_AS_STRING(data), <Text> PyBytes_AS_STRING(data) + n)
        if got == FOLDED:
            fault(&m.s, "a fold that does not unfold")
    if m.s.fault:
        raise ScanError(m.s.fault, m.s.fault_text.decode("ascii"), m if got else None)
    return m


def parse_uri(bytes data not None) -> tuple:
    """See the stub."""
    cdef Uri out
    cdef Text p = <Text> PyBytes_AS_STRING(data)
    if not uri(p, p + PyBytes_GET_SIZE(data), &out):
        raise ScanError(400, "broken URI")
    return (SCHEME_NAMES[out.scheme], taken(out.user), taken(out.host), out.port, taken(out.params))


def parse_address(bytes data not None) -> tuple:
    """See the stub."""
    cdef Address out
    cdef Text p = <Text> PyBytes_AS_STRING(data)
    cdef Text end = p + PyBytes_GET_SIZE(data)
    if address(p, end, &out) != end:
        raise ScanError(400, "broken address")
    return taken(out.uri), taken(out.tag)


cdef inline bytes taken(Span span):
    return PyBytes_FromStringAndSize(<const char*> span.p, span.n) if span.p else b""


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


@freelist(64)
cdef class Message:
    """See the stub."""

    cdef bytes take(self, Span span):
        return PyBytes_FromStringAndSize(<const char*> span.p, span.n) if span.p else b""

    @property
    def is_request(self) -> bool:
        return self.s.request

    @property
    def status(self) -> int:
        return self.s.status

    @property
    def method(self) -> str:
        """Of a response: of the request it answers."""
        cdef int known = self.s.method if self.s.request else self.s.cseq_method
        if known:
            return METHOD_NAMES[known]
        return self.take(self.s.method_text if self.s.request else self.s.cseq_method_text).decode("latin-1")

    @property
    def phrase(self) -> bytes:
        return b"" if self.s.request else self.take(self.s.target)

    @property
    def uri(self) -> bytes:
        return self.take(self.s.target) if self.s.request else b""

    @property
    def uri_scheme(self) -> str:
        return SCHEME_NAMES[self.s.target_parts.scheme]

    @property
    def uri_user(self) -> bytes:
        return self.take(self.s.target_parts.user)

    @property
    def call_id(self) -> bytes:
        return self.take(self.s.call_id)

    @property
    def cseq(self) -> int:
        return self.s.cseq

    @property
    def branch(self) -> bytes:
        return self.take(self.s.via.branch)

    @property
    def vias(self) -> int:
        return self.s.vias

    @property
    def sent_by(self) -> tuple[bytes, int]:
        return self.take(self.s.via.host), self.s.via.port

    @property
    def rport(self) -> bool:
        return self.s.via.rport

    @property
    def from_value(self) -> bytes:
        return self.take(self.s.from_line)

    @property
    def from_tag(self) -> bytes:
        return self.take(self.s.from_.tag)

    @property
    def from_uri(self) -> bytes:
        return self.take(self.s.from_.uri)

    @property
    def from_user(self) -> bytes:
        return self.take(self.s.from_.parts.user)

    @property
    def to_value(self) -> bytes:
        return self.take(self.s.to_line)

    @property
    def to_tag(self) -> bytes:
        return self.take(self.s.to.tag)

    @property
    def contact_uri(self) -> bytes:
        return self.take(self.s.contact.uri)

    @property
    def contacts(self) -> int:
        return self.s.contacts

    @property
    def record_routes(self) -> list[bytes]:
        return self.addresses(H_RECORD_ROUTE) if self.s.record_routes else []

    @property
    def max_forwards(self) -> int:
        return self.s.max_forwards

    @property
    def expires(self) -> int:
        return self.s.expires

    @property
    def retry_after(self) -> int:
        return self.s.retry_after

    @property
    def content_type(self) -> bytes:
        """type/subtype in lower case."""
        if self.s.content_type.p == NULL:
            return b""
        whole = self.take(self.s.content_type)
        return whole.partition(b";")[0].replace(b" ", b"").replace(b"\t", b"").lower()

    @property
    def body(self) -> bytes:
        return self.take(self.s.body)

    @property
    def q850(self) -> int:
        cdef long long cause
        cdef Text p
        if self.s.seen[H_REASON] == 0:
            return 0
        for value in self.get_all("Reason"):
            p = <Text> PyBytes_AS_STRING(value)
            cause = q850_of(p, p + PyBytes_GET_SIZE(value))
            if cause > 0:
                return cause
        return 0

    @property
    def problem(self) -> tuple[int, str]:
        if self.s.problem == 0:
            return 0, ""
        return self.s.problem, self.s.problem_text.decode("ascii")

    @property
    def transaction_key(self) -> bytes:
        """What a server transaction is found by (17.2.3), the method aside; RFC 2543's way without the cookie."""
        cdef Span branch = self.s.via.branch
        if branch.n > COOKIE and memcmp(branch.p, "z9hG4bK", COOKIE) == 0:
            return b"%b|%b:%d" % (self.take(branch), self.take(self.s.via.host).lower(), self.s.via.port)
        return b"|".join((
            self.take(self.s.target), self.from_tag, self.call_id, b"%d" % self.s.cseq, self.take(self.s.via_line),
        ))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """See the stub."""
        cdef Text p = self.s.lines
        cdef Text lf
        cdef Text q
        cdef Span name
        cdef Span value
        out = []
        while p != NULL and p < self.s.lines_end:
            lf = <Text> memchr(p, c"\n", self.s.lines_end - p)
            q = span_of(p, lf, TOKEN)
            name.p = p
            name.n = q - p
            q = blanks(q, lf)
            if q[0] == c":":
                value.p = blanks(q + 1, lf - 1)
                q = lf - 1
                while q > value.p and CLASSES[(q - 1)[0]] & BLANK:
                    q -= 1
                value.n = q - value.p
                out.append((self.take(name), self.take(value)))
            p = lf + 1
        return out

    def get_all(self, name: str) -> list[bytes]:
        """See the stub."""
        wanted = name.lower().encode()
        short = COMPACT.get(wanted, wanted)
        return [v for n, v in self.headers() if (low := n.lower()) == wanted or low == short]

    cdef list addresses(self, int kind):
        """The elements of an address list header, brackets and parameters included."""
        cdef Text p
        cdef Text q
        cdef Text end
        cdef Address one
        out = []
        for value in self.get_all("Record-Route" if kind == H_RECORD_ROUTE else "Contact"):
            p = <Text> PyBytes_AS_STRING(value)
            end = p + PyBytes_GET_SIZE(value)
            while p < end:
                q = address(p, end, &one)
                if q == NULL:
                    break
                out.append(PyBytes_FromStringAndSize(<const char*> p, q - p).strip())
                p = q + 1
        return out

    def reply_head(self, host: bytes, port: int) -> bytes:
        """See the stub."""
        cdef Text line_end = self.s.via_line.p + self.s.via_line.n
        cdef Span rest
        cdef Span first
        cdef list out = [b"Via: "]
        cdef Text cut = self.s.via.rport_end
        if self.s.vias and self.s.fault == 0:
            first.p = self.s.via_line.p
            first.n = (cut if cut else self.s.via.end) - first.p
            out.append(self.take(first))
            if cut:
                out.append(b"=%d" % port)
                first.p = cut
                first.n = self.s.via.end - cut
                out.append(self.take(first))
            if not self.s.via.received and (self.s.via.rport or self.take(self.s.via.host) != host):
                out.append(b";received=" + host)
            rest.p = self.s.via.end
            rest.n = line_end - rest.p
            out.append(self.take(rest))
        else:
            out.append(self.take(self.s.via_line))
        if self.s.seen[H_VIA] > 1:
            for value in self.get_all("Via")[1:]:
                out.append(b"\r\nVia: ")
                out.append(value)
        out.append(b"\r\nFrom: ")
        out.append(self.take(self.s.from_line))
        out.append(b"\r\nCall-ID: ")
        out.append(self.take(self.s.call_id))
        out.append(b"\r\nCSeq: ")
        out.append(self.take(self.s.cseq_line))
        out.append(b"\r\n")
        return b"".join(out)

    @property
    def answerable(self) -> bool:
        """Whether the five headers that a response repeats are there, in whatever shape."""
        return (
            self.s.request
            and self.s.via_line.p != NULL
            and self.s.from_line.p != NULL
            and self.s.to_line.p != NULL
            and self.s.call_id.p != NULL
            and self.s.cseq_line.p != NULL
        )


COMPACT = {
    b"via": b"v", b"from": b"f", b"to": b"t", b"call-id": b"i", b"contact": b"m", b"content-length": b"l",
    b"content-type": b"c", b"content-encoding": b"e", b"subject": b"s", b"supported": b"k",
}
