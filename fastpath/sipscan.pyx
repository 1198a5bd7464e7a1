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

from fastpath.sipfields cimport Address, Via, address
from fastpath.sipgrammar cimport (
    SCHEME_OTHER,
    SCHEME_SIP,
    SCHEME_SIPS,
    SCHEME_TEL,
    Span,
    Text,
    Uri,
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

from fastpath.sipspan cimport (
    add_span,
    branch_key,
    header_line,
    named,
    spells,
    taken,
)
from fastpath.sipwrite cimport Pieces, add, joined, put, put_number, start

from fastpath.sipnames import METHOD_NAMES

MESSAGE_BYTES_MAX = MESSAGE_BYTES
HEADER_LINES_MAX = HEADER_LINES
LINE_BYTES_MAX = LINE_BYTES
SCHEME_NAMES = {SCHEME_OTHER: "", SCHEME_SIP: "sip", SCHEME_SIPS: "sips", SCHEME_TEL: "tel"}

cdef tuple METHODS = tuple(METHOD_NAMES)
cdef bytes SDP = b"application/sdp"

cdef enum:
    COOKIE = 7  # length of z9hG4bK
    SDP_CHARS = 15


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


cdef inline void fill(Message m):
    """The values that every message is asked for."""
    cdef int* seen = m.s.seen
    cdef int known = m.s.method if m.s.request else m.s.cseq_method
    if known:
        m.method = <str> (<tuple> METHODS)[known]
    else:
        m.method = taken(
            m.s.method_text if m.s.request else m.s.cseq_method_text
        ).decode("latin-1")
    m.is_request = m.s.request
    m.status = m.s.status
    m.vias = m.s.vias
    m.contacts = m.s.contacts
    m.cseq = m.s.cseq
    m.rport = m.s.via.rport
    m.demands = seen[H_REQUIRE] + seen[H_ACCEPT] + seen[H_CONTENT_ENCODING] > 0
    m.timed = seen[H_SESSION_EXPIRES] > 0
    m.replaces = seen[H_REPLACES] > 0
    m.reasoned = seen[H_REASON] > 0
    m.fault = m.s.problem


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
    fill(m)
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


@freelist(64)
cdef class Message:
    """See the stub."""

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
    def branch(self) -> bytes:
        return taken(self.s.via.branch)

    @property
    def sent_by(self) -> tuple[bytes, int]:
        return taken(self.s.via.host), self.s.via.port

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
        cdef Span kind = self.s.content_type
        if kind.p == NULL:
            return b""
        if kind.n > SDP_CHARS and kind.p[SDP_CHARS] == c";":
            kind.n = SDP_CHARS
        if named(kind, b"application/sdp", SDP_CHARS):
            return SDP
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
    def transaction_key(self) -> bytes:
        """What a server transaction is found by (17.2.3), the method aside.

        RFC 2543's way without the cookie.
        """
        cdef Span branch = self.s.via.branch
        if branch.n > COOKIE and memcmp(branch.p, "z9hG4bK", COOKIE) == 0:
            return branch_key(branch, self.s.via.host, self.s.via.port)
        return b"|".join((
            taken(self.s.target), self.from_tag, self.call_id, b"%d" % self.s.cseq,
            taken(self.s.via_line),
        ))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """See the stub."""
        cdef Text p = self.s.lines
        cdef Text end
        cdef Span name
        cdef Span value
        cdef list out = []
        while p != NULL and p < self.s.lines_end:
            end = header_line(p, self.s.lines_end, &name, &value)
            if value.p:
                out.append((taken(name), taken(value)))
            p = end
        return out

    def get_all(self, name: str) -> list[bytes]:
        """See the stub."""
        cdef bytes wanted = name.lower().encode()
        cdef bytes short = COMPACT.get(wanted, wanted)
        cdef Text p = self.s.lines
        cdef Text end
        cdef Span called
        cdef Span value
        cdef list out = []
        while p != NULL and p < self.s.lines_end:
            end = header_line(p, self.s.lines_end, &called, &value)
            if value.p and (
                named(called, PyBytes_AS_STRING(wanted), PyBytes_GET_SIZE(wanted))
                or named(called, PyBytes_AS_STRING(short), PyBytes_GET_SIZE(short))
            ):
                out.append(taken(value))
            p = end
        return out

    cpdef bytes reply_head(self, bytes host, unsigned int port):
        """See the stub."""
        cdef Pieces w
        cdef Text cut = self.s.via.rport_end
        cdef Via* via = &self.s.via
        cdef Span line = self.s.via_line
        cdef bytes more
        start(&w)
        add(&w, b"Via: ", 5)
        if self.s.vias and self.s.fault == 0:
            if cut:
                add(&w, <const char*> line.p, cut - line.p)
                add(&w, b"=", 1)
                put_number(&w, port)
                add(&w, <const char*> cut, via.end - cut)
            else:
                add(&w, <const char*> line.p, via.end - line.p)
            if not via.received and (via.rport or not spells(via.host, host)):
                add(&w, b";received=", 10)
                put(&w, host)
            add(&w, <const char*> via.end, line.p + line.n - via.end)
        else:
            add_span(&w, line)
        if self.s.seen[H_VIA] > 1:
            more = b"".join([b"\r\nVia: " + value for value in self.get_all("Via")[1:]])
            put(&w, more)
        add(&w, b"\r\nFrom: ", 8)
        add_span(&w, self.s.from_line)
        add(&w, b"\r\nCall-ID: ", 11)
        add_span(&w, self.s.call_id)
        add(&w, b"\r\nCSeq: ", 8)
        add_span(&w, self.s.cseq_line)
        add(&w, b"\r\n", 2)
        return joined(&w)

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
