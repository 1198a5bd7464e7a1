"""SIP messages for any program: read, looked at, edited, written back.

The machines of this package work on the scanner's `Message`; this is the same judgement with text
instead of bytes, names instead of offsets, and a writer that cannot be made to write what would not
be read again.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from fastpath.sipscan import Message, ScanError, parse_uri, scan
from sip.errors import SipError
from sip.messages import address
from sip.messages.address import NameAddr, Params, param, params_of
from sip.messages.causes import Reason, reasons
from sip.messages.header_map import Headers, decoded
from sip.messages.header_names import canonical
from sip.messages.headers import text
from sip.messages.message import response

_METHOD = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_VIA = re.compile(
    r"\s*([^\s/]+)\s*/\s*([^\s/]+)\s*/\s*(\S+)\s+(\[[^\]]*\]|[^\s:;]+)(?:\s*:\s*([0-9]+))?"
)


class ParseError(SipError):
    """The datagram is no SIP message.

    Attributes:
        status: what a server answers to such a request: 400 or 505.
        message: what could be read of it, None when not even the start line could.
    """

    def __init__(self, status: int, why: str, message: Message | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.message = message

    def reply(self, host: str = "", port: int = 0, tag: str = "") -> bytes | None:
        """The answer to send, None where silence is due.

        Silence is due to responses, to an ACK, and to what cannot be answered because a header that
        an answer repeats is missing. `host` and `port` are the sender's (RFC 3581), `tag` ours.
        """
        found = self.message
        if found is None or not found.answerable or found.method == "ACK":
            return None
        to = found.to_value
        if not found.to_tag:
            what = found.call_id + b"|" + found.branch
            own = tag or hashlib.blake2b(what, digest_size=8).hexdigest()
            to += b";tag=" + text(own, "tag").encode()
        head = found.reply_head(host.encode() or found.sent_by[0], port or max(found.sent_by[1], 0))
        return response(self.status, head, to, phrase="" if self.status == 505 else str(self))


class Via(msgspec.Struct, frozen=True):
    """One hop. `port` is -1 when none is given, `host` has the brackets of an IPv6 address."""

    transport: str
    host: str
    port: int
    params: Params
    protocol: str = "SIP/2.0"

    @property
    def branch(self) -> str:
        """Empty when there is none."""
        return param(self.params, "branch") or ""


class CSeq(msgspec.Struct, frozen=True):
    """The number and the method that a request is known by in its dialog."""

    number: int
    method: str


class SipMessage:
    """A request or a response. Made by `parse_message`; everything but its kind can be edited.

    Setting something that cannot be written raises SipError, and so does `bytes` when edits that
    were each possible do not make a message together (a method that the CSeq does not name).
    Absent fields read as "", -1, None or an empty list.

    Attributes:
        headers: the header fields, by any form of their names.
        problem: why a user agent refuses this well-formed message, (400, text); else (0, "").
    """

    __slots__ = (
        "_body",
        "_edited",
        "_headers",
        "_method",
        "_phrase",
        "_scanned",
        "_status",
        "_uri",
    )

    def __init__(self, scanned: Message) -> None:
        self._scanned = scanned
        self._headers: Headers | None = None
        self._method: str | None = None
        self._uri: str | None = None
        self._status = scanned.status
        self._phrase: str | None = None
        self._body: bytes | None = None
        self._edited = False

    # the start line

    @property
    def is_request(self) -> bool:
        """Or a response."""
        return self._status == 0

    @property
    def problem(self) -> tuple[int, str]:
        """See the class; of the message as it came."""
        return self._scanned.problem

    @property
    def method(self) -> str:
        """The request's, or that of the request which a response answers."""
        return self._scanned.method if self._method is None else self._method

    @method.setter
    def method(self, value: str) -> None:
        if not self.is_request or not _METHOD.fullmatch(value):
            raise SipError(f"not a method of this message: {value!r}")
        self._method, self._edited = value, True

    @property
    def uri(self) -> str:
        """The Request-URI, empty for a response."""
        return self._scanned.uri.decode("latin-1") if self._uri is None else self._uri

    @uri.setter
    def uri(self, value: str) -> None:
        try:
            parse_uri(text(value, "Request-URI").encode())
        except ScanError:
            raise SipError(f"not a URI: {value!r}") from None
        if not self.is_request:
            raise SipError("a response has no Request-URI")
        self._uri, self._edited = value, True

    @property
    def status(self) -> int:
        """100-699, 0 for a request."""
        return self._status

    @status.setter
    def status(self, value: int) -> None:
        if self.is_request or not 100 <= value < 700:
            raise SipError(f"not a status of this message: {value}")
        self._status, self._edited = value, True

    @property
    def phrase(self) -> str:
        """The reason phrase, empty for a request."""
        return decoded(self._scanned.phrase) if self._phrase is None else self._phrase

    @phrase.setter
    def phrase(self, value: str) -> None:
        if self.is_request:
            raise SipError("a request has no reason phrase")
        self._phrase, self._edited = text(value, "phrase"), True

    # header fields

    @property
    def headers(self) -> Headers:
        """See the class."""
        if self._headers is None:
            pairs = self._scanned.headers()
            found = Headers((canonical(name.decode("latin-1")), decoded(v)) for name, v in pairs)
            found.body_is(len(self.body))
            self._headers = found
        return self._headers

    def addresses(self, name: str) -> list[NameAddr]:
        """Every address of a field: Contact, Route, Refer-To, P-Asserted-Identity...

        SipError when one is broken, which can only be so in a response, or for a field that
        `parse_message` does not judge. `Contact: *` is no address.
        """
        lines = [line for line in self.headers.get_all(name) if line != "*"]
        return [one for line in lines for one in address.parse_list(line)]

    def _readable(self, name: str) -> list[NameAddr]:
        """The same; a field that is broken in a response is as good as absent."""
        try:
            return self.addresses(name)
        except SipError:
            return []

    def _only(self, name: str) -> NameAddr | None:
        return next(iter(self.addresses(name)), None)

    @property
    def from_(self) -> NameAddr | None:
        """The From field."""
        return self._only("From")

    @property
    def to(self) -> NameAddr | None:
        """The To field."""
        return self._only("To")

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact."""
        return next(iter(self.contacts), None)

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact."""
        return self._readable("Contact")

    @property
    def routes(self) -> list[NameAddr]:
        """Route, in the order they are travelled."""
        return self._readable("Route")

    @property
    def record_routes(self) -> list[NameAddr]:
        """Record-Route, the last proxy first."""
        return self._readable("Record-Route")

    @property
    def vias(self) -> list[Via]:
        """Every hop, the last one first."""
        parts = [part for line in self.headers.get_all("Via") for part in address.split(line)]
        out = []
        for part in parts:
            found = _VIA.match(part)
            if found is not None:
                name, version, transport, host, port = found.groups()
                tail = params_of(part[found.end() :])
                out.append(Via(transport, host, int(port or -1), tail, f"{name}/{version}"))
        return out

    @property
    def via(self) -> Via | None:
        """The topmost hop."""
        return next(iter(self.vias), None)

    @property
    def cseq(self) -> CSeq | None:
        """The CSeq field."""
        number, _, method = (self.headers.get("CSeq") or "").partition(" ")
        return CSeq(int(number), method.strip()) if number.isdecimal() else None

    @property
    def call_id(self) -> str:
        """The Call-ID field."""
        return self.headers.get("Call-ID") or ""

    @property
    def max_forwards(self) -> int:
        """0-255, -1 when absent, or unreadable in a response."""
        return self._number("Max-Forwards", 255)

    @property
    def expires(self) -> int:
        """Seconds, -1 when absent, or unreadable in a response."""
        return self._number("Expires", 0xFFFF_FFFF)

    def _number(self, name: str, top: int) -> int:
        text = self.headers.get(name) or ""
        digits = text.lstrip("0") or text[:1]
        if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(top))):
            return -1
        return int(digits) if int(digits) <= top else -1

    @property
    def content_type(self) -> str:
        """type/subtype in lower case, without parameters."""
        kind = (self.headers.get("Content-Type") or "").partition(";")[0]
        return "".join(kind.split()).lower()

    @property
    def reasons(self) -> list[Reason]:
        """The Reason fields (RFC 3326)."""
        return list(reasons(self.headers.get_all("Reason")))

    # the body

    @property
    def body(self) -> bytes:
        """As long as its Content-Length said, or the rest of the datagram."""
        return self._scanned.body if self._body is None else self._body

    @body.setter
    def body(self, value: bytes) -> None:
        self.headers.body_is(len(value))
        self._body, self._edited = bytes(value), True

    # as a whole

    def __bytes__(self) -> bytes:
        """The message for the wire; it reads back as this one."""
        if self.is_request:
            start = f"{self.method} {self.uri} SIP/2.0"
        else:
            start = f"SIP/2.0 {self._status} {self.phrase}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        data = b"%b\r\n%b\r\n%b" % (start.encode(), lines.encode(), self.body)
        if self._edited or self.headers.edited:
            try:
                scan(data)
            except ScanError as error:
                raise SipError(f"the edited message is broken: {error}") from None
        return data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SipMessage) and self._whole() == other._whole()

    __hash__ = None  # type: ignore[assignment]

    def _whole(self) -> tuple[object, ...]:
        start = (self.method, self.uri, self._status, self.phrase)
        return *start, self.headers.items(), self.body

    def __repr__(self) -> str:
        start = f"{self.method} {self.uri}" if self.is_request else f"{self._status} {self.phrase}"
        return f"<SipMessage {start}>"


def parse_message(datagram: bytes) -> SipMessage:
    """Read one datagram; ParseError, and nothing else, when it is no SIP message.

    What is SIP but cannot be served (a mandatory field missing or repeated) is read, and says so in
    `problem`.
    """
    try:
        return SipMessage(scan(bytes(datagram)))
    except ScanError as error:
        raise ParseError(error.status, str(error), error.message) from None
