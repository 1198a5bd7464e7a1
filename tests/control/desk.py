"""A daemon without lines: the real store and campaign gate behind the real control socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from dialerd.control import frames
from dialerd.control.agents import AgentDesk
from dialerd.control.hub import EventHub
from dialerd.control.io_client import ControlClient
from dialerd.control.io_server import ControlServer
from dialerd.control.service import ControlService
from dialerd.core.agents_view import AgentInfo, TeamInfo, Work
from dialerd.core.campaign_spec import CampaignSpec, at_time
from dialerd.core.control import DaemonState, Invalid, NotFound, Status
from dialerd.core.lines_view import ListTrunks, Reloaded, TrunkList
from dialerd.core.metering import Left
from dialerd.core.operate_view import Level
from dialerd.core.people_view import IdleLine
from dialerd.core.ports import Store
from dialerd.core.prompts_view import PromptTaken
from dialerd.core.records import Campaign, Contact
from dialerd.core.statistics import LineUse, PortFigures, TrunkFigures
from dialerd.core.step_spec import StepSpec
from dialerd.core.tracing import GetTrace, ListTraces, Trace, TraceList
from dialerd.shell.clock import Clock
from dialerd.shell.tracing import Traces, TraceSettings, make_tracer
from dialerd.shell.trunk_view import trunk_info
from dialerd.store import MemoryStore
from dialerd.store.prompt_library import Library
from sip.transport.local import Local

PROMPTS = {"hello", "thanks", "vi/chao"}
NOW_MS = 1_795_000_000_123

USE = LineUse(3, 150, 1_950_000, 9, 600, 7_800_000, Left(90, None, None, 200_000, None, 5, 12))
FPT = TrunkFigures(
    "fpt", "gsm_gateway", "FPT", True, 30, 2, 40, 10.0, 5.0, 1, "open", "503", NOW_MS, 2,
    "registered", "rests after failures (503)", {"answered": 3, "failed": 1, "busy": 6}, USE,
    (PortFigures("01", False, 7, 3, "its minutes of the day are used up", USE),),
)  # fmt: skip


class Desk:
    """What `ControlService` asks of a daemon, without lines: it remembers what it was told."""

    def __init__(self) -> None:
        self.ms = NOW_MS
        self.told: list[Campaign] = []
        self.joined: list[int] = []
        self.state = DaemonState.RUNNING
        self.hung_up = False
        self.marked = False
        self.counters = {"sip.sent": 3.0}
        self.broken = ""
        self.emergency: set[int] = set()
        self.unrouted: set[int] = set()
        self.lines_say = ""
        self.level: Level = "info"
        self.prompts_changed: list[str] = []
        self.naming = asyncio.Lock()
        self.shelf: Library | None = None
        self.tracer = make_tracer(TraceSettings(), [Local("192.0.2.1", 5060)])
        self.kept = Traces(self.tracer, Clock())

    def now_ms(self) -> int:
        self.ms += 1
        return self.ms

    def status(self) -> Status:
        return Status(
            version="0.1.0",
            pid=os.getpid(),
            started_at=at_time(NOW_MS),
            now=at_time(self.ms),
            state=self.state,
            counters=dict(self.counters),
        )

    def why(self, campaign: Campaign) -> str:
        return "no trunk is up"

    async def prompt_fault(self, name: str) -> str:
        return "" if name in PROMPTS else f"there is no prompt {name!r}"

    def detector_fault(self, name: str) -> str:
        return f"there is no detector {name!r}" if name == "nosuch" else ""

    def regime_fault(self, name: str) -> str:
        return ""

    def busy(self) -> str:
        return "the daemon is draining" if self.state is DaemonState.DRAINING else ""

    def mark_stopped(self) -> None:
        self.marked = True

    def dial_again(self) -> None:
        self.state = DaemonState.RUNNING

    def campaign_changed(self, campaign: Campaign) -> None:
        self.told.append(campaign)

    def leads_joined(self, campaign_id: int) -> None:
        self.joined.append(campaign_id)

    def drain(self, *, hang_up: bool) -> int:
        self.state, self.hung_up = DaemonState.DRAINING, hang_up
        return 7

    def stop(self, *, hang_up: bool) -> int:
        return self.drain(hang_up=hang_up)

    def trunks(self, request: ListTrunks) -> TrunkList:
        if request.name in {"", "fpt"}:
            return TrunkList(items=(trunk_info(FPT),))
        raise NotFound("there is no such trunk")

    def log_level(self, level: Level | None) -> Level:
        self.level = level or self.level
        return self.level

    async def reload(self, who: str) -> Reloaded:
        if self.broken:
            raise Invalid(self.broken)
        return Reloaded(added=("new",), removed=("old",), restart=("sip.port",))

    async def prompt_changed(self, name: str) -> PromptTaken:
        self.prompts_changed.append(name)
        return PromptTaken(name=name, seconds=1.5)

    async def remove_prompt(self, name: str) -> PromptTaken:
        if self.shelf is not None:
            self.shelf.remove(name)
        return await self.prompt_changed(name)

    def config(self) -> dict[str, object]:
        return {"sip": {"port": 5060}}

    def traces(self, request: ListTraces) -> TraceList:
        return self.kept.listed(request)

    def trace(self, request: GetTrace) -> Trace:
        return self.kept.get(request)

    def read_number(self, text: str) -> int:
        digits = "".join(filter(str.isdigit, text))
        if len(digits) < 6:
            raise Invalid(f"{text!r} is no number")
        return int(f"84{digits[1:]}" if digits.startswith("0") else digits)

    def never(self, phone: int) -> str:
        return "emergency: nobody dials it" if phone in self.emergency else ""

    def no_line(self, campaign: Campaign, phone: int, carrier: str) -> str:
        return self.lines_say

    def no_route(self, campaign: Campaign, phone: int, carrier: str) -> str:
        return "no line carries it" if phone in self.unrouted else ""

    def idle_lines(self) -> tuple[IdleLine, ...]:
        return (IdleLine(trunk="fpt", port="01", why="no campaign is running"),)

    def agents(self) -> tuple[AgentInfo, ...]:
        return ()

    def agent(self, name: str) -> AgentInfo | None:
        return None

    def teams(self) -> tuple[TeamInfo, ...]:
        return ()

    def work(self, name: str, queues: tuple[str, ...]) -> tuple[Work, ...]:
        return ()

    async def breathe(self) -> None:
        await asyncio.sleep(0)

    def halt(self, *, hang_up: bool) -> int:
        self.state, self.hung_up = DaemonState.HALTED, hang_up
        return 7


class Booth:
    """Everything one test needs: store, daemon, events, server."""

    def __init__(
        self,
        path: Path,
        store: Store | None = None,
        agents: Callable[[EventHub], AgentDesk] | None = None,
    ) -> None:
        """`agents` makes those who are at work; None: nobody ever is."""
        self.path = path
        self.store: Store = MemoryStore() if store is None else store
        self.desk = Desk()
        self.hub = EventHub()
        staff = self.desk if agents is None else agents(self.hub)
        self.control = ControlService(self.store, self.desk, self.hub, staff)
        self.server = ControlServer(self.control, path)

    async def people(self, name: str = "people", n: int = 3) -> None:
        found = await self.store.create_list(name, NOW_MS)
        contacts = [Contact(84_912_000_000 + i, f"0912 000 {i:03d}") for i in range(n)]
        await self.store.add_contacts(found.list_id, contacts)


@asynccontextmanager
async def booth(path: Path, store: Store | None = None) -> AsyncIterator[Booth]:
    """Served for the length of a block."""
    made = Booth(path, store)
    await made.server.start()
    try:
        yield made
    finally:
        await made.server.close()
        made.store.close()


@asynccontextmanager
async def client(path: Path, timeout_s: float = 5.0) -> AsyncIterator[ControlClient]:
    """A client for the length of a block."""
    made = ControlClient(path, timeout_s)
    try:
        yield made
    finally:
        await made.close()


def spec(name: str = "Nhắc gia hạn", **changes: object) -> CampaignSpec:
    """A right campaign, with changes."""
    values: dict[str, object] = {
        "name": name,
        "list": "people",
        "regime": "loopback",
        "steps": (
            StepSpec(prompt="hello", keys={"1": "more", "0": "end"}, wait_ms=4000),
            StepSpec(prompt="thanks", id="more"),
        ),
    }
    return CampaignSpec(**{**values, **changes})  # type: ignore[arg-type]


async def ask(path: Path, data: bytes) -> list[list[object]]:
    """Send raw bytes, end, and read every frame that comes back."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 100)
    finally:
        writer.close()
    return list(frames.Reader(1 << 24).feed(answer))


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true; the number of looks is bounded."""
    for _ in range(6_000):  # a minute and more: it ends a test that hangs
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")
