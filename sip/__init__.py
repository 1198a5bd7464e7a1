"""SIP (RFC 3261): messages, transactions, dialogs, SDP; pure machines and a thin UDP shell.

For any program: `parse_message` reads a datagram into a `SipMessage`, which `bytes` writes back;
`parse_sdp` reads a session description.
"""

from sip.errors import SipError
from sip.messages.parsed import ParseError, SipMessage, parse_message
from sip.sdp import parse as parse_sdp

__all__ = ["ParseError", "SipError", "SipMessage", "parse_message", "parse_sdp"]
