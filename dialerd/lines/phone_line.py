"""Telephones that registered with us as lines: what an INVITE to one of them says.

Where a telephone is called is the registrar's to know (`sip.accounts.registrar.Reached`): the
address that its REGISTER came from, the Contact that it gave, and the Path it came by (RFC 3327),
which is travelled back. Pure, like `sip_line`.
"""

from __future__ import annotations

from dialerd.lines.sip_trunk import in_user
from sip.accounts.saved import Reached
from sip.events import Invite
from sip.transport.local import bracketed


def phone_invite(
    phone: Reached,
    *,
    leg: int,
    user: str,
    caller: str,
    call_id: str,
    sdp: bytes,
    local_host: str,
    display: str = "",
) -> Invite:
    """A call to one telephone of `user`; `Registrar.lookup` tells all, the preferred first.

    `caller` is the user part of From, `display` what stands beside it.
    """
    host = bracketed(local_host)
    return Invite(
        leg=leg,
        targets=(phone.target,),
        request_uri=phone.request_uri,
        from_uri=f"sip:{in_user(caller)}@{host}",
        to_uri=f"sip:{in_user(user)}@{host}",
        call_id=call_id,
        sdp=sdp,
        display=display,
        routes=phone.routes,
    )
