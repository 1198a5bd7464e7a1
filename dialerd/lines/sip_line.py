"""A SIP trunk as a line: what the core asks becomes an INVITE, what SIP says becomes a line event.

Pure: sockets and RTP ports are handed in by the shell.
"""

from __future__ import annotations

import random
import re

import msgspec

from dialerd.core.effects import Dial
from dialerd.core.events import Answered, Released, Ringing
from dialerd.lines.outcome_map import may_advance, outcome_of
from sip import sdp
from sip.auth import Credentials
from sip.events import Accepted, Ended, Invite, Provisional, SipEvent

_USER = re.compile(r"\A[A-Za-z0-9_.!~*'()+-]{1,64}\Z")


class SipTrunk(msgspec.Struct, frozen=True):
    """How to reach one trunk. `host` is an address by now: name resolution is the shell's."""

    name: str
    host: str
    port: int
    from_user: str = ""
    from_domain: str = ""
    caller_id: str = ""
    credentials: Credentials | None = None
    codecs: tuple[int, ...] = (0, 8)
    number_format: str = "e164"  # e164 (+84…), digits (84…), national (0…)


class _Leg:
    """What must be remembered of a leg between its events."""

    __slots__ = ("alerted", "answered", "early")

    def __init__(self) -> None:
        self.alerted = False
        self.answered = False
        self.early = False


class SipLines:
    """Translates both ways between the core and a SIP endpoint."""

    def __init__(self, trunks: dict[str, SipTrunk], local_host: str, rng: random.Random) -> None:
        """`local_host` is what our own From shows when a trunk names no domain."""
        self.trunks = trunks
        self._local_host = local_host
        self._rng = rng
        self._legs: dict[int, _Leg] = {}

    def __len__(self) -> int:
        """Legs in use."""
        return len(self._legs)

    def invite(self, effect: Dial, media_host: str, media_port: int) -> Invite:
        """The INVITE of a `Dial`; KeyError when the trunk is gone."""
        trunk = self.trunks[effect.trunk]
        number = effect.number
        user = {"e164": number.e164, "digits": number.digits, "national": number.national}[
            trunk.number_format
        ]
        caller = effect.caller_id or trunk.caller_id or trunk.from_user or "anonymous"
        if not _USER.match(caller):
            caller = "anonymous"
        domain = trunk.from_domain or self._local_host
        at = f"{trunk.host}:{trunk.port}"
        body = sdp.offer(
            media_host, media_port, session_id=self._rng.getrandbits(31), codecs=trunk.codecs
        )
        self._legs[effect.leg] = _Leg()
        return Invite(
            leg=effect.leg,
            targets=((trunk.host, trunk.port, 0),),
            request_uri=f"sip:{user}@{at}",
            from_uri=f"sip:{trunk.from_user or caller}@{domain}",
            to_uri=f"sip:{user}@{at}",
            call_id=effect.call_id,
            sdp=body,
            display=caller if trunk.from_user and caller != trunk.from_user else "",
            credentials=trunk.credentials,
            headers=_identity(trunk, caller, domain),
        )

    def refused(self, leg: int) -> Released:
        """The leg could not even be tried (no RTP port, socket refused)."""
        self._legs.pop(leg, None)
        return Released(leg, outcome_of(0, 0, answered=False), by="us", advance=True)

    def translate(self, event: SipEvent) -> Ringing | Answered | Released | None:
        """The line event that a SIP event means, if any. Events of unknown legs mean nothing."""
        leg = self._legs.get(event.leg)
        if leg is None:
            return None
        if isinstance(event, Provisional):
            return _provisional(event, leg)
        if isinstance(event, Accepted):
            if leg.answered:
                return None
            leg.answered = True
            return Answered(event.leg)
        if isinstance(event, Ended):
            del self._legs[event.leg]
            answered = event.answered or leg.answered
            return Released(
                event.leg,
                outcome_of(event.code, event.q850, answered=answered),
                code=event.code,
                q850=event.q850,
                by=event.by,
                advance=may_advance(event.code, event.q850, alerted=leg.alerted, answered=answered)
                and event.by != "us",
            )
        return None


def _provisional(event: Provisional, leg: _Leg) -> Ringing | None:
    """100 says nothing of the callee; 180 and 183 are told once each, audio in them is told."""
    if event.code <= 100 or leg.answered:
        return None
    early = event.sdp is not None
    if leg.alerted and (leg.early or not early):
        return None
    leg.alerted = True
    leg.early = leg.early or early
    return Ringing(event.leg, early_media=early)


def _identity(trunk: SipTrunk, caller: str, domain: str) -> tuple[tuple[str, str], ...]:
    """Where From must be the account, the caller id goes to P-Asserted-Identity (RFC 3325)."""
    if trunk.from_user and caller not in {trunk.from_user, "anonymous"}:
        return (("P-Asserted-Identity", f"<sip:{caller}@{domain}>"),)
    return ()
