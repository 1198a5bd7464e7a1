"""Status codes and Q.850 causes: default phrases, and the Reason header (RFC 3326)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fastpath.sipscan import Message
from sip.errors import SipError
from sip.limits import REASONS_MAX
from sip.messages.address import param, params_of, split
from sip.messages.header_map import decoded
from sip.messages.headers import quoted

PHRASES: dict[int, str] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
CLASSES = ("", "Progress", "OK", "Redirected", "Refused", "Server Failure", "Refused Everywhere")

Q850: dict[int, str] = {
    1: "Unallocated number",
    16: "Normal call clearing",
    17: "User busy",
    18: "No user responding",
    19: "No answer from user",
    20: "Subscriber absent",
    21: "Call rejected",
    22: "Number changed",
    27: "Destination out of order",
    28: "Invalid number format",
    31: "Normal, unspecified",
    34: "No circuit available",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    127: "Interworking, unspecified",
}


def phrase(code: int) -> str:
    """The usual phrase of a status code (any in 100-699)."""
    return PHRASES.get(code) or CLASSES[code // 100]


def checked_q850(q850: int) -> int:
    """The cause itself, 0 for none; SipError when there is none such."""
    if not 0 <= q850 <= 127:
        raise SipError(f"not a Q.850 cause: {q850}")
    return q850


def reason_line(q850: int) -> bytes:
    """A Reason header line with its CRLF; nothing for cause 0."""
    if not q850:
        return b""
    text = Q850.get(q850)
    return b"Reason: Q.850;cause=%d%b\r\n" % (q850, f';text="{text}"'.encode() if text else b"")


class Reason(msgspec.Struct, frozen=True):
    """Why a request or a refusal was sent.

    Attributes:
        protocol: "Q.850" or "SIP", or what the peer wrote.
        cause: the Q.850 cause or the SIP status; 0 when none is given.
        text: the peer's words, as they are.
    """

    protocol: str
    cause: int
    text: str = ""


def reasons(values: Iterable[str]) -> tuple[Reason, ...]:
    """Those of these Reason values, REASONS_MAX at most; what cannot be read is left out."""
    found = []
    for part in (part for value in values for part in split(value)):
        protocol, semicolon, tail = part.partition(";")
        params = params_of(semicolon + tail)
        cause = param(params, "cause") or "0"
        if protocol.strip() and len(cause) < 4 and cause.isascii() and cause.isdecimal():
            found.append(Reason(protocol.strip(), int(cause), param(params, "text") or ""))
    return tuple(found[:REASONS_MAX])


def heard_reasons(message: Message) -> tuple[Reason, ...]:
    """Why the peer sent this; most do not say."""
    if not message.reasoned:
        return ()
    return reasons(decoded(value) for value in message.get_all("Reason"))


def reason_lines(those: Iterable[Reason]) -> bytes:
    """Reason header lines with their CRLF; SipError when one cannot be written."""
    out = b""
    for one in those:
        top = {"Q.850": 127, "SIP": 699}.get(one.protocol)
        if top is None or not 0 < one.cause <= top:
            raise SipError(f"not a reason that we give: {one.protocol!r} {one.cause}")
        words = one.text or (Q850 if one.protocol == "Q.850" else PHRASES).get(one.cause, "")
        tail = f";text={quoted(words, 'reason text')}" if words else ""
        out += f"Reason: {one.protocol};cause={one.cause}{tail}\r\n".encode()
    return out
