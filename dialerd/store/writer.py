"""The one thread that writes: requests queue up, a group of them is one durable commit.

A group is what arrived within LINGER_S of its oldest request, or GROUP_MAX events, whichever comes
first; requests that arrive during a commit make the next group without further delay. Results are
handed out after the commit, to each event loop in one wake-up.

Who asks where no event loop runs has nothing else to do: with no linger and nobody waiting, its
own thread commits, which saves two switches between threads.

A request that raises must not take its neighbours along: the transaction is given up, and the
requests of the group run again, each in a transaction of its own. A commit that fails resolves
every request of its group with StoreFailedError, and nothing of them is in the file.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from dialerd.core.ports import StoreFailedError
from dialerd.store.limits import GROUP_MAX, LINGER_S, QUEUE_MAX, YIELD_S_MAX, YIELD_S_MIN
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.schema import told
from dialerd.store.ticket import Ticket
from dialerd.store.unit import More, Unit

Work = Callable[[Unit], Any]
Loop = asyncio.AbstractEventLoop


class Job(NamedTuple):
    """One request, or the rest of one."""

    work: Work
    weight: int
    at_s: float  # monotonic
    loop: Loop | None
    future: asyncio.Future[Any] | Ticket[Any]


class Done(NamedTuple):
    """How a job ended."""

    job: Job
    value: Any = None
    error: Exception | None = None


class _JobFailed(Exception):  # noqa: N818  a signal, not an error
    """A job of a group of several raised."""


class Writer:
    """The thread, its queue and its figures."""

    def __init__(
        self, engine: LmdbEngine, linger_s: float = LINGER_S, *, yields: bool = False
    ) -> None:
        """Start the thread. `linger_s` 0 commits whatever is there at once.

        `yields`: after each commit other processes may write for as long as it took. Their lock is
        not fair: who gives it back and asks at once has it again before who waits is awake.
        """
        self._engine = engine
        self._yields = yields
        self._linger_s = linger_s
        self._queue: deque[Job] = deque()
        self._waiting = 0  # events in the queue
        self._changed = threading.Condition()
        self._turn = threading.Lock()  # held while a group is committed
        self._closing = False
        self.on_broken: Callable[[StoreFailedError], object] | None = None  # by any thread
        self.commits = 0
        self.jobs = 0
        self.failures = 0
        self.commit_s_sum = 0.0
        self.commit_s_max = 0.0
        self.wait_s_sum = 0.0  # of the oldest request of each commit, from its asking to its end
        self.wait_s_max = 0.0
        self._thread = threading.Thread(target=self._main, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work, weight: int) -> Awaitable[Any]:
        """Queue a request; its awaitable resolves after the commit."""
        loop: Loop | None
        future: asyncio.Future[Any] | Ticket[Any]
        try:
            loop = asyncio.get_running_loop()
            future = loop.create_future()
        except RuntimeError:
            loop, future = None, Ticket()
        job = Job(work, max(weight, 1), time.monotonic(), loop, future)
        if loop is None and not self._linger_s and self._commit_here(job):
            return future
        with self._changed:
            if self._closing:
                future.set_exception(StoreFailedError("the store is closed"))
            elif len(self._queue) >= QUEUE_MAX:
                future.set_exception(StoreFailedError(f"{QUEUE_MAX} writes are waiting already"))
            else:
                self._push(job)
        return future

    def _commit_here(self, job: Job) -> bool:
        """Commit a request in the thread that asks, unless others are there already."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            with self._changed:
                if self._closing or self._queue:
                    return False
            done = self._run([job])
        finally:
            self._turn.release()
        self._finish(done)
        return True

    def close(self) -> None:
        """Commit what is queued; long requests end after their current step, with an error."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        with self._turn:  # another thread's own commit
            return

    def tell_broken(self, error: StoreFailedError) -> None:
        """Have `on_broken` called, the first time; by any thread."""
        tell, self.on_broken = self.on_broken, None
        if tell is not None:
            tell(error)

    def _push(self, job: Job) -> None:
        self._queue.append(job)
        before, self._waiting = self._waiting, self._waiting + job.weight
        if not before or before < GROUP_MAX <= self._waiting:
            self._changed.notify()

    def _main(self) -> None:
        while group := self._next_group():
            began_s = time.monotonic()
            with self._turn:
                done = self._run(group)
            self._finish(done)
            if self._yields:
                # Others wait for the file's lock, which goes to whoever comes first.
                time.sleep(min(max(time.monotonic() - began_s, YIELD_S_MIN), YIELD_S_MAX))

    def _run(self, group: list[Job]) -> list[Done]:
        try:
            return self._commit(group)
        except Exception as error:
            return [Done(job, error=error) for job in group]

    def _finish(self, done: list[Done]) -> None:
        self._hand_out(self._continued(done))
        if self._engine.broken is not None:
            self.tell_broken(self._engine.broken)

    def _next_group(self) -> list[Job]:
        """Wait for work, then for company; empty when the store closes."""
        with self._changed:
            while not self._queue:
                if self._closing:
                    return []
                self._changed.wait()
            until_s = self._queue[0].at_s + self._linger_s
            while self._waiting < GROUP_MAX and not self._closing:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            group: list[Job] = []
            weight = 0
            while self._queue and weight < GROUP_MAX:
                job = self._queue.popleft()
                group.append(job)
                weight += job.weight
            self._waiting -= weight
            return group

    def _commit(self, group: list[Job]) -> list[Done]:
        try:
            return self._transact(group)
        except _JobFailed:
            return [done for job in group for done in self._transact([job])]

    def _transact(self, group: list[Job]) -> list[Done]:
        """Run the jobs in one transaction."""
        engine = self._engine
        if engine.broken is not None:  # maybe since the job before: that one is committed
            return [Done(job, error=engine.broken) for job in group]
        while True:
            try:
                return self._transact_once(group)
            except StoreFailedError as error:
                return [Done(job, error=error) for job in group]
            except engine.ERRORS as error:
                if engine.grow(error):
                    continue
                self.failures += 1
                failed = engine.explain(error)
                return [Done(job, error=failed) for job in group]

    def _transact_once(self, group: list[Job]) -> list[Done]:
        engine = self._engine
        txn = engine.begin(write=True)
        try:
            unit = Unit(txn)
            values = []
            for job in group:
                try:
                    values.append(job.work(unit))
                except Exception as error:
                    if engine.is_full(error):
                        raise
                    if len(group) > 1:
                        raise _JobFailed from None
                    if isinstance(error, engine.ERRORS):
                        raise
                    return [Done(job, error=told(error))]
            unit.flush()
            began_s = time.monotonic()
            txn.commit()
            now_s = time.monotonic()
            took_s, waited_s = now_s - began_s, now_s - group[0].at_s
        finally:
            txn.abort()
        self.commits += 1
        self.jobs += len(group)
        self.commit_s_sum += took_s
        self.commit_s_max = max(self.commit_s_max, took_s)
        self.wait_s_sum += waited_s
        self.wait_s_max = max(self.wait_s_max, waited_s)
        return [Done(job, value) for job, value in zip(group, values, strict=True)]

    def _continued(self, done: list[Done]) -> list[Done]:
        """Queue the next step of long requests; what remains is finished."""
        finished: list[Done] = []
        for one in done:
            if not isinstance(one.value, More):
                finished.append(one)
                continue
            with self._changed:
                if self._closing:
                    error = StoreFailedError("the store was closed before this was done")
                    finished.append(Done(one.job, error=error))
                else:
                    now_s = time.monotonic() - self._linger_s  # its caller has waited already
                    self._push(one.job._replace(work=one.value.then, at_s=now_s))
        return finished

    @staticmethod
    def _hand_out(done: list[Done]) -> None:
        by_loop: dict[Loop | None, list[Done]] = {}
        for one in done:
            by_loop.setdefault(one.job.loop, []).append(one)
        for loop, results in by_loop.items():
            if loop is None:
                _resolve(results)
                continue
            try:
                loop.call_soon_threadsafe(_resolve, results)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue


def _resolve(done: list[Done]) -> None:
    for one in done:
        future = one.job.future
        if future.done():  # cancelled by who asked; the write is in the store all the same
            continue
        if one.error is None:
            future.set_result(one.value)
        else:
            future.set_exception(one.error)
