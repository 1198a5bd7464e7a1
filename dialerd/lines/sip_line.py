"""SIP trunks as lines: what the core asks becomes an INVITE, what SIP says becomes a line event.

Pure: sockets and RTP ports are handed in by the shell.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping

from dialerd.core import events as core
from dialerd.core.effects import Dial
from dialerd.core.events import Answered, Released, Ringing
from dialerd.core.keys import Dtmf
from dialerd.core.records import Outcome
from dialerd.lines.legs import Caller, Heard, Legs
from dialerd.lines.sip_trunk import Line, SipTrunk
from sip.calls.negotiation import EVENT_TYPE, Capabilities, Negotiation
from sip.errors import SipError
from sip.events import Address, Incoming, Invite, SipEvent

__all__ = ["SipLines", "SipTrunk", "Way"]

Way = tuple[tuple[Address, ...], tuple[str, ...]]
"""Addresses, best first, and the route set to travel, as header values."""


class SipLines(Legs):
    """Translates both ways between the core and a SIP endpoint."""

    def __init__(self, trunks: Mapping[str, SipTrunk], local_host: str, rng: random.Random) -> None:
        """`local_host` is what our own From shows when a trunk names no domain."""
        super().__init__()
        self._local_host = local_host
        self._rng = rng
        self._came_by: dict[int, SipTrunk] = {}  # of calls to us
        self.lines: dict[str, Line] = {}
        # where a trunk's requests go now, and through whom: the shell knows what is down
        self.way_of: Callable[[str, tuple[Address, ...]], Way] = _usual
        self.configure(trunks.values())

    def configure(self, trunks: Iterable[SipTrunk]) -> None:
        """The present set; legs go on with the trunk as it was when they began."""
        self.lines = {trunk.name: Line(trunk, self._local_host) for trunk in trunks}

    def dtmf(self, trunk: str) -> Dtmf:
        """How keys travel on a trunk; KeyError when it is gone."""
        return self.lines[trunk].spec.dtmf

    def invite(self, effect: Dial, media_host: str, media_port: int) -> Invite:
        """The INVITE of a `Dial`; KeyError when the trunk is gone, SipError when it is nowhere."""
        line = self.lines[effect.trunk]
        targets, routes = self.way_of(effect.trunk, line.targets)
        if not targets:
            raise SipError(f"{line.spec.host} has no address")
        spec, said = line.spec, line.wording(effect)
        can = _abilities(spec, media_host, media_port)
        self._legs[effect.leg] = Heard(line.map)
        return Invite(
            leg=effect.leg,
            targets=targets,
            request_uri=said.request_uri,
            from_uri=said.from_uri,
            to_uri=said.to_uri,
            call_id=effect.call_id,
            sdp=Negotiation(can, self._seed(), self._rng).offer(),
            display=said.display,
            credentials=spec.credentials,
            headers=said.headers,
            session_s=spec.session_s,
            min_se_s=spec.min_se_s if spec.session_s else 0,
            rel100=spec.rel100,
            contact_user=said.contact_user,
            silence_s=spec.silence_s,
            large_by_tcp=spec.large_by_tcp,
            routes=routes,
            journaled=True,
        )

    def refused(self, leg: int) -> Released:
        """The leg could not even be tried (no RTP port, socket refused)."""
        self._legs.pop(leg, None)
        return Released(leg, Outcome.FAILED, by="us", advance=True)

    def incoming(self, event: Incoming, trunk: str | None) -> core.Incoming:
        """A call to us; `trunk` is the one its source belongs to.

        An identity that the trunk asserts is believed; a telephone is who it registered as.
        """
        caller = event.caller
        line = self.lines.get(trunk or "")
        if line is not None and not event.user:
            self._legs[event.leg] = Caller(line.map)
            self._came_by[event.leg] = line.spec

        def told(text: str) -> str:
            return (line.told(text) if line is not None else "") or text

        return core.Incoming(
            leg=event.leg,
            trunk="" if event.user else trunk or "",
            called=told(event.request_user),
            caller=event.user or (told(caller.number) if caller.number else ""),
            asserted=bool(event.user or (line is not None and caller.asserted)),
            withheld=caller.withheld,
            diverted=tuple(d.number for d in caller.diverted if d.number),
            phone=event.user,
            call_id=event.call_id,
            replaces=event.replaces is not None,
        )

    def forget(self, leg: int) -> None:
        """A call to us is refused: nothing is told of it any more."""
        self._came_by.pop(leg, None)
        self._legs.pop(leg, None)

    def dtmf_of(self, leg: int) -> Dtmf:
        """How keys travel on a call to us."""
        return self._came_by[leg].dtmf

    def answer(self, leg: int, offer: bytes, media_host: str, media_port: int) -> bytes:
        """Our description for a call to us; ValueError when we have nothing in common."""
        spec = self._came_by[leg]
        talk = Negotiation(_abilities(spec, media_host, media_port), self._seed(), self._rng)
        return talk.offered(offer) if offer else talk.offer()

    def translate(self, event: SipEvent) -> Ringing | Answered | Released | None:
        """As `Legs`."""
        told = super().translate(event)
        if isinstance(told, Released):
            self._came_by.pop(told.leg, None)
        return told

    def _seed(self) -> int:
        return self._rng.getrandbits(31)


def _abilities(spec: SipTrunk, media_host: str, media_port: int) -> Capabilities:
    return Capabilities(
        spec.advertised or media_host,
        media_port,
        spec.codecs,
        event_type=EVENT_TYPE if spec.dtmf.offers_events else None,
        srtp=spec.srtp,
        rtcp_mux=spec.rtcp_mux,
    )


def _usual(_trunk: str, targets: tuple[Address, ...]) -> Way:
    return targets, ()
