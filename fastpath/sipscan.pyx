"""One pass over a datagram.

What a user agent needs is checked and found at once, the rest on demand.

A message that is not SIP (a broken start line, URI, address, number, list) raises `ScanError` with
the status a server should answer, as the RFC 4475 section 3.1.2 messages ask. A message that is SIP
but cannot be served as it is (a mandatory header missing or repeated) says so in `problem`.

Rules of tolerance, each on purpose:
- leading empty lines are skipped (7.5); bytes after Content-Length are not in the message (18.3);
- a status line may lack the space before an empty phrase; host names may contain underscores;
- lines end in CRLF only: a lone CR or LF in the head is refused, so that nothing smuggles a line.
"""

from libc.string cimport memchr, memcmp

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython cimport freelist

from fastpath.sipfields cimport Address, address
from fastpath.sipgrammar cimport (
    BLANK,
    CLASSES,
    SCHEME_OTHER,
    SCHEME_SIP,
    SCHEME_SIPS,
    SCHEME_TEL,
    TOKEN,
    Span,
    Text,
    Uri,
    blanks,
    span_of,
    uri,
)
from fastpath.siphead cimport FOLDED, HEADER_LINES, LINE_BYTES, MESSAGE_BYTES, fault, q850_of, run
from fastpath.sipnames cimport (
    H_ACCEPT,
    H_CONTENT_ENCODING,
    H_REASON,
    H_REPLACES,
    H_REQUIRE,
    H_SESSION_EXPIRES,
    H_VIA,
)

from fastpath.sipnames import METHOD_NAMES

MESSAGE_BYTES_MAX = MESSAGE_BYTES
HEADER_LINES_MAX = HEADER_LINES
LINE_BYTES_MAX = LINE_BYTES
SCHEME_NAMES = {SCHEME_OTHER: "", SCHEME_SIP: "sip", SCHEME_SIPS: "sips", SCHEME_TEL: "tel"}

cdef enum:
    COOKIE = 7  # length of z9hG4bK


class ScanError(ValueError):
    """The datagram is not a SIP message.

    Attributes:
        status: what a server answers, 400 or 505.
        message: what could be read of it, to answer with; None when not even the start line is
        there.
    """

    def __init__(self, status: int, text: str, message: Message | None = None) -> None:
        """Keep the status and the partial message beside the text."""
        super().__init__(text)
        self.status = status
        self.message = message


cdef bytes unfold(bytes data, Py_ssize_t head):
    """A copy of the same length with each fold after `head` blanked (7.3.1)."""
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


