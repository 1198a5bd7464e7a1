"""The engine's threads: starting and stopping, forking, sharing work, and what must not leak."""

from __future__ import annotations

import gc
import os
import resource
import threading
from pathlib import Path

import pytest

from fastpath.rtp import MediaEngine, PlayEnded
from tests.ports import media_ports
from tests.waiting import until

LOW, HIGH = media_ports()
HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def collected() -> None:
    """What earlier tests left to the collector must not go in the middle of one of these."""
    gc.collect()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def tasks() -> int:
    """How many threads there are; a listing of /proc/self/task may skip one while another ends."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


def memory_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def test_ten_thousand_streams_leave_nothing_behind() -> None:
    engine = MediaEngine(streams_max=256)
    engine.start()
    prompt = engine.add_prompt(bytes(1600), bytes(1600))

    def live(count: int) -> None:
        streams = []
        for i in range(count):
            stream = engine.open(HERE, LOW, HIGH)
            engine.connect(stream, HERE, 9, 0, 101)
            engine.play(stream, prompt, i, True)
            if i % 3 == 0:
                engine.record(stream)
            streams.append(stream)
            if len(streams) == 100:
                for s in streams:
                    assert engine.close(s).receive_errors == 0
                streams.clear()
        engine.events()

    live(1000)
    files, memory = descriptors(), memory_kib()
    live(10_000)
    assert descriptors() == files
    quarantine = 300_000 if "asan" in os.environ.get("LD_PRELOAD", "") else 0  # of its 256 MiB
    assert memory_kib() - memory < 2048 + quarantine
    assert engine.counters()["streams"] == 0
    assert engine.counters()["streams_opened"] == 11_000
    engine.stop()


def test_starting_and_stopping_many_times_leaves_nothing_behind() -> None:
    engine = MediaEngine(threads=2, streams_max=40)
    files, threads = descriptors(), tasks()
    for round_ in range(100):
        engine.start()
        until(lambda: tasks() == threads + 2)  # one that was joined may still be counted
        streams = [engine.open(HERE, LOW, HIGH) for _ in range(4)]
        for stream in streams:
            engine.connect(stream, HERE, 9, 0)
        if round_ % 10 == 0:
            until(lambda: all(engine.stats(s).sent for s in streams))  # noqa: B023
        engine.stop()
        with pytest.raises(KeyError):
            engine.stats(streams[0])
        until(lambda: tasks() == threads)  # a joined thread may still be listed for a moment
        assert descriptors() == files
    engine.stop()
    assert engine.counters()["threads"] == 0


def test_an_engine_that_is_dropped_while_it_runs_cleans_up() -> None:
    files, threads = descriptors(), tasks()
    for _ in range(50):
        engine = MediaEngine(streams_max=20)
        engine.start()
        stream = engine.open(HERE, LOW, HIGH)
        engine.connect(stream, HERE, 9, 0)
        engine.record(stream)
        engine.play(stream, engine.add_prompt(b"a", b"b"), 1)
        del engine
    until(lambda: tasks() == threads)
    assert descriptors() == files


def test_a_forked_child_can_let_go_of_the_engine() -> None:
    engine = MediaEngine(streams_max=20)
    engine.start()
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, HERE, 9, 0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # the media thread does not exist here: joining it would hang
        try:
            engine.stop()
            del engine
            os.write(write, b"done")
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 16) == b"done"
    os.close(read)
    assert os.waitpid(child, 0) == (child, 0)
    before = engine.stats(stream).sent
    until(lambda: engine.stats(stream).sent > before + 3)
    engine.stop()


def test_streams_are_spread_over_threads_and_all_are_served() -> None:
    engine = MediaEngine(threads=3, streams_max=120)
    engine.start()
    prompt = engine.add_prompt(bytes(800), bytes(800))
    streams = [engine.open(HERE, LOW, HIGH) for _ in range(120)]
    for i, stream in enumerate(streams):
        engine.connect(stream, HERE, 9, 0)
        engine.play(stream, prompt, i)
    ended: set[tuple[int, int]] = set()

    def all_ended() -> bool:
        ended.update((e.stream, e.token) for e in engine.events() if isinstance(e, PlayEnded))
        return len(ended) == 120

    until(all_ended)
    assert ended == {(stream, i) for i, stream in enumerate(streams)}
    counters = engine.counters()
    assert counters["threads"] == 3
    assert counters["frames"] >= 120 * 5
    assert counters["lateness_us_p50"] <= counters["lateness_us_p99"]
    assert counters["lateness_us_p99"] <= counters["lateness_us_p999"]
    engine.stop()


def test_python_threads_may_use_one_engine() -> None:
    """Commands and services of the same streams, from four threads and the media thread at once."""
    engine = MediaEngine(streams_max=32)
    engine.start()
    prompt = engine.add_prompt(bytes(320), bytes(320))
    streams = [engine.open(HERE, LOW, HIGH) for _ in range(16)]
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            while not stop.is_set():
                for i, stream in enumerate(streams):
                    engine.connect(stream, HERE, 9, 8 * (i & 1), 101)
                    engine.play(stream, prompt, seed)
                    engine.record(stream, bool(seed & 1))
                    engine.stats(stream)
                    engine.stop_play(stream)
                    other = engine.open(HERE, LOW, HIGH) if engine.counters()["streams"] < 24 else 0
                    if other:
                        engine.close(other)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    until(lambda: all(engine.stats(s).sent > 30 for s in streams))
    stop.set()
    for worker in workers:
        worker.join()
    assert not failures
    assert all(engine.close(s).sent > 30 for s in streams)
    engine.remove_prompt(prompt)
    engine.stop()


def test_real_time_priority_is_used_or_its_refusal_is_told() -> None:
    engine = MediaEngine(priority=10, streams_max=20)
    engine.start()
    ids = set(map(int, os.listdir("/proc/self/task")))
    policies = {os.sched_getscheduler(i) for i in ids - {os.getpid()}}
    refused = engine.counters()["fifo_refused"]
    engine.stop()
    assert (os.SCHED_FIFO in policies) == (refused == 0)
    plain = MediaEngine(priority=0, streams_max=20)
    plain.start()
    ids = set(map(int, os.listdir("/proc/self/task")))
    assert os.SCHED_FIFO not in {os.sched_getscheduler(i) for i in ids}
    assert plain.counters()["fifo_refused"] == 0
    plain.stop()


@pytest.mark.parametrize(
    "odd",
    [{"threads": 0}, {"threads": 65}, {"priority": -1}, {"priority": 100}, {"streams_max": 0},
     {"streams_max": 65537}],
)  # fmt: skip
def test_an_engine_has_bounds(odd: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be between"):
        MediaEngine(**odd)


def test_an_engine_runs_once() -> None:
    engine = MediaEngine(streams_max=20)
    engine.start()
    with pytest.raises(RuntimeError, match="runs already"):
        engine.start()
    with pytest.raises(RuntimeError, match="made already"):
        MediaEngine.__init__(engine)
    engine.stop()
