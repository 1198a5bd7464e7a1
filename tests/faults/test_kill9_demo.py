"""A core that is killed in the middle of a broadcast and started again dials no number twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from dialerd.core.records import CampaignState
from dialerd.sim.io_world import World, make_scene
from dialerd.sim.summary import Measured

PORTS = 26_000
RATE = 50.0
WAIT_S = 60.0  # for each stage; nothing here is asserted about time


def seen(world: World) -> int:
    return sum(tally.seen for tally in world.tallies().values())


def up(world: World) -> int:
    return sum(tally.up for tally in world.tallies().values())


def until(world: World, ready: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + WAIT_S
    while not ready():
        for child in world.carriers.values():
            child.check()
        assert time.monotonic() < give_up, f"{what}: not after {WAIT_S:g} s"
        time.sleep(0.05)


def test_a_killed_core_dials_no_number_twice_and_loses_no_lead(tmp_path: Path):
    scene = make_scene(tmp_path, ports=PORTS, seed=11, leads=3_000, rate=RATE, speed=10.0)
    with World(scene) as world:
        world.start_carriers()
        world.start_daemon()
        world.write_list()
        imported = world.import_list()
        assert imported.valid > 2_500
        world.begin()
        until(world, lambda: seen(world) >= 150, "150 calls")
        assert up(world) > 0, "the kill must fall into calls"
        world.kill_daemon()
        before = seen(world)

        world.start_daemon()
        look = world.look()
        assert look.progress.state is CampaignState.RUNNING, "it goes on by itself"
        until(world, lambda: seen(world) >= before + 150, "150 calls after the restart")

        world.pause()
        until(world, lambda: world.look().status.calls_in_flight == 0, "the drain")
        until(world, lambda: up(world) == 0, "the last call at the carriers")
        assert world.stop_daemon() == 0
        world.close()
        summary = world.summary(imported, Measured(rate=RATE))

    assert (summary.doubled, summary.lost, summary.faults) == (0, 0, [])
    assert summary.interrupted > 0
    assert summary.placed >= 300
    assert summary.answered > 0


def test_the_same_run_without_a_kill_interrupts_nothing(tmp_path: Path):
    scene = make_scene(tmp_path, ports=PORTS, seed=11, leads=300, rate=RATE, speed=20.0)
    with World(scene) as world:
        world.start_carriers()
        world.start_daemon()
        world.write_list()
        imported = world.import_list()
        world.begin()
        until(world, lambda: world.look().list_done, "the end of the list")
        until(world, lambda: up(world) == 0, "the last call at the carriers")
        assert world.stop_daemon() == 0
        world.close()
        summary = world.summary(imported, Measured(rate=RATE))
    assert (summary.doubled, summary.lost, summary.interrupted) == (0, 0, 0)
    assert summary.placed >= imported.valid
    assert summary.faults == []
