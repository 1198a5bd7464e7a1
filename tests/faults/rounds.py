"""A daemon under load that is killed, stopped or told another time, again and again.

Carriers of ours keep a ledger each; the daemon has no hand in it. After every fault the file is
examined at rest and the ledgers are held against the store: no number twice inside its cap, no
lead lost, no number dialed after its entry on the do-not-call list was acknowledged, every call of
before ended, one record for each call that a carrier saw.
"""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from dialerd.core.ids import attempt_of
from dialerd.core.ports import ReportRow
from dialerd.core.records import DoNotCall, LeadState, Outcome
from dialerd.shell.kill_points import BROADCAST_POINTS as POINTS
from dialerd.shell.kill_points import VARIABLE
from dialerd.sim import checkers
from dialerd.sim.io_procs import Child, wait_until
from dialerd.sim.io_world import World, make_scene
from dialerd.sim.ledger import Books, phone_of
from dialerd.sim.scene import CAMPAIGN
from dialerd.store import copies, open_store, wait
from dialerd.store.base import BaseStore
from dialerd.store.ended import Ended
from tests.faults.shim import Control
from tests.waiting import until

RATE, SPEED = 50.0, 10.0
PER_ROUND = 250  # leads
ENDED_S = 60.0  # for calls of before a fault to be over at the carrier: nothing is judged by it
INVITE_MS = 5_000  # from the commit of a beginning to the carrier, on a busy machine
LOOK_S = 0.1  # between two looks that read whole files
BLOCKED_AT_ONCE = 4
PASSAGES = 5  # of a point, before the daemon dies at it
HOUR, DAY = 3_600, 86_400
JUMPS_S = (HOUR, -HOUR, 30 * DAY, -365 * DAY, 0)  # of the wall clock against the right time


class Line(msgspec.Struct):
    """What is looked at of a line of the daemon's files."""

    seq: int
    attempt: int


