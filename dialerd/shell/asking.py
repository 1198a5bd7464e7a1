"""What the dialer asks of the store and hears the answer of: leads, callers back, campaigns."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import msgspec

from dialerd.core.effects import MoveCampaign, WantLeads, WantOver, WantReturn
from dialerd.core.events import (
    AnyEvent,
    CampaignChanged,
    Claimed,
    ClaimFailed,
    LeadsJoined,
    ReturnFound,
)
from dialerd.core.limits import LEASE_S
from dialerd.core.ops import Returned
from dialerd.core.ports import ConflictError, Store, StoreError
from dialerd.shell.clock import Clock

log = logging.getLogger("dialerd.driver")


class Asking:
    """Each question is answered by exactly one event, also where the store fails."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        feed: Callable[[AnyEvent], None],
        failed: Callable[[], None],
    ) -> None:
        """`failed` is told when the store cannot write."""
        self._store = store
        self._clock = clock
        self._feed = feed
        self._failed = failed

    async def claim(self, want: WantLeads) -> None:
        """Leads to dial."""
        # Due is what is due by the time that has really passed, whatever the wall clock was set to.
        ahead_ms = self._clock.ahead_ms()
        now_ms, lease_s = self._clock.wall_ms() - ahead_ms, want.lease_s + ahead_ms // 1000
        answer: Claimed | ClaimFailed = ClaimFailed(want.campaign_id, want.agent)
        claim = partial(self._store.claim, agent=want.agent, own=want.own)
        try:
            batch = await claim(want.campaign_id, want.n, now_ms, lease_s)
            answer = Claimed(batch.later(ahead_ms // 1000))
        except ConflictError:
            pass  # paused or finished while the question was on its way
        except StoreError as error:
            log.error("claim failed: %s", error)
            self._failed()
        finally:
            self._feed(answer)

    async def returned(self, want: WantReturn, line: bytes) -> None:
        """Whose customer calls; `line` is what a later process needs to end that call."""
        answer: Returned | None = None
        try:
            answer = await self._store.take_return(msgspec.structs.replace(want.asked, line=line))
        except StoreError as error:
            log.error("a call to us cannot be taken: %s", error)
            self._failed()
        finally:
            self._feed(ReturnFound(want.leg, answer))

    async def over(self, want: WantOver) -> None:
        """An attempt for a number that a person is put through to."""
        answer: Returned | None = None
        now_ms = self._clock.wall_ms()
        try:
            answer = await self._store.claim_over(want.call, want.phone, now_ms, LEASE_S)
        except StoreError as error:
            log.error("nobody can be put through: %s", error)
            self._failed()
        finally:
            self._feed(ReturnFound(want.leg, answer, want.phone))

    async def move(self, move: MoveCampaign) -> None:
        """A campaign moves by itself."""
        try:
            campaign = await self._store.move_campaign(
                move.campaign_id, move.after, "dialerd", self._clock.wall_ms(), move.reason
            )
        except ConflictError as error:  # a person, or people who came, were faster
            log.info("campaign %d: %s", move.campaign_id, error)
            self._feed(LeadsJoined(move.campaign_id))  # else the dialer thinks that it is over
            return
        except StoreError as error:
            log.error("campaign %d: %s", move.campaign_id, error)
            return
        self._feed(CampaignChanged(campaign))
