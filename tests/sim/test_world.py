"""The pieces of a simulated world: its folder, its daemon, its campaign."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dialerd.core.control import ActOnCampaign, CampaignAction, GetProgress
from dialerd.core.records import CampaignState
from dialerd.sim.io_kept import KEPT, read_kept
from dialerd.sim.io_procs import ChildError
from dialerd.sim.io_world import SOCKET_PATH_MAX, World, make_scene
from dialerd.sim.scene import CAMPAIGN, CARRIERS, WHO
from dialerd.sim.summary import Measured


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(make_scene(tmp_path, seed=5, leads=40, rate=20, speed=20)) as made:
        yield made


def test_a_folder_keeps_its_people_and_its_list(tmp_path):
    first = make_scene(tmp_path, seed=5, leads=40, rate=10)
    again = make_scene(tmp_path, seed=6, leads=50, rate=20)
    assert (first.seed, first.leads) == (again.seed, again.leads) == (5, 40)
    assert again.rate == 20


def test_ports_are_all_different(tmp_path):
    ports = make_scene(tmp_path).ports
    single = [ports.sip, ports.admin, *ports.carriers.values()]
    assert len(set(single)) == len(CARRIERS) + 2
    assert not any(r.low <= p <= r.high for p in single for r in (ports.rtp, ports.carrier_rtp))


def test_a_damaged_memory_of_the_folder_is_told(tmp_path):
    make_scene(tmp_path)
    (tmp_path / KEPT).write_text("{")
    with pytest.raises(ChildError, match="damaged"):
        make_scene(tmp_path)


def test_a_path_too_long_for_a_socket_gets_another(tmp_path):
    folder = tmp_path / ("long" * 30)
    with World(make_scene(folder)) as world:
        assert len(str(world.scene.socket)) <= SOCKET_PATH_MAX
        assert world.scene.socket.parent.is_dir()
    assert not world.scene.socket.parent.exists()


def test_a_daemon_that_cannot_start_is_told_with_its_words(world):
    spoilt = msgspec.structs.replace(world.scene, rate=-1.0)
    with pytest.raises(ChildError, match="calls_per_s_max"):
        World(spoilt).start_daemon()


def test_a_command_that_fails_is_told_with_its_words(world):
    with pytest.raises(ChildError, match="dialerd report failed"):
        world.dialerd("report", "nobody")


def test_the_campaign_is_begun_paused_and_taken_up_whatever_its_state(world):
    world.start_daemon()
    assert world.earlier_daemon() == world.daemon.pid
    imported = world.load_list()
    assert imported.valid > 30
    assert world.load_list() == imported, "once for a folder"
    assert read_kept(world.scene.folder).imported == imported

    def state() -> CampaignState:
        with world.client() as client:
            return client.call(GetProgress(campaign=CAMPAIGN)).state

    world.begin()
    assert state() is CampaignState.RUNNING
    world.begin()
    world.pause()
    assert state() is CampaignState.PAUSED
    world.pause()
    world.begin()
    assert state() is CampaignState.RUNNING
    with world.client() as client:
        client.call(ActOnCampaign(campaign=CAMPAIGN, action=CampaignAction.FINISH, who=WHO))
    world.pause()
    assert world.begin().state is CampaignState.FINISHED
    assert world.look().list_done
    world.hang_up()
    assert world.stop_daemon() == 0
    assert world.earlier_daemon() is None
    summary = world.summary(imported, Measured(rate=20))
    assert (summary.doubled, summary.lost, summary.answered) == (0, 0, 0)


def test_a_daemon_that_is_killed_is_seen_and_its_cpu_is_kept(world):
    world.start_daemon()
    before = world.usage()
    assert before.cpu_s > 0
    assert world.daemon is not None
    world.daemon.kill()
    with pytest.raises(ChildError, match="signal 9"):
        world.check()
    world.check_carriers()
    world.restart_daemon()
    assert world.restarts == 1
    assert world.usage().cpu_s > before.cpu_s
