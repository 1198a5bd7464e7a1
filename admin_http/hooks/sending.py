"""Sends what ended to webhooks, at least once, in the order of its records.

A webhook is a cursor (`seq`) over the store's records of what ended, kept with what came of each
try. Some records are told at a time; the cursor moves behind them in one commit when all of them
were taken, so a killed process tells the last ones again, under the same ids. One that is not
taken is tried again with more and more time between, up to `WAIT_S_MAX`; after `GIVE_UP_S` of
failing the webhook is paused and that is told. Meanwhile its records wait in the store: nothing
waits in memory but the page that is being told.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from aiohttp import ClientError, ClientSession
from msgspec.structs import replace

from admin_http.attempts import tried
from admin_http.hooks.reaching import Reach
from admin_http.hooks.records import (
    DELIVERIES,
    DELIVERIES_KEPT,
    DETAIL_CHARS_MAX,
    WEBHOOKS,
    WEBHOOKS_MAX,
    Delivery,
    Webhook,
    delivery_key,
)
from admin_http.hooks.signing import headers
from admin_http.people.store import AdminError, Txn
from admin_http.problems import ProblemError
from admin_http.services import Services
from dialerd.core.control import LiveEvent
from dialerd.store.ended import Ended

log = logging.getLogger("dialerd.webhooks")

LOOK_S: Final = 0.5  # how often new records are looked for
PAGE: Final = 32  # records that are told before the cursor moves
AT_ONCE: Final = 8  # requests to one webhook at a time
CONNECTIONS_MAX: Final = WEBHOOKS_MAX * AT_ONCE  # no webhook waits for the place of another
WAIT_S_MIN: Final = 1.0
WAIT_S_MAX: Final = 600.0
GIVE_UP_S: Final = 86_400.0  # of failing
ANSWER_BYTES_MAX: Final = 4_096  # read of an answer; more is not waited for
GOOD: Final = range(200, 300)
TEST: Final = "test"
PROGRESS: Final = ("seq", "told", "missed", "tries", "failing_since", "last_at", "last")


class Outgoing(msgspec.Struct, frozen=True):
    """What is sent: an event of a type, with an id that is the same each time it is told."""

    id: str
    type: str
    at: datetime
    data: Any


def outgoing(record: Ended) -> Outgoing:
    """The event of a call that is over."""
    found = tried(record.attempt, record.events)
    at = found.ended_at or datetime.fromtimestamp(0, UTC)
    return Outgoing(outgoing_id(record), "call.ended", at, found)


def wait_s(tries: int, chance: float) -> float:
    """How long to wait after so many tries in vain; `chance` 0 to 1 spreads it by a half."""
    return min(WAIT_S_MIN * 2.0 ** min(tries - 1, 20), WAIT_S_MAX) * (0.75 + 0.5 * chance)


class Sender:
    """All webhooks of this process."""

    def __init__(self, services: Services) -> None:
        """Nothing is sent yet; ValueError for wrong networks."""
        self._services = services
        self.reach = Reach(services.config.admin.webhook_networks)
        self._sessions: dict[bool, ClientSession] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Send from now on."""
        self._main = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """What is under way is told again the next time."""
        tasks = [task for task in (self._main, *self._work.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for session in self._sessions.values():
            await session.close()

    def forget(self, name: str) -> None:
        """A webhook was changed or removed: what is under way is not of it any more."""
        task = self._work.pop(name, None)
        if task is not None:
            task.cancel()

    async def try_once(self, hook: Webhook) -> Delivery:
        """Send a test event now, whatever becomes of it."""
        now = datetime.now(UTC)
        event = Outgoing(f"test-{int(now.timestamp() * 1000)}", TEST, now, {"webhook": hook.name})
        return await self._send(hook, event)

    async def last(self) -> int:
        """The number of the newest record; ProblemError."""
        return await self._services.read(lambda store: store.last_ended())

    # -- telling ---------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            try:
                await self._begin()
            except (AdminError, ProblemError):
                pass  # the next look may find it well
            except Exception:  # a fault of ours is told, and the next look is another try
                log.exception("webhooks wait")
            await asyncio.sleep(LOOK_S)

    async def _begin(self) -> None:
        if not self._idle():
            return
        last = await self.last()
        for hook in self._idle():  # anew: one may have been changed or removed meanwhile
            if hook.seq < last:
                self._work[hook.name] = asyncio.create_task(self._serve(hook))

    def _idle(self) -> list[Webhook]:
        """Those that nothing is told just now, and may be; AdminError."""
        with self._services.admin.read() as txn:
            hooks = txn.scan(WEBHOOKS, WEBHOOKS_MAX)
        busy = {name for name, task in self._work.items() if not task.done()}
        return [one for one in hooks if not one.paused and one.name not in busy]

    async def _serve(self, hook: Webhook) -> None:
        """Until there is nothing more to tell, or it is paused."""
        try:
            while not hook.paused:
                after = hook.seq
                # B023: it is called before `after` is another number.
                page = await self._services.read(lambda store: store.ended(after, PAGE))  # noqa: B023
                if not page:
                    return
                hook = await self._tell(hook, page)
        except (AdminError, ProblemError) as error:
            log.error("webhook %s waits: %s", hook.name, error)
        except Exception:  # a fault of ours is told and tried again: other webhooks go on
            log.exception("webhook %s", hook.name)

    async def _tell(self, hook: Webhook, page: list[Ended]) -> Webhook:
        """Tell some records until all of them are taken, or the webhook is paused."""
        missed = page[0].seq - hook.seq - 1
        if missed:
            log.error("webhook %s: %d records were gone before they were told", hook.name, missed)
            hook = replace(hook, missed=hook.missed + missed)
        left = [
            one for one in page if not hook.campaigns or one.attempt.campaign_id in hook.campaigns
        ]
        while True:
            done = await self._send_all(hook, left)
            good = {one.event for one in done if one.ok}
            left = [one for one in left if outgoing_id(one) not in good]
            hook = self._judged(replace(hook, told=hook.told + len(good)), done, page, left)
            hook = await self._keep(hook, done)
            if hook.paused or not left:
                return hook
            await asyncio.sleep(wait_s(hook.tries, random.random()))  # noqa: S311 - jitter

    def _judged(
        self, hook: Webhook, done: list[Delivery], page: list[Ended], left: list[Ended]
    ) -> Webhook:
        """Where a webhook stands behind some tries."""
        if done:
            worst = next((one for one in done if not one.ok), done[-1])
            last = f"{worst.status} {worst.detail}".strip()
            hook = replace(hook, last_at=worst.at, last=last)
        if not left:
            return replace(hook, seq=page[-1].seq, tries=0, failing_since=None)
        since = hook.failing_since or datetime.now(UTC)
        hook = replace(hook, tries=hook.tries + 1, failing_since=since)
        if datetime.now(UTC) - since >= timedelta(seconds=GIVE_UP_S):
            why = f"it has failed since {since:%Y-%m-%d %H:%M} UTC: {hook.last}"
            log.error("webhook %s is paused: %s", hook.name, why)
            data: dict[str, object] = {"webhook": hook.name, "paused": why}
            hub = self._services.relay.hub
            hub.pass_on(LiveEvent(seq=hub.seq, at_ms=_now_ms(), topic="alert", data=data))
            hook = replace(hook, paused=why)
        return hook

    async def _keep(self, hook: Webhook, done: list[Delivery]) -> Webhook:
        """Keep where it stands and its newest tries, in one commit."""

        def work(txn: Txn) -> Webhook:
            stored = txn.get(WEBHOOKS, hook.name.encode())
            if stored is None or stored.created_at != hook.created_at:
                return replace(hook, paused="it was removed")
            number = stored.numbered
            for one in done:
                number += 1
                txn.put(DELIVERIES, replace(one, number=number))
                old = max(0, number - DELIVERIES_KEPT)
                txn.delete(DELIVERIES, delivery_key(hook.name, old))
            kept = replace(
                stored,
                **{field: getattr(hook, field) for field in PROGRESS},
                paused=hook.paused or stored.paused,
                numbered=number,
            )
            txn.put(WEBHOOKS, kept)
            return kept

        return await self._services.admin.change(work)

    # -- sending ---------------------------------------------------------------------------------

    async def _send_all(self, hook: Webhook, records: list[Ended]) -> list[Delivery]:
        """One try each, in their order as far as they are begun; the first failure ends it."""
        done: list[Delivery] = []
        for start in range(0, len(records), AT_ONCE):
            some = records[start : start + AT_ONCE]
            found = await asyncio.gather(*(self._send(hook, outgoing(one)) for one in some))
            done += found
            if not all(one.ok for one in found):
                break
        return done

    async def _send(self, hook: Webhook, event: Outgoing) -> Delivery:
        body = msgspec.json.encode(event)
        began_s = time.monotonic()
        status, detail = 0, ""
        try:
            status = await self._post(hook, event.id, body)
        except TimeoutError:
            detail = "no answer in time"
        except (ClientError, OSError, ValueError) as error:
            detail = str(error)[:DETAIL_CHARS_MAX] or type(error).__name__
        return Delivery(
            webhook=hook.name,
            number=0,
            event=event.id,
            at=datetime.now(UTC),
            ok=status in GOOD,
            status=status,
            took_ms=round((time.monotonic() - began_s) * 1000),
            detail=detail,
        )

    async def _post(self, hook: Webhook, event: str, body: bytes) -> int:
        given = {
            **headers(hook.secret, event, int(time.time()), body),
            "Content-Type": "application/json",
            "User-Agent": "dialerd",
        }
        session = self._session(plain=hook.url.startswith("http:"))
        async with session.post(
            hook.url, data=body, headers=given, allow_redirects=False
        ) as response:
            await response.content.read(ANSWER_BYTES_MAX)
            if not response.content.at_eof():
                response.close()  # what it goes on to say is not read
            return response.status

    def _session(self, *, plain: bool) -> ClientSession:
        if plain not in self._sessions:
            self._sessions[plain] = self.reach.session(CONNECTIONS_MAX, plain=plain)
        return self._sessions[plain]


def outgoing_id(record: Ended) -> str:
    """The id of the event of a record."""
    return f"ended-{record.seq}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
