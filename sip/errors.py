"""What the SIP package raises. Nothing a peer sends ever raises past `Endpoint.receive`."""

from __future__ import annotations


class SipError(ValueError):
    """The caller asked for something that cannot be said in SIP.

    A broken URI, a line break in a field.
    """
