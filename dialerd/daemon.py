"""The composition root of `dialerd run`: builds every part, joins them, takes them down.

Start: data folder, recovery of what a crash left, media engine, SIP socket, dialer, campaigns,
control socket, admin process. Stop (SIGTERM, SIGINT, `dialerd stop`): no new calls, live calls end
within `drain_s_max` (a second signal hangs them up), what is queued is committed, everything is
closed in the reverse order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from functools import partial
from pathlib import Path

import uvloop

from dialerd.config import Config, ConfigError, masked, secrets_of
from dialerd.control.hub import EventHub
from dialerd.control.io_server import ControlServer
from dialerd.control.service import ControlService
from dialerd.core.control import Invalid
from dialerd.core.dialer import Dialer
from dialerd.core.events import LinesChanged, NumberingChanged, UsageKnown
from dialerd.core.limits import USAGE_DAYS_MAX
from dialerd.core.lines_view import Reloaded
from dialerd.core.metering import day_of
from dialerd.core.ports import StoreFailedError
from dialerd.garbage import seldom_collected
from dialerd.lines.phone_line import PhoneLines
from dialerd.lines.sip_line import SipLines
from dialerd.log_lines import Log
from dialerd.plan_file import read_numbering
from dialerd.shell import kill_points
from dialerd.shell.agent_desk import AgentDesk
from dialerd.shell.banks import Banks
from dialerd.shell.beginning import StopMark, tell_campaigns
from dialerd.shell.call_ids import CallIds
from dialerd.shell.calls import Calls
from dialerd.shell.chore_list import chores_of
from dialerd.shell.chores import Chores
from dialerd.shell.clock import Clock
from dialerd.shell.collecting import Collector
from dialerd.shell.control import RunningDaemon, prefixed
from dialerd.shell.driver import Driver
from dialerd.shell.ear_files import EarFiles, read_ear_files
from dialerd.shell.ears import Ears
from dialerd.shell.entropy import Entropy
from dialerd.shell.kept_process import KeptProcess
from dialerd.shell.media import Media
from dialerd.shell.media_room import MediaRules
from dialerd.shell.old_calls import OldCalls
from dialerd.shell.phones import KeptPhones
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.recordings import Recordings, encode_later
from dialerd.shell.reloading import calls_max, changes, limits, read_again, taken_over
from dialerd.shell.service_manager import ServiceManager, StartError
from dialerd.shell.sip_config import stack_settings
from dialerd.shell.sip_stack import Stack
from dialerd.shell.trunk_config import sip_trunk, trunk_spec, utc_offset_s
from dialerd.shell.trunk_health import TrunkHealth
from dialerd.shell.trunk_targets import TrunkTargets
from dialerd.store import open_store
from dialerd.store.prompt_library import library_of
from dialerd.store.recording_files import day_name
from dialerd.turns import take_short_turns
from fastpath.rtp import MediaEngine
from sip.errors import SipError

log = logging.getLogger("dialerd")

TEARDOWN_S = 40.0  # SIP timers B and F, 32 s, and a little
MOVED_S = 0.02  # for which addresses found one after the other are gathered


class Daemon:
    """Everything that runs in the core process."""

    def __init__(self, config: Config, path: Path, lines: Log) -> None:
        self._log = lines
        self._config = config
        self._path = path
        self._exits = contextlib.AsyncExitStack()
        self._stopping = asyncio.Event()
        self._reloads: set[asyncio.Task[Reloaded]] = set()
        self._hang_up = False
        self._broken: StoreFailedError | None = None
        self._moved: set[str] = set()
        self._manager = ServiceManager()

    async def run(self) -> None:
        """Start, serve, stop. StartError: it cannot start; StoreFailedError: the disk failed."""
        async with self._exits:
            self._exits.push_async_callback(self._manager.close)
            await self._start()
            await self._stopping.wait()
            await self._drain()
        if self._broken is not None:
            raise self._broken
        log.info("dialerd has ended")

    async def _start(self) -> None:
        config, loop = self._config, asyncio.get_running_loop()
        self._clock = Clock()
        self._rng = Entropy()
        self._store = open_store(
            config.store.path,
            daemon=True,
            linger_s=config.store.group_ms / 1000,
            map_bytes=config.store.map_gib << 30,
            tell=self._manager.starting,
        )
        self._exits.callback(self._store.close)
        recovered = await self._store.recover(self._clock.wall_ms(), staff=True)
        if recovered:
            log.warning("recovered %d attempts that the last run left open", recovered)
        await self._store.set_outbox(config.outbox.rows_max)
        # A clock that was moved forward makes nothing old enough to be removed.
        now = lambda: (self._day(), self._clock.wall_ms() - self._clock.ahead_ms())  # noqa: E731
        tell = lambda event: loop.call_soon_threadsafe(self._feed, event)  # noqa: E731
        chores = Chores({"[store]": self._store.look} | chores_of(config, self._store, now, tell))
        self._exits.push_async_callback(chores.close)
        numbering = read_numbering(config.numbering.plan, config.numbering.destinations)
        shown = config.sip.advertised or config.sip.bind
        self._lines = SipLines({}, shown, self._rng)
        self._dialer = Dialer(
            numbering,
            calls_per_s_max=config.dialing.calls_per_s_max,
            calls_max=calls_max(config),
            confirms_dials=True,
            inbound_status=config.dialing.inbound_status,
            host=f"{self._rng.getrandbits(32):08x}.{shown}",  # RFC 3261 8.1.1.4: unique over time
        )
        self._hub = EventHub()
        self._hub.sinks_changed = self._watch_calls
        self._start_media(loop, shown)
        self._start_sip(loop)
        self._start_driver(loop, shown)
        self._health = TrunkHealth(self._stack, self._targets, self._feed, shown)
        self._calls.hears = self._health.hear
        day = day_of(self._clock.wall_ms() * 1_000_000, 0)
        self._feed(UsageKnown(tuple(self._store.usage(day - USAGE_DAYS_MAX))))
        self._use_trunks(await asyncio.to_thread(read_ear_files, config, self._path))
        self._old_calls = OldCalls(self._stack, self._store, loop)
        self._exits.push_async_callback(self._old_calls.close)
        self._calls.cleared = self._old_calls.hear
        self._old_calls.begin(self._lines.lines)
        self._targets.changed = self._on_moved
        self._exits.push_async_callback(self._health.close)
        self._mark = StopMark(config.store.path)
        now_ms = self._clock.wall_ms()
        await tell_campaigns(self._store, self._prompts, self._mark, self._feed, now_ms)
        await self._start_control()
        self._banks.start(self._tell_lines, self._store, lambda: self._dialer.numbering)
        self._store.when_broken(lambda error: loop.call_soon_threadsafe(self._break, error))
        chores.start()
        self._admin = KeptProcess("the admin process", "admin_http", "-c", str(self._path))
        if config.admin.enabled:
            self._admin.start()
            self._exits.push_async_callback(self._admin.stop)
        ready = shown, config.sip.port, len(config.trunk) + len(config.bank)
        log.info("dialerd is ready: SIP %s:%d, %d trunks", *ready)
        self._manager.ready("SIP {}:{}, {} trunks".format(*ready), self._store.answer)

    def _start_driver(self, loop: asyncio.AbstractEventLoop, shown: str) -> None:
        self._phones = PhoneLines(shown, self._rng)
        self._ears = Ears()
        legs = (self._stack, self._lines, self._phones, self._media)
        self._calls = Calls(*legs, self._feed, self._ears)
        kill_points.arm(self._store, self._calls, self._stack)
        told = (self._media, self._feed, self._publish)
        self._banks = Banks(self._config.bank, *told, clock=self._clock, rng=self._rng)
        self._banks.calls.files.wanted = self._dialer.floor.files_wanted
        self._exits.push_async_callback(self._banks.close)
        self._calls.use(self._banks)
        sides = (self._store, self._calls, self._publish)
        self._driver = Driver(loop, self._clock, self._dialer, *sides)
        self._exits.callback(self._driver.close)
        self._log.who(CallIds(self._calls, self._dialer))
        self._desk = AgentDesk(self._driver, self._dialer, self._clock, self._publish)
        self._driver.start()

    def _use_trunks(self, files: EarFiles) -> None:
        """Make limits and trunks those of the configuration, at the start and at a reload."""
        config = self._config
        self._feed(limits(config))
        pairs = [(trunk, sip_trunk(trunk)) for trunk in config.trunk]
        self._lines.configure(to for _, to in pairs)
        self._ears.configure(files, config.trunk)
        self._targets.configure(config.trunk)
        self._banks.configure(config.bank)
        self._tell_lines()
        self._health.configure(pairs)

    def _tell_lines(self) -> None:
        """The dialer knows the trunks, and which of them have no address yet."""
        trunks = self._config.trunk
        specs = tuple(trunk_spec(one, up=bool(self._targets.known(one.name))) for one in trunks)
        offset_s = utc_offset_s(self._config.dialing.zone, self._clock.wall_ms())
        self._feed(LinesChanged(specs + self._banks.specs(), offset_s))

    def _on_moved(self, name: str) -> None:
        """A trunk has other addresses than before, or none: told with those of the same moment."""
        if not self._moved:
            asyncio.get_running_loop().call_later(MOVED_S, self._tell_moved)
        self._moved.add(name)

    def _tell_moved(self) -> None:
        names, self._moved = sorted(self._moved), set()
        self._tell_lines()
        self._health.moved(*names)

    def _start_media(self, loop: asyncio.AbstractEventLoop, shown: str) -> None:
        media = self._config.media
        engine = MediaEngine(
            threads=media.threads,
            priority=media.priority,
            streams_max=min((media.port_high - media.port_low) // 2, 65_000),
        )
        self._prompts = Prompts(engine, (media.prompts,), library_of(self._config.store.path))
        ports = (media.port_low, media.port_high)
        self._media = Media(
            engine, self._prompts, media.bind, shown, ports, self._feed,
            MediaRules(media.threads, media.load_max, media.silence_s_max, media.rtcp),
        )  # fmt: skip
        self._media.attach(loop)
        self._exits.callback(self._media.detach, loop)
        self._start_recordings(engine)

    def _start_recordings(self, engine: MediaEngine) -> None:
        wanted = self._config.recording
        folder = Path(wanted.folder) if wanted.folder else self._config.store.path / "recordings"
        try:
            self._recordings = Recordings(
                folder, engine, free_bytes_min=wanted.free_mb_min << 20, day=self._day
            )
        except OSError as error:
            raise StartError(f"[recording] folder {folder}: {error}") from error
        self._exits.callback(self._recordings.close)
        self._media.collector = Collector(engine, lambda: self._config, self._day)
        self._exits.callback(self._media.collector.close)
        self._media.recordings = self._recordings
        if wanted.encode == "flac":
            self._exits.push_async_callback(encode_later(self._recordings).stop)

    def _day(self) -> str:
        """The local day, as recordings are sorted."""
        wall_ms = self._clock.wall_ms()
        return day_name(wall_ms, utc_offset_s(self._config.dialing.zone, wall_ms))

    def _start_sip(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            settings = stack_settings(self._config)
            self._stack = Stack(settings, loop, self._rng, self._clock)
        except OSError as error:
            raise StartError(str(error)) from error
        self._exits.callback(self._stack.close)
        stack = self._stack
        if stack.endpoint.registrar is not None:
            folder = self._config.store.path
            kept = KeptPhones(stack.endpoint.registrar, stack.locals, folder, self._clock, loop)
            kept.begin()
            self._exits.push_async_callback(kept.close)
        self._targets = TrunkTargets(stack.targets, stack.admission, stack.locals, loop)
        self._exits.callback(self._targets.close)
        self._lines.way_of = self._targets.way

    async def _start_control(self) -> None:
        self._running = RunningDaemon(
            self._clock,
            self._dialer,
            self._driver,
            self._prompts,
            simulates=lambda: self._config.simulates,
            counters=self._counters,
            stop=self._stop,
            traces=self._stack.traces,
        )
        self._running.takes_over, self._running.mark = self._reload, self._mark
        self._running.detector_fault = self._ears.detector_fault
        self._running.claims_wait = self._store.claims_wait
        self._running.config = lambda: masked(self._config)
        control = ControlService(self._store, self._running, self._hub, self._desk)
        control.banks, control.live = self._running.desk(self._banks), self._running.calls()
        server = ControlServer(control, self._config.control.socket)
        self._watch_signals(asyncio.get_running_loop())  # who can ask us can also end us in order
        try:
            await server.start()
        except OSError as error:
            raise StartError(f"[control] socket {self._config.control.socket}: {error}") from error
        self._exits.push_async_callback(server.close)

    def _feed(self, event: object) -> None:
        self._driver.feed(event)  # type: ignore[arg-type]

    def _publish(self, topic: str, data: dict[str, object]) -> None:
        self._hub.publish(topic, data, self._clock.wall_ms())

    def _watch_calls(self) -> None:
        self._dialer.watch_calls(on=self._hub.asked_for("call"))
        self._media.shows = (
            partial(self._publish, "audio") if self._hub.asked_for("audio") else None
        )

    def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            act = self._on_hangup if number is signal.SIGHUP else self._on_signal
            loop.add_signal_handler(number, act)
            self._exits.callback(loop.remove_signal_handler, number)

    def _on_hangup(self) -> None:
        """SIGHUP asks a daemon to read its configuration anew; it never ends a call."""
        task = asyncio.get_running_loop().create_task(self._reload("SIGHUP"))
        self._reloads.add(task)
        task.add_done_callback(self._reloaded)

    def _reloaded(self, task: asyncio.Task[Reloaded]) -> None:
        self._reloads.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("SIGHUP: the configuration is not taken over: %s", error)

    async def _reload(self, who: str) -> Reloaded:
        """Take over what can be taken over of the file as it is now, or nothing of it; Invalid."""
        self._manager.reloading()
        try:
            return await self._take_over(who)
        finally:
            self._manager.reloaded()

    async def _take_over(self, who: str) -> Reloaded:
        try:
            found = await asyncio.to_thread(read_again, self._path, self._config)
            registrar = self._stack.endpoint.registrar
            if registrar is not None and found.phones is not None:
                registrar.configure(found.phones)
        except (ConfigError, OSError, SipError) as error:
            raise Invalid(str(error)) from error
        told = changes(self._config, found.config, found.ear_files.left_out)
        self._config = config = taken_over(self._config, found.config)
        logging.getLogger().setLevel(config.log.level.value.upper())
        self._media.ports = config.media.port_low, config.media.port_high
        self._feed(NumberingChanged(found.numbering))
        self._use_trunks(found.ear_files)
        self._admin.hang_up()  # its certificate
        log.info("%s: configuration read again: %s", who, told)
        return told

    def _on_signal(self) -> None:
        """Begin to drain; told again, hang up what is still up."""
        self._running.stop(hang_up=self._stopping.is_set())

    def _stop(self, hang_up: bool) -> None:  # noqa: FBT001 - a callback
        self._hang_up = self._hang_up or hang_up
        self._store.stop_vouching()
        self._stopping.set()

    def _break(self, error: StoreFailedError) -> None:
        """The disk failed in a way that is not tried again: end; the exit code says so."""
        log.critical("%s; nothing more is dialed, dialerd ends with its calls", error)
        self._broken = error
        self._running.stop(hang_up=False)

    async def _drain(self) -> None:
        log.info("draining: no new calls")
        loop = asyncio.get_running_loop()
        self._manager.stopping(self._config.dialing.drain_s_max + TEARDOWN_S)
        hang_up_at = loop.time() + self._config.dialing.drain_s_max
        give_up_at = hang_up_at + TEARDOWN_S
        while (up := len(self._calls)) or not self._driver.settled:
            if loop.time() >= give_up_at or (not up and self._broken is not None):
                break
            if loop.time() >= hang_up_at and not self._hang_up:
                self._running.stop(hang_up=True)
            await asyncio.sleep(0.05)
        if up:
            log.error("%d legs did not end; those of calls are recovered at the next start", up)

    def _counters(self) -> dict[str, float]:
        return prefixed(
            sip=self._stack.statistics(),
            rtp=self._media.engine.counters(),
            media=self._media.totals,
            recording=self._recordings.figures(),
            store=self._store.figures(),
            old_calls=self._old_calls.figures(),
            bank=self._banks.figures(),
            log={"dropped": self._log.dropped},
        )


def run(config: Config, path: Path) -> None:
    """Run the daemon until it is told to stop; StartError, StoreError in words for the user."""
    take_short_turns()
    told = config.log
    lines = Log(told.level, told.format, secrets_of(config), told.file)
    with lines, seldom_collected():
        uvloop.run(Daemon(config, path, lines).run())
