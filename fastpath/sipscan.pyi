"""Scanner of one SIP datagram (RFC 3261 sections 7, 20, 25).

One pass, values are taken out on demand.
"""

from typing import Final, final

from fastpath.sipnames import METHOD_NAMES as METHOD_NAMES

MESSAGE_BYTES_MAX: Final[int]
HEADER_LINES_MAX: Final[int]
LINE_BYTES_MAX: Final[int]
SCHEME_NAMES: dict[int, str]
"""Scheme codes of the scanner, as text."""
COMPACT: dict[bytes, bytes]
"""Header names and their one-letter forms (RFC 3261 section 7.3.3)."""

class ScanError(ValueError):
    """The datagram is not a SIP message."""

    status: int
    """What a server answers: 400 or 505."""
    message: Message | None
    """What could be read, to answer with; None when there is no start line."""
    def __init__(self, status: int, text: str, message: Message | None = None) -> None: ...

@final
class Message:
    """A scanned message. Text is bytes as received, unescaped; absent things are b"" or -1.

    Made only by `scan`. Folded lines have been blanked, so every value is on one line.
    """

    @property
    def data(self) -> bytes:
        """The datagram, folds blanked."""
    @property
    def is_request(self) -> bool:
        """Or a response."""
    @property
    def status(self) -> int:
        """100-699; 0 for a request."""
    @property
    def method(self) -> str:
        """The request's, or that of the request a response answers (CSeq)."""
    @property
    def phrase(self) -> bytes:
        """The reason phrase of a response."""
    @property
    def uri(self) -> bytes:
        """The Request-URI."""
    @property
    def uri_scheme(self) -> str:
        """Of the Request-URI: sip, sips, tel, or "" for others."""
    @property
    def uri_user(self) -> bytes:
        """The user part of the Request-URI."""
    @property
    def call_id(self) -> bytes:
        """As it is."""
    @property
    def cseq(self) -> int:
        """Its number."""
    @property
    def branch(self) -> bytes:
        """Of the topmost Via."""
    @property
    def vias(self) -> int:
        """How many Via values there are."""
    @property
    def sent_by(self) -> tuple[bytes, int]:
        """Host and port of the topmost Via; -1 when it names none."""
    @property
    def rport(self) -> bool:
        """Whether the topmost Via has the parameter (RFC 3581)."""
    @property
    def from_value(self) -> bytes:
        """The whole header value."""
    @property
    def from_tag(self) -> bytes:
        """Of the From header."""
    @property
    def from_uri(self) -> bytes:
        """Of the From header."""
    @property
    def from_user(self) -> bytes:
        """Of the From header."""
    @property
    def to_value(self) -> bytes:
        """The whole header value."""
    @property
    def to_tag(self) -> bytes:
        """Of the To header."""
    @property
    def contact_uri(self) -> bytes:
        """The first Contact's."""
    @property
    def contacts(self) -> int:
        """How many addresses the Contact headers hold."""
    @property
    def record_routes(self) -> list[bytes]:
        """Each with brackets and parameters, in the message's order.

        One empty value stands for those of a response that cannot be read.
        """
    @property
    def max_forwards(self) -> int:
        """0-255."""
    @property
    def expires(self) -> int:
        """Seconds."""
    @property
    def retry_after(self) -> int:
        """Seconds."""
    @property
    def content_type(self) -> bytes:
        """type/subtype in lower case, without parameters."""
    @property
    def body(self) -> bytes:
        """As long as Content-Length says, or the rest of the datagram."""
    @property
    def q850(self) -> int:
        """The Q.850 cause of the Reason header (RFC 3326); 0 when there is none."""
    @property
    def problem(self) -> tuple[int, str]:
        """Why a user agent refuses this well-formed message: (400, text), or (0, "")."""
    @property
    def fault(self) -> int:
        """The status of `problem`: 400 or 0."""
    @property
    def demands(self) -> bool:
        """Whether it has a Require, an Accept or a Content-Encoding header."""
    @property
    def timed(self) -> bool:
        """Whether it has a Session-Expires header (RFC 4028)."""
    @property
    def replaces(self) -> bool:
        """Whether it has a Replaces header (RFC 3891)."""
    @property
    def reasoned(self) -> bool:
        """Whether it has a Reason header (RFC 3326)."""
    @property
    def transaction_key(self) -> bytes:
        """What its server transaction is found by, the method aside (17.2.3, RFC 2543)."""
    @property
    def answerable(self) -> bool:
        """Whether a response can repeat the headers it must."""
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Every header line: (name, trimmed value)."""
    def get_all(self, name: str) -> list[bytes]:
        """Values of all lines of a header, by either form of its name."""
    def reply_head(self, host: bytes, port: int) -> bytes:
        """The Via, From, Call-ID and CSeq lines of a response to this request.

        The topmost Via gets `received` and the value of `rport` (RFC 3581) for a request that came
        from there.
        """

def scan(data: bytes) -> Message:
    """Scan one datagram; ScanError (nothing else) when it is no SIP message."""

def parse_uri(data: bytes) -> tuple[str, bytes, bytes, int, bytes]:
    """(scheme, user, host, port or -1, parameters) of a URI; ScanError when it is none."""

def parse_address(data: bytes) -> tuple[bytes, bytes]:
    """(URI, tag) of a name-addr or addr-spec; ScanError when it is none."""
