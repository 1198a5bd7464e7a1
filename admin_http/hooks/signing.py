"""How an event is signed: by Standard Webhooks 1.0, so that its libraries verify it.

The secret is 32 random bytes, shown once as `whsec_` and their base64. Signed is `ID.SECONDS.BODY`
with HMAC-SHA256; the three stand in the headers `webhook-id`, `webhook-timestamp` and, as
`v1,BASE64`, `webhook-signature`.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"


def new_secret() -> bytes:
    """A random one."""
    return secrets.token_bytes(32)


def shown(secret: bytes) -> str:
    """As receivers get it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(secret: bytes, event: str, now_s: int, body: bytes) -> dict[str, str]:
    """Of the request; `event` is the id, `now_s` Unix seconds."""
    signed = f"{event}.{now_s}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    return {
        "webhook-id": event,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{signature}",
    }
