"""What people ask of calls while the daemon runs: lists, histories, an end, a transfer, an ear.

A page of calls sorts the attempts of all that are in progress: some thousands, in a millisecond.
"""

from __future__ import annotations

import logging
from typing import Final

from dialerd.core.call import ENDED, RELEASING, Call
from dialerd.core.calls_view import (
    CallLine,
    CallList,
    CallNow,
    EndCall,
    GetCall,
    ListCalls,
    Listener,
    LiveCall,
    SuperviseCall,
    TransferCall,
    call_name,
)
from dialerd.core.campaign_spec import at_time
from dialerd.core.control_errors import Conflict, NotFound
from dialerd.core.dialer import Dialer
from dialerd.core.events import CallOrdered
from dialerd.core.flow_records import Transfer
from dialerd.core.party_call import PartyCall
from dialerd.core.supervise_records import Supervise
from dialerd.shell.driver import Driver

log = logging.getLogger("dialerd.calls")

ALONE: Final = "its flow has no transfer, and the calls of such a flow cannot be put through"


class CallDesk:
    """Implements `dialerd.core.calls_view.CallControl` over the running dialer."""

    def __init__(self, dialer: Dialer, driver: Driver) -> None:
        """What is ordered goes to `dialer` by its `driver`."""
        self._dialer = dialer
        self._driver = driver

    async def calls(self, request: ListCalls) -> CallList:
        """A page of the calls in progress."""
        wanted = frozenset(request.campaigns)
        calls = self._dialer.floor.calls
        found = sorted(
            number
            for number, call in calls.items()
            if not wanted or call.claim.campaign_id in wanted
        )
        behind = [number for number in found if number > request.after]
        page = behind[: request.limit]
        last = page[-1] if len(behind) > len(page) else None
        items = tuple(self._shown(calls[number]) for number in page)
        return CallList(items=items, total=len(found), next=last)

    async def call_now(self, request: GetCall) -> CallNow:
        """One with its history so far."""
        call = self._find(request.attempt)
        lines = tuple(
            CallLine(at=at_time(e.at_ms), kind=e.kind, detail=e.detail) for e in call.events
        )
        return CallNow(call=self._shown(call), events=lines)

    async def end_call(self, request: EndCall) -> LiveCall:
        """Hang up."""
        call = self._find(request.attempt)
        if call.state in (RELEASING, ENDED):
            raise Conflict("it is being hung up already")
        log.info("call of attempt %d: hung up by %r", request.attempt, request.who)
        self._driver.feed(CallOrdered(request.attempt))
        return self._shown(call)

    async def transfer_call(self, request: TransferCall) -> LiveCall:
        """Put its person through."""
        call = self._find(request.attempt)
        why = call.why_not_through() if isinstance(call, PartyCall) else ALONE
        if why:
            raise Conflict(why)
        log.info(
            "call of attempt %d: put through to a %s by %r",
            request.attempt, request.kind, request.who,
        )  # fmt: skip
        deed = Transfer(request.kind, request.target, "", request.ring_s_max)
        self._driver.feed(CallOrdered(request.attempt, deed))
        return self._shown(call)

    async def supervise_call(self, request: SuperviseCall) -> LiveCall:
        """Listen in on it, speak in another way, leave."""
        call = self._find(request.attempt)
        order = Supervise(request.who, request.mode, self._phone_of(request))
        supervisors = self._dialer.supervisors
        why = supervisors.why_not(call, order)
        there = {one.who for one in supervisors.of(request.attempt)}
        if not why and request.who not in there and not self._driver.registered(order.phone):
            why = f"no telephone is registered as {order.phone!r}: say which is to ring (phone)"
        if why:
            raise Conflict(why)
        done = request.mode or "left"
        log.info("call of attempt %d: %s by %r", request.attempt, done, request.who)
        self._driver.feed(CallOrdered(request.attempt, order))
        return self._shown(call)

    def _phone_of(self, request: SuperviseCall) -> str:
        """The telephone that is to ring: the one asked for, or the person's own."""
        agent = self._dialer.desk.team.agents.get(request.who)
        return request.phone or (agent.phone if agent is not None else "") or request.who

    def _find(self, attempt: int) -> Call:
        call = self._dialer.floor.calls.get(attempt)
        if call is None:
            raise NotFound(f"no call of attempt {attempt} is in progress")
        return call

    def _shown(self, call: Call) -> LiveCall:
        claim = call.claim
        run = self._dialer.floor.runs[claim.campaign_id]
        return LiveCall(
            id=call_name(claim.campaign_id, claim.lead_id, claim.attempt_id),
            attempt=claim.attempt_id,
            campaign_id=claim.campaign_id,
            campaign=run.settings.name,
            lead=claim.lead_id,
            number=call.number.e164,
            state=call.state.name.lower(),
            direction=claim.direction,
            trunk=call.trunk,
            port=call.line.port,
            tried=claim.number,
            answered_at=at_time(call.answered_ms) if call.answered_ms else None,
            agent=getattr(call, "agent_name", ""),
            keys=call.keys,
            supervisors=tuple(
                Listener(
                    who=one.who,
                    mode=one.mode,
                    phone=one.phone,
                    ringing=one.ringing,
                    since=at_time(one.since_ms),
                )
                for one in self._dialer.supervisors.of(claim.attempt_id)
            ),
        )
