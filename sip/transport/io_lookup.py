"""One name looked up once, for programs that start: a loop of the locator without a stack."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable

from sip.limits import SEARCH_TIME, SECOND
from sip.transport.io_dns import DnsError, DnsResolver
from sip.transport.locate import Located, Locator, Query, Target, Wanted


async def lookup(
    wanted: Wanted, kinds: Iterable[tuple[str, bool]], resolver: DnsResolver, rng: random.Random
) -> tuple[Target, ...]:
    """The targets in the order in which to try them; DnsError when no server could say.

    `kinds` are the transports to choose from, each with whether it is IPv6.
    """
    locator = Locator(kinds, rng)
    locator.locate(wanted, 0, time.monotonic_ns())
    faults: list[DnsError] = []

    async def ask(query: Query) -> None:
        try:
            records, ttl_s = await resolver.ask(query)
        except DnsError as error:
            faults.append(error)
            locator.fail(query, time.monotonic_ns())
        else:
            locator.answer(query, records, ttl_s, time.monotonic_ns())

    found: tuple[Target, ...] | None = None
    try:
        async with asyncio.timeout(SEARCH_TIME / SECOND):
            while found is None:
                out = locator.drain()
                await asyncio.gather(*(ask(one) for one in out if isinstance(one, Query)))
                found = next((one.targets for one in out if isinstance(one, Located)), None)
    except TimeoutError:
        raise DnsError(f"{wanted.host}: no name server answers in time") from None
    if not found and faults:
        raise faults[0]
    return found
