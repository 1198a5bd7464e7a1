"""What the handlers work with: the daemon's control socket, the store, the numbering plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from admin_http.jobs import Jobs
from admin_http.limits import ADDRESS_RATE, ASKERS_MAX, CONTROL_S, TOKEN_RATE
from admin_http.live.relay import Relay
from admin_http.live.snapshot import Snapshots
from admin_http.once import Once
from admin_http.people.admission import Door
from admin_http.people.asker import Asker
from admin_http.people.sessions import Policy
from admin_http.people.store import AdminStore
from admin_http.problems import ProblemError
from admin_http.rates import Buckets, Rate
from dialerd.config import Config, parse_zone
from dialerd.control.io_client import ControlClient
from dialerd.core.ports import NotFoundError, StoreError
from dialerd.plan_file import read_numbering
from dialerd.store import LmdbStore, open_store

T = TypeVar("T")


class Services:
    """Opened once for the process; each part finds its other side again by itself."""

    def __init__(
        self, config: Config, store: LmdbStore | None = None, path: Path = Path("dialerd.toml")
    ) -> None:
        """Nothing is connected yet; TomlError when the numbering plan cannot be used.

        `store` is one that this process has open already, for a process may open it only once;
        `path` is where the configuration stands.
        """
        self.config = config
        self.config_path = path
        self.zone = parse_zone(config.dialing.zone)
        self.admin = AdminStore(config.store.path)
        idle, whole = config.admin.session_idle_s, config.admin.session_s
        self.door = Door(self.admin, Policy(timedelta(seconds=idle), timedelta(seconds=whole)))
        self.once = Once(self.admin)
        self.jobs = Jobs(self.admin, config.store.path)
        self.control = ControlClient(config.control.socket, CONTROL_S)
        self.relay = Relay(ControlClient(config.control.socket, CONTROL_S))
        self.snapshots = Snapshots(self.control)
        self.numbering = read_numbering(config.numbering.plan, config.numbering.destinations)
        self.known = Buckets(Rate(*TOKEN_RATE), ASKERS_MAX)  # by token or session
        self.strangers = Buckets(Rate(*ADDRESS_RATE), ASKERS_MAX)  # by address
        self._store = store
        self._own = store is None
        self._opening = asyncio.Lock()

    async def store(self) -> LmdbStore:
        """The store, for reading only; ProblemError 503 while there is none."""
        async with self._opening:
            if self._store is None:
                try:
                    self._store = await asyncio.to_thread(_open, self.config.store.path)
                except StoreError as error:
                    raise ProblemError(503, str(error)) from None
            return self._store

    async def read(self, work: Callable[[LmdbStore], T]) -> T:
        """Ask the store in a thread; a refusal of it becomes a ProblemError."""
        store = await self.store()
        try:
            return await asyncio.to_thread(work, store)
        except NotFoundError as error:
            raise ProblemError(404, str(error)) from None
        except StoreError as error:
            raise ProblemError(503, str(error)) from None

    async def close(self) -> None:
        """Let go of everything."""
        await self.jobs.close()
        await self.relay.stop()
        await self.control.close()
        if self._store is not None and self._own:
            await asyncio.to_thread(self._store.close)
            self._store = None
        await self.door.close()
        await asyncio.to_thread(self.admin.close)


def _open(path: Path) -> LmdbStore:
    return open_store(path, readonly=True)


class Call:
    """One request in the hands of a handler."""

    def __init__(
        self, services: Services, request: web.Request, asker: Asker | None, route_name: str = ""
    ) -> None:
        """`asker` is who asks; None on routes that are open."""
        self.services = services
        self.request = request
        self.asker = asker
        self.route_name = route_name
        self.headers: dict[str, str] = {}  # of the response
        self.detail = ""  # for the audit log: what the path does not say
        self.seen: Any = None  # by whoever asks for an update: the document as it was

    @property
    def who(self) -> str:
        """For the record of moves."""
        return self.asker.who if self.asker else "nobody"

    @property
    def known(self) -> Asker:
        """Who asks on a route that is not open."""
        if self.asker is None:
            raise ProblemError(401, "who are you?")
        return self.asker

    def must_see_campaign(self, campaign_id: int, absent: str) -> None:
        """ProblemError 404 `absent`, as of what is not there, unless the campaign is seen."""
        if not self.known.sees_campaign(campaign_id):
            raise ProblemError(404, absent)

    def must_see_agent(self, agent: str, absent: str) -> None:
        """The same for what is an agent's: its customers, its calls."""
        if not self.known.sees_agent(agent):
            raise ProblemError(404, absent)