@dataclass
class Report:
    """What came of all rounds."""

    rounds: int = 0
    calls: int = 0
    interrupted: int = 0
    blocked: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Those of another world."""
        self.rounds += other.rounds
        self.calls += other.calls
        self.interrupted += other.interrupted
        self.blocked += other.blocked
        self.faults += other.faults

    def line(self) -> str:
        """For a person."""
        said = (
            f"{self.rounds} rounds, {self.calls} calls seen by the carriers, {self.interrupted} "
            f"interrupted, {self.blocked} numbers blocked meanwhile: {len(self.faults)} faults"
        )
        return "; ".join([said, *self.faults[:5]])


class Rounds:
    """A world, and what has been done to its daemon. Use as a context manager."""

    def __init__(self, folder: Path, rounds: int, seed: int) -> None:
        """Nothing runs yet."""
        leads = 1_000 + PER_ROUND * rounds
        scene = make_scene(
            folder, seed=seed, leads=leads, rate=RATE, speed=SPEED, admin=False, records=True
        )
        self.world = World(scene)
        self.report = Report()
        self.data = folder / "data"
        self._rng = random.Random(seed)
        self._blocked: dict[int, int] = {}  # number: when its entry was acknowledged, Unix ms
        self._stepped = False

    def __enter__(self) -> Self:
        """Carriers, daemon, list; the campaign runs."""
        self.world.__enter__()
        try:
            self.world.start_carriers()
            self.world.start_daemon()
            self.world.load_list()
            self.world.begin()
        except BaseException:
            self.world.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """End everything."""
        self.world.close()

    def use(self, control: Control) -> None:
        """From its next start on the daemon is under this control."""
        self.world.variables = control.environment()

    # ---- faults

    def kill(self) -> None:
        """SIGKILL at a random moment under load, and examine what it leaves."""
        self._until_placed(self._rng.randint(10, 60))
        self._block()
        time.sleep(self._rng.uniform(0.0, 0.3))  # which moment it is must not follow from us
        self._daemon().kill()
        self._after_death()

    def die_at(self, point: str, nth: int) -> None:
        """Started so that it kills itself at a point; examine what it leaves."""
        self._daemon().kill()
        self.world.variables[VARIABLE] = f"{point}:{nth}"
        child = self._start()
        del self.world.variables[VARIABLE]
        if child.wait(ENDED_S) != -signal.SIGKILL or child.last_words().count("kill itself") != 1:
            self.report.faults.append(f"the daemon did not die at {point}")
        self._after_death()

    def start(self) -> None:
        """A daemon after the one that died."""
        self.world.restart_daemon()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later: as a machine that is paused."""
        self._until_placed(40)
        before_ms = time.time_ns() // 1_000_000
        self._daemon().signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._daemon().signal(signal.SIGCONT)
        self._until_placed(40)
        self.report.rounds += 1
        self.judge_calls_before(before_ms)
        self._examine()

    def step(self, control: Control, offset_s: int) -> None:
        """The wall clock is that much off from now on."""
        self._until_placed(30)
        self._block()
        self._stepped = True
        control["wall_offset_ns"] = offset_s * 1_000_000_000
        wait_until(
            lambda: b"clock was stepped" in self._daemon().output().rpartition(b"\n- ")[2],
            [self._daemon()], ENDED_S, "the daemon's word of the step",
        )  # fmt: skip
        self.report.rounds += 1
        self._examine()

    # ---- between them

    def _daemon(self) -> Child:
        assert self.world.daemon is not None
        return self.world.daemon

    def _start(self) -> Child:
        """Without waiting for it to answer: it may be dead by then."""
        scene = self.world.scene
        log = scene.log_file("daemon")
        self.world.daemon = Child(
            "the daemon", self.world.daemon_command(), log, self._environment()
        )
        return self.world.daemon

    def _environment(self) -> dict[str, str]:
        from dialerd.sim.io_world import environment

        return environment() | self.world.variables

    def _until_placed(self, calls: int) -> None:
        """Wait for so many further calls at the carriers."""
        before = self._seen()
        wait_until(
            lambda: self._seen() >= before + calls, [self._daemon()], ENDED_S, "another call"
        )

    def _seen(self) -> int:
        return sum(tally.seen for tally in self.world.tallies().values())

    def _block(self) -> None:
        """Put some of the next numbers on the do-not-call list, beside the daemon."""
        store = open_store(self.data)
        try:
            waiting = [
                row.lead.phone
                for row in next(store.report(1, chunk=10_000))
                if row.lead.state in (LeadState.READY, LeadState.CLAIMED)
            ]
            for phone in self._rng.sample(waiting[:80], min(BLOCKED_AT_ONCE, len(waiting))):
                wait(store.dnc_add([DoNotCall(phone, 1, "asked")]))
                self._blocked[phone] = time.time_ns() // 1_000_000
        finally:
            store.close()

    def _after_death(self) -> None:
        self.report.rounds += 1
        self._examine()

    def _examine(self) -> None:
        """`dialerd fsck`: of a daemon that runs, on a copy."""
        findings = copies.check(self.data)
        if not findings.sound:
            self.report.faults.append(findings.refused or "; ".join(findings.problems[:3]))

    def judge_calls_before(self, when_ms: int) -> None:
        """Every call that began before then has ended, and has one record that says how."""
        books = self._ended(lambda call_ms: call_ms < when_ms)
        wanted = {attempt_of(call.seen.call_id) for call in books.calls}
        faults: list[checkers.Fault] = []

        def all_known() -> bool:  # the carrier may know of an end before the store does
            rows = [of_attempts(row, wanted) for row in self._rows()]
            rows = [row for row in rows if row.attempts]
            faults[:] = checkers.lost(books, rows, attempt_of)
            return not faults

        self._wait(all_known)
        self._tell(faults)

    def _ended(self, which: Callable[[int], bool]) -> Books:
        """The ledgers of these calls, once all of them are over."""
        books = Books()

        def all_over() -> bool:
            nonlocal books
            books = self.world.books()
            books.calls = [call for call in books.calls if which(call.seen.at_ms)]
            return not any(call.up for call in books.calls)

        self._wait(all_over)
        return books

    @staticmethod
    def _wait(done: Callable[[], bool]) -> None:
        """For something that may also not come: what is there then is judged."""
        with contextlib.suppress(AssertionError):
            until(done, ENDED_S, LOOK_S)

    def _rows(self) -> Iterator[ReportRow]:
        store = open_store(self.data, readonly=True)
        try:
            for chunk in store.report(store.find_campaign(CAMPAIGN).campaign_id):
                yield from chunk
        finally:
            store.close()

    # ---- at the end

    def settle(self) -> Report:
        """No new calls, the others end; then everything is judged, by the command as well."""
        with self.world.client() as client:
            del client  # it answers
        self.world.pause()
        self._ended(lambda _: True)
        if self.world.stop_daemon() != 0:
            self.report.faults.append(f"the daemon ended badly: {self._daemon().last_words()}")
        return self.judge()

    def judge(self) -> Report:
        """Of a stopped daemon."""
        books, rows = self.world.books(), list(self._rows())
        cap = self.world.scene.cap
        again = checkers.called_again(rows)
        self._tell(checkers.doubled(books, cap, attempt_of, again))
        self._tell(checkers.lost(books, rows, attempt_of))
        self._tell(checkers.mismatched(books, rows))
        self._judge_blocked(books, rows)
        self._judge_files()
        self.report.calls = len(books.calls)
        self.report.blocked = len(self._blocked)
        self.report.interrupted = sum(
            attempt.outcome is Outcome.INTERRUPTED for row in rows for attempt, _ in row.attempts
        )
        ledgers = [
            word for path in sorted((self.data.parent / "ledgers").glob("*.jsonl"))
            for word in ("--ledger", str(path))
        ]  # fmt: skip
        told = self.world.dialerd("fsck", "-o", "json", *ledgers, may_end=(0, 1))
        said = msgspec.json.decode(told)
        if said["problems"] or said["refused"]:
            self.report.faults.append(f"fsck: {said['refused'] or said['problems'][:3]}")
        return self.report

    def _judge_blocked(self, books: Books, rows: list[ReportRow]) -> None:
        begun_ms = {
            attempt.attempt_id: attempt.begun_ms for row in rows for attempt, _ in row.attempts
        }
        for call in books.calls:
            blocked_ms = self._blocked.get(phone_of(call.seen.user) or 0)
            if blocked_ms is None or call.seen.at_ms < blocked_ms:
                continue
            # Its beginning may have been committed before the entry was: then it may ring after, by
            # the time that an INVITE takes. What the store says is of a clock we may have changed.
            told_ms = begun_ms.get(attempt_of(call.seen.call_id) or 0, blocked_ms + 1)
            late = call.seen.at_ms > blocked_ms + INVITE_MS
            if late or (told_ms > blocked_ms and not self._stepped):
                self.report.faults.append(f"{call.seen.user} was dialed after it was blocked")

    def _judge_files(self) -> None:
        """Each record of what ended is in the daemon's files, once and in its order."""
        store = open_store(self.data, readonly=True)
        try:
            last = store.last_ended()
            kept = [one.attempt.attempt_id for one in self._all_ended(store, last)]
        finally:
            store.close()
        files = sorted((self.data / "cdr").glob("*.jsonl"), key=lambda f: (".current" in f.name, f))
        lines = [line for file in files for line in file.read_bytes().splitlines()]
        rows = [msgspec.json.decode(line, type=Line) for line in lines]
        if [row.seq for row in rows] != list(range(1, last + 1)):
            self.report.faults.append(f"{len(rows)} lines are in the files, {last} attempts ended")
        elif [row.attempt for row in rows] != kept:
            self.report.faults.append("a line of the files is of another attempt")

    @staticmethod
    def _all_ended(store: BaseStore, last: int) -> Iterator[Ended]:
        after = 0
        while after < last:
            page = store.ended(after, last - after)
            yield from page
            after = page[-1].seq

    def _tell(self, faults: list[checkers.Fault]) -> None:
        self.report.faults += [
            f"{fault.kind}: {fault.phone} {fault.call_id} {fault.text}" for fault in faults
        ]


