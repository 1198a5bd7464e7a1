"""Where the requests of each trunk go at this moment: DNS, weights and the penalty box.

A trunk with a name is looked up for every call, mostly from what is known already (weights of SRV
records are drawn anew each time); while a name server has to be asked, calls go where they went
before.
"""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from dialerd.config import Trunk
from dialerd.lines.sip_trunk import SipTrunk
from dialerd.shell.sip_stack import DnsSettings
from dialerd.shell.trunk_config import flow_for
from sip.accounts.admission import Admission
from sip.events import Address
from sip.transport.io_lookup import lookup
from sip.transport.io_targets import Targets
from sip.transport.local import Local, Reach
from sip.transport.locate import Wanted


class TrunkTargets:
    """See the module's text."""

    def __init__(self, targets: Targets, admission: Admission) -> None:
        """`admission` is told of every address, so that its answers are heard."""
        self._targets = targets
        self._admission = admission
        self._trunks: dict[str, tuple[Wanted, int]] = {}
        self._known: dict[str, tuple[Address, ...]] = {}

    def configure(self, pairs: Iterable[tuple[Trunk, SipTrunk]]) -> None:
        """These are the trunks, with the addresses found at the start."""
        self._trunks.clear()
        self._known.clear()
        for trunk, to in pairs:
            self._trunks[trunk.name] = wanted_of(trunk), to.targets[0][2]
            self._learn(trunk.name, to.targets)

    def now(self, name: str, usual: tuple[Address, ...]) -> tuple[Address, ...]:
        """The addresses of a trunk, best first; `usual` for one that is not configured."""
        found = self._trunks.get(name)
        if found is None:
            return usual
        wanted, near = found
        self._targets.find(wanted, near, functools.partial(self._learn, name))
        known = self._known.get(name, usual)
        return self._targets.box.order(known, time.monotonic_ns())

    def _learn(self, name: str, addresses: tuple[Address, ...]) -> None:
        if not addresses or name not in self._trunks:
            return
        if addresses != self._known.get(name):
            self._known[name] = addresses
            for host, _, _ in addresses:
                self._admission.allow(host, name)


def wanted_of(trunk: Trunk) -> Wanted:
    """What is looked for behind a trunk's `host`."""
    return Wanted(trunk.host.strip("[]").lower(), trunk.port, trunk.transport.value)


def first_targets(
    trunk: Trunk, locals_: Sequence[Local], dns: DnsSettings, rng: random.Random
) -> tuple[Address, ...]:
    """The addresses of a trunk, best first, found while the caller waits.

    Raises:
        OSError: there is none, or no transport of ours leads there; the text says which.
    """
    wanted = wanted_of(trunk)
    kinds = {(one.transport, one.v6) for one in locals_ if one.side == "trunk"}
    # The loop of the caller, if there is one, is busy waiting for this.
    with ThreadPoolExecutor(1) as pool:
        search = lookup(wanted, kinds, dns.resolver(), rng)
        found = pool.submit(asyncio.run, search).result()
    if not found:
        raise OSError(f"cannot resolve {trunk.host}: no address by {trunk.transport}")
    reach = Reach(locals_)
    near = next(n for n, one in enumerate(locals_) if one.side == "trunk")
    places = [(t, reach.flow(t.transport, v6=":" in t.host, near=near)) for t in found]
    addresses = tuple((t.host, t.port, flow) for t, flow in places if flow is not None)
    if not addresses:
        flow_for(trunk, found[0].host, locals_)
        raise OSError(f"no socket of ours leads to {trunk.host}")
    return addresses
