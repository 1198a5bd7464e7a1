"""Leads claimed ahead: asked for in batches, held for their trunk, given back in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.effects import WantLeads, Write
from dialerd.core.events import Claimed, ClaimFailed
from dialerd.core.floor import Floor
from dialerd.core.lead_numbers import refused
from dialerd.core.limits import ASK_AGAIN_S, ASK_GAP_NS, LEASE_MARGIN_S, LEASE_S
from dialerd.core.ops import Claim, Finish, ReleaseClaim
from dialerd.core.pacing import NS
from dialerd.core.records import Outcome
from dialerd.core.running import Held, Run
from fastpath.numbers import Number, Numbering

_LEASE_NS: Final = (LEASE_S - LEASE_MARGIN_S) * NS


class Leads:
    """The claims of all campaigns."""

    __slots__ = ("_floor", "numbering")

    def __init__(self, floor: Floor, numbering: Numbering) -> None:
        """`numbering` makes the number of a claim, and refuses what may not be dialed."""
        self._floor = floor
        self.numbering = numbering

    def ask(self, run: Run, now_ns: int) -> None:
        """Claim more leads, if a campaign holds too few and may use them."""
        floor = self._floor
        if run.asked or run.exhausted or not floor.may_dial(run, now_ns):
            return
        if run.ask_at_ns > now_ns:
            floor.look_by(run.ask_at_ns)
            return
        trunks = floor.trunks.usable(loopback=run.loopback)
        if not trunks:
            return
        free = sum(max(0, trunk.channels - trunk.in_use) for trunk in trunks)
        if run.gate is not None:
            free = min(free, run.gate.most())
            if not free:
                self._ask_if_any(run)
                return
        n = run.wants(floor.trunks.calls_per_s(loopback=run.loopback), free)
        if n > 0:
            run.asked = n
            run.asked_ns = now_ns
            floor.out.append(WantLeads(run.campaign.campaign_id, n))

    def _ask_if_any(self, run: Run) -> None:
        """No agent is there for anybody: the campaign may be over all the same."""
        if run.unsure and not (run.live or run.held_count):
            run.unsure, run.asked = False, -1
            self._floor.out.append(WantLeads(run.campaign.campaign_id, 0))

    def ask_by(self, run: Run, when_ns: int) -> None:
        """Something may be due at `when_ns`."""
        run.ask_at_ns = min(run.ask_at_ns, when_ns)
        self._floor.look_by(run.ask_at_ns)

    def claimed(self, event: Claimed, now_ns: int) -> None:
        """Hold what was claimed; what came too late to be dialed goes back."""
        batch = event.batch
        run = self._floor.runs.get(batch.campaign_id)
        if run is None or not self._floor.may_dial(run, now_ns):
            if run is not None:
                run.asked, run.unsure = 0, True
            self._release((claim.attempt_id for claim in batch.claims), now_ns)
            return
        lease_ns = run.asked_ns + _LEASE_NS
        for claim in batch.claims:
            self.hold(run, claim, lease_ns, now_ns)
        asked, run.asked, run.back_off_s = run.asked, 0, 0
        run.next_due_s = batch.next_due_s
        run.exhausted = batch.exhausted
        if len(batch.claims) < asked:
            run.ask_at_ns = self.ask_again_ns(run, now_ns)
        self._floor.look_now(now_ns)

    def failed(self, event: ClaimFailed, now_ns: int) -> None:
        """The store could not claim: ask again later."""
        run = self._floor.runs.get(event.campaign_id)
        if run is not None:
            run.asked, run.unsure = 0, True
            run.backs_off(now_ns)
            self._floor.look_by(run.ask_at_ns)

    def give_back(self, held: Iterable[Held], now_ns: int) -> None:
        """Leads that will not be dialed now are due again at once."""
        self._release((one.claim.attempt_id for one in held), now_ns)

    def ask_again_ns(self, run: Run, now_ns: int) -> int:
        """When a claim that fell short is worth repeating."""
        if run.next_due_s is not None:
            due_ns = run.next_due_s * NS - self._floor.clock.offset_ns
        elif run.live or run.held_count:
            due_ns = NEVER  # the ends of its calls tell
        else:
            due_ns = now_ns + NS
        return min(max(due_ns, now_ns + ASK_GAP_NS), now_ns + ASK_AGAIN_S * NS)

    def hold(self, run: Run, claim: Claim, lease_ns: int, now_ns: int) -> None:
        """Keep a claimed lead, if its number may be dialed by the plan as it is now."""
        number = self.number(run, claim, now_ns)
        if number is not None:
            run.hold(Held(claim, number, lease_ns), self._floor.route(run, claim, number))

    def number(self, run: Run, claim: Claim, now_ns: int) -> Number | None:
        """What is dialed for a claim; None: it is settled, for its number may not be dialed."""
        try:
            return self.numbering.from_value(claim.phone)
        except ValueError:  # the plan has changed since the import: never dialed, never tried again
            at_ms = self._floor.clock.ms(now_ns)
            run.outcomes[Outcome.FAILED] += 1
            after = refused(claim, at_ms // 1000)
            refusal = Finish(
                claim.attempt_id, Outcome.FAILED, after.state, after.due_s, at_ms,
                phone=after.phone, numbers=after.numbers,
            )  # fmt: skip
            self._floor.out.append(Write(0, (refusal,)))
            return None

    def _release(self, attempt_ids: Iterable[int], now_ns: int) -> None:
        due_s = self._floor.clock.ms(now_ns) // 1000
        ops = tuple(ReleaseClaim(attempt_id, due_s) for attempt_id in attempt_ids)
        if ops:
            self._floor.out.append(Write(0, ops))
