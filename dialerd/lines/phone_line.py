"""Telephones that registered with us as lines: what an INVITE to one of them says, and its events.

Where a telephone is called is the registrar's to know (`sip.accounts.registrar.Reached`): the
address that its REGISTER came from, the Contact that it gave, and the Path it came by (RFC 3327),
which is travelled back. Pure, like `sip_line`.
"""

from __future__ import annotations

import random
from typing import Final

from msgspec import structs

from dialerd.core.effects import RingAgent
from dialerd.core.events import Released
from dialerd.core.records import Outcome
from dialerd.lines.legs import Heard, Legs
from dialerd.lines.outcome_map import OutcomeMap
from dialerd.lines.sip_trunk import in_user
from sip.accounts.saved import Reached
from sip.calls.negotiation import Capabilities, Negotiation
from sip.events import Invite
from sip.transport.local import bracketed

CALLER: Final = "dialerd"  # whom an agent's telephone shows
SESSION_S: Final = 1_800  # RFC 4028: a leg of a daemon that died ends by itself
AWAY: Final = 480  # Temporarily Unavailable: no telephone of that name is registered


class PhoneLines(Legs):
    """Translates both ways between the core and the telephones of agents."""

    def __init__(self, local_host: str, rng: random.Random) -> None:
        """`local_host` is what our own From shows."""
        super().__init__()
        self._local_host = local_host
        self._rng = rng
        self._map = OutcomeMap()

    def invite(self, effect: RingAgent, phone: Reached, media_host: str, media_port: int) -> Invite:
        """The INVITE of a `RingAgent`."""
        can = Capabilities(media_host, media_port)
        self._legs[effect.leg] = Heard(self._map)
        made = phone_invite(
            phone,
            leg=effect.leg,
            user=effect.phone,
            caller=CALLER,
            call_id=effect.call_id,
            sdp=Negotiation(can, self._rng.getrandbits(31), self._rng).offer(),
            local_host=self._local_host,
        )
        headers = _answer_by_itself(self._local_host) if effect.answers else ()
        return structs.replace(made, session_s=SESSION_S, journaled=True, headers=headers)

    def refused(self, leg: int, code: int = 0) -> Released:
        """The leg could not even be tried."""
        self._legs.pop(leg, None)
        outcome = Outcome.UNREACHABLE if code else Outcome.FAILED
        return Released(leg, outcome, code, by="us")


def _answer_by_itself(local_host: str) -> tuple[tuple[str, str], ...]:
    """No RFC says this; telephones know the one or the other, and ring where they know neither.

    Call-Info is Cisco's and Broadsoft's way (Grandstream, Linphone, Snom), Alert-Info that of
    Polycom and Yealink.
    """
    host = bracketed(local_host)
    return (
        ("Call-Info", f"<sip:{host}>;answer-after=0"),
        ("Alert-Info", f"<http://{host}>;info=alert-autoanswer;delay=0"),
    )


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
