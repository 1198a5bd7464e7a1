"""The names of header fields: how they are written, and their one-letter forms.

RFC 3261 section 7.3.3 and the IANA registry of SIP compact forms.
"""

from __future__ import annotations

COMPACT: dict[str, str] = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

_KNOWN = (
    "Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events "
    "Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition "
    "Content-Encoding Content-ID Content-Language Content-Length Content-Type CSeq Date Diversion "
    "Error-Info Event Expires From History-Info Identity Identity-Info In-Reply-To Join "
    "Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info "
    "P-Asserted-Identity P-Associated-URI P-Called-Party-ID P-Charging-Function-Addresses "
    "P-Charging-Vector P-DCS-Billing-Info P-Early-Media P-Preferred-Identity P-Visited-Network-ID "
    "Path Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason "
    "Record-Route Refer-Sub Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces Reply-To "
    "Request-Disposition Require Retry-After Route RSeq Server Service-Route Session-Expires "
    "SIP-ETag SIP-If-Match Subject Subscription-State Supported Target-Dialog Timestamp To "
    "Unsupported User-Agent Via Warning WWW-Authenticate "
)
CANONICAL: dict[str, str] = {name.lower(): name for name in _KNOWN.split()}


def key(name: str) -> str:
    """What a field is found by: its long name in lower case."""
    low = name.lower()
    return COMPACT.get(low, low)


def canonical(name: str) -> str:
    """A field's name as the RFCs write it; an unknown one as it came."""
    return CANONICAL.get(key(name), name)