def of_attempts(row: ReportRow, wanted: set[int | None]) -> ReportRow:
    """A lead with these attempts alone: it may have been called again since, by the rules."""
    tried = tuple(one for one in row.attempts if one[0].attempt_id in wanted)
    return msgspec.structs.replace(row, attempts=tried)


def kills(
    folder: Path, *, rounds: int, seed: int, points: int = 1,
    told: Callable[[Report], None] = lambda _: None,
) -> Report:  # fmt: skip
    """`points` times at every named point, then `rounds` times at a random moment."""
    with Rounds(folder, rounds + points * len(POINTS), seed) as world:
        for turn in range(points):
            for point in POINTS:
                # `export` has two sides, told apart by whether its passage is even.
                nth = {"claim": 1, "export": 3 + turn % 2}.get(point, PASSAGES)
                world.die_at(point, nth)
                told(world.report)
        if points:
            world.start()
        for _ in range(rounds):
            world.kill()
            before_ms = time.time_ns() // 1_000_000
            world.start()
            world.judge_calls_before(before_ms)
            told(world.report)
        return world.settle()


def frozen(folder: Path, seconds: tuple[float, ...], seed: int) -> Report:
    """Stopped and continued under load."""
    with Rounds(folder, 3 * len(seconds), seed) as world:
        for length in seconds:
            world.freeze(length)
        return world.settle()


def stepped(folder: Path, offsets_s: tuple[int, ...], seed: int) -> Report:
    """The wall clock of the running daemon jumps, there and back."""
    (folder / "control").mkdir(parents=True)
    with Control(folder / "control") as control:
        world = Rounds(folder, 2 * len(offsets_s), seed)
        world.use(control)
        with world:
            for offset_s in offsets_s:
                world.step(control, offset_s)
            return world.settle()