@freelist(64)
cdef class Message:
    """See the stub."""

    @property
    def is_request(self) -> bool:
        return self.s.request

    @property
    def status(self) -> int:
        return self.s.status

    @property
    def method(self) -> str:
        cdef int known = self.s.method if self.s.request else self.s.cseq_method
        if known:
            return METHOD_NAMES[known]
        if self.s.request:
            return taken(self.s.method_text).decode("latin-1")
        return taken(self.s.cseq_method_text).decode("latin-1")

    @property
    def phrase(self) -> bytes:
        return b"" if self.s.request else taken(self.s.target)

    @property
    def uri(self) -> bytes:
        return taken(self.s.target) if self.s.request else b""

    @property
    def uri_scheme(self) -> str:
        return SCHEME_NAMES[self.s.target_parts.scheme]

    @property
    def uri_user(self) -> bytes:
        return taken(self.s.target_parts.user)

    @property
    def call_id(self) -> bytes:
        return taken(self.s.call_id)

    @property
    def cseq(self) -> int:
        return self.s.cseq

    @property
    def branch(self) -> bytes:
        return taken(self.s.via.branch)

    @property
    def vias(self) -> int:
        return self.s.vias

    @property
    def sent_by(self) -> tuple[bytes, int]:
        return taken(self.s.via.host), self.s.via.port

    @property
    def rport(self) -> bool:
        return self.s.via.rport

    @property
    def from_value(self) -> bytes:
        return taken(self.s.from_line)

    @property
    def from_tag(self) -> bytes:
        return taken(self.s.from_.tag)

    @property
    def from_uri(self) -> bytes:
        return taken(self.s.from_.uri)

    @property
    def from_user(self) -> bytes:
        return taken(self.s.from_.parts.user)

    @property
    def to_value(self) -> bytes:
        return taken(self.s.to_line)

    @property
    def to_tag(self) -> bytes:
        return taken(self.s.to.tag)

    @property
    def contact_uri(self) -> bytes:
        return taken(self.s.contact.uri)

    @property
    def contacts(self) -> int:
        return self.s.contacts

    @property
    def record_routes(self) -> list[bytes]:
        cdef Text p
        cdef Text q
        cdef Text end
        cdef Address one
        out = []
        if self.s.record_routes <= 0:
            return [b""] if self.s.record_routes else out
        for value in self.get_all("Record-Route"):
            p = <Text> PyBytes_AS_STRING(value)
            end = p + PyBytes_GET_SIZE(value)
            while p < end:
                q = address(p, end, &one)
                if q == NULL:
                    break
                out.append(PyBytes_FromStringAndSize(<const char*> p, q - p).strip())
                p = q + 1
        return out

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
        if self.s.content_type.p == NULL:
            return b""
        whole = taken(self.s.content_type)
        return whole.partition(b";")[0].replace(b" ", b"").replace(b"\t", b"").lower()

    @property
    def body(self) -> bytes:
        return taken(self.s.body)

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
    def demands(self) -> bool:
        seen = self.s.seen[H_REQUIRE] + self.s.seen[H_ACCEPT] + self.s.seen[H_CONTENT_ENCODING]
        return seen > 0

    @property
    def timed(self) -> bool:
        return self.s.seen[H_SESSION_EXPIRES] > 0

    @property
    def replaces(self) -> bool:
        return self.s.seen[H_REPLACES] > 0

    @property
    def reasoned(self) -> bool:
        return self.s.seen[H_REASON] > 0

    @property
    def transaction_key(self) -> bytes:
        """What a server transaction is found by (17.2.3), the method aside.

        RFC 2543's way without the cookie.
        """
        cdef Span branch = self.s.via.branch
        if branch.n > COOKIE and memcmp(branch.p, "z9hG4bK", COOKIE) == 0:
            host = taken(self.s.via.host).lower()
            return b"%b|%b:%d" % (taken(branch), host, self.s.via.port)
        return b"|".join((
            taken(self.s.target), self.from_tag, self.call_id, b"%d" % self.s.cseq,
            taken(self.s.via_line),
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
                out.append((taken(name), taken(value)))
            p = lf + 1
        return out

    def get_all(self, name: str) -> list[bytes]:
        """See the stub."""
        wanted = name.lower().encode()
        short = COMPACT.get(wanted, wanted)
        return [v for n, v in self.headers() if (low := n.lower()) == wanted or low == short]

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
            out.append(taken(first))
            if cut:
                out.append(b"=%d" % port)
                first.p = cut
                first.n = self.s.via.end - cut
                out.append(taken(first))
            if not self.s.via.received and (self.s.via.rport or taken(self.s.via.host) != host):
                out.append(b";received=" + host)
            rest.p = self.s.via.end
            rest.n = line_end - rest.p
            out.append(taken(rest))
        else:
            out.append(taken(self.s.via_line))
        if self.s.seen[H_VIA] > 1:
            for value in self.get_all("Via")[1:]:
                out.append(b"\r\nVia: ")
                out.append(value)
        out.append(b"\r\nFrom: ")
        out.append(taken(self.s.from_line))
        out.append(b"\r\nCall-ID: ")
        out.append(taken(self.s.call_id))
        out.append(b"\r\nCSeq: ")
        out.append(taken(self.s.cseq_line))
        out.append(b"\r\n")
        return b"".join(out)

    @property
    def answerable(self) -> bool:
        """Whether the five headers that a response repeats are there, in whatever shape."""
        if not self.s.request or self.s.via_line.p == NULL or self.s.from_line.p == NULL:
            return False
        return self.s.to_line.p != NULL and self.s.call_id.p != NULL and self.s.cseq_line.p != NULL


COMPACT = {
    b"via": b"v", b"from": b"f", b"to": b"t", b"call-id": b"i", b"contact": b"m",
    b"content-length": b"l", b"content-type": b"c", b"content-encoding": b"e", b"subject": b"s",
    b"supported": b"k", b"session-expires": b"x", b"refer-to": b"r", b"referred-by": b"b",
    b"event": b"o", b"allow-events": b"u",
}
