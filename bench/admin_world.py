"""The daemon that the benchmarks of the admin process load: a past, a list, calls in progress."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from admin_http import tokens
from admin_http.people.store import AdminStore
from admin_http.tokens import Scope, utc_now
from bench.admin_figures import look
from bench.whole_daemon import PEOPLE, BenchWorld, write_prompt
from bench.workloads import NOW_MS, finished
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import ListAgents
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import GetStatus, Status
from dialerd.core.ops import BeginDial
from dialerd.core.records import (
    CampaignSettings,
    CampaignState,
    Contact,
    Flow,
    FrequencyCap,
)
from dialerd.sim.io_procs import wait_until
from dialerd.sim.io_world import make_scene
from dialerd.store import open_store

PAST = "the past"  # the campaign whose attempts are reported
CLAIMED = 1_000  # attempts at a time, which is what a claim gives
ADDED = 4_000
READERS = 8
PROMPT_S = 10.0
LEEWAY = 1.5  # about four in five rows of a messy list are numbers that can be dialed
START_S = 30.0


class LoadWorld(BenchWorld):
    """The demo's world with calls of one prompt, and the ways to its admin process."""

    token = ""
    readers: tuple[str, ...] = ()  # tokens, so many that no limit of one meets who reads alone

    def campaign(self) -> CampaignSpec:
        """A telephone that rings answers; nobody is called twice."""
        return msgspec.structs.replace(super().campaign(), ring_s_max=20)

    def admit(self) -> None:
        """Make tokens that may do everything; the daemon does not run yet."""
        admin = AdminStore(self.scene.folder / "data")
        try:
            self.readers = tuple(
                admin.write(
                    lambda txn: tokens.add(
                        txn, f"bench-{time.time_ns()}", tuple(Scope), utc_now(), None
                    )
                )
                for _ in range(READERS)
            )
            self.token = self.readers[0]
        finally:
            admin.close()

    def status(self) -> Status:
        """What the daemon tells of itself."""
        with self.client() as client:
            return client.call(GetStatus())

    def admin_pid(self) -> int:
        """Of the HTTP process; 0 while there is none."""
        daemon = 0 if self.daemon is None else self.daemon.pid
        children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
        for pid in children:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
                if b"admin_http" in Path("/proc", pid, "cmdline").read_bytes():
                    return int(pid)
        return 0

    def look(self) -> Any:
        """Counters, and the CPU of core and admin process."""
        core = 0 if self.daemon is None else self.daemon.pid
        return look(self.status(), {"core": core, "admin": self.admin_pid()})

    def ask(self, method: str, path: str) -> Any:
        """A request of the admin process, and its JSON; urllib's errors."""
        address = f"http://127.0.0.1:{self.scene.ports.admin}{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        request = Request(address, method=method, headers=headers)
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - an address of ours
            return json.loads(answer.read())

    def serves(self) -> bool:
        """Whether the admin process answers."""
        try:
            return bool(self.ask("GET", "/v1/health/ready"))
        except OSError:  # not yet
            return False

    def await_admin(self) -> None:
        """Wait for that; ChildError when it does not come."""
        children = [self.daemon] if self.daemon else []
        wait_until(self.serves, children, START_S, "the admin process")

    def await_agents_gone(self) -> None:
        """Wait until the core has heard that every agent's socket is gone."""
        away = {AgentState.OFFLINE, AgentState.LOST}

        def gone() -> bool:
            with self.client() as client:
                return all(one.state in away for one in client.call(ListAgents()).items)

        children = [self.daemon] if self.daemon else []
        wait_until(gone, children, START_S, "the end of the agents' day")

    def await_calls(self, count: int) -> None:
        """Wait until so many are in progress."""
        children = [self.daemon] if self.daemon else []
        wait_until(lambda: self.status().calls_in_flight >= count, children, 60.0, f"{count} calls")


@contextmanager
def load_world(
    folder: Path, rate: float, seconds: float, prompt_s: float = PROMPT_S
) -> Iterator[LoadWorld]:
    """Carriers run, the data are there; the daemon is not started."""
    people = folder / "people.toml"
    people.write_text(PEOPLE)
    write_prompt(folder / "two.wav", prompt_s)
    leads = round(rate * seconds * LEEWAY) + 200
    made = make_scene(folder, leads=leads, rate=rate, people=people, prompts=folder)
    with LoadWorld(made) as world:
        world.start_carriers()
        world.admit()
        yield world


def write_rows(path: Path, first: int, count: int) -> None:
    """A list of people to import, with numbers that follow each other."""
    with path.open("w") as file:
        file.write("phone,name,city\n")
        file.writelines(f"09{i:08},Nguyen Van {i},Hanoi\n" for i in range(first, first + count))


def make_past(data: Path, count: int) -> None:
    """A finished campaign with so many attempts of four events each; nothing where it is there."""
    store = open_store(data)
    try:
        asyncio.run(_past(store, count))
    finally:
        store.close()


async def _past(store: Any, count: int) -> None:
    from dialerd.core.ports import NotFoundError

    try:
        store.find_campaign(PAST)
        return
    except NotFoundError:
        pass
    list_id = (await store.create_list(PAST, NOW_MS)).list_id
    for first in range(0, count, ADDED):
        numbers = range(first, min(first + ADDED, count))
        people = [Contact(84_700_000_000 + i, f"0{700_000_000 + i}", "x", {}) for i in numbers]
        await store.add_contacts(list_id, people)
    settings = CampaignSettings(PAST, list_id, Flow(()), "loopback", cap=FrequencyCap(1, 0))
    campaign = (await store.create_campaign(settings, "bench", NOW_MS)).campaign_id
    for state in (CampaignState.APPROVED, CampaignState.RUNNING):
        await store.move_campaign(campaign, state, "bench", NOW_MS)
    for done in range(0, count, CLAIMED):
        claims = (await store.claim(campaign, CLAIMED, NOW_MS, 60)).claims
        await store.apply(
            [
                op
                for claim in claims
                for op in (
                    BeginDial(claim.attempt_id, "t", f"{claim.attempt_id:x}@x", "p", NOW_MS),
                    finished(claim.attempt_id),
                )
            ]
        )
        if done % 100_000 == 0:
            sys.stderr.write(f"a past of {count:,} attempts: {done:,}\n")
    await store.move_campaign(campaign, CampaignState.FINISHED, "bench", NOW_MS)
