"""The demo's scene: a configuration the daemon's own checker takes, and a campaign that fits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dialerd import config
from dialerd.core.campaign_spec import spec_faults
from dialerd.core.numbering import load_plan
from dialerd.core.regime import find_regime
from dialerd.core.spec_settings import to_settings
from dialerd.sim.io_modem_bank import parse
from dialerd.sim.scene import (
    BANK_CARRIERS,
    CARRIERS,
    Ports,
    Range,
    Scene,
    bank_arguments,
    campaign,
    carrier_arguments,
    config_toml,
)
from fastpath.numbers import Numbering


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    carriers = {name: 26_010 + i for i, name in enumerate(CARRIERS)}
    ports = Ports(26_001, 26_002, carriers, rtp=Range(26_100, 26_399))
    return Scene(folder=tmp_path, socket=tmp_path / "c.sock", ports=ports, rate=42.5)


def test_the_configuration_passes_the_daemons_own_check(scene):
    scene.config_file.write_text(config_toml(scene))
    read = config.load(scene.config_file)
    assert read.store.path == scene.folder / "data"
    assert read.control.socket == scene.socket
    assert read.sip.port == 26_001
    assert read.dialing.calls_per_s_max == 42.5
    *main, reserve = read.trunk
    assert {trunk.name: trunk.port for trunk in main} == scene.ports.carriers
    assert all(trunk.loopback for trunk in read.trunk)
    assert main[-1].carriers == ()
    assert (reserve.port, reserve.weight) == (main[-1].port, 1)
    assert set(reserve.carriers) == {name for trunk in main for name in trunk.carriers}


def test_a_bank_stands_beside_the_trunks_and_has_one_to_help_it(scene: Scene) -> None:
    with_bank = msgspec.structs.replace(scene, modems=8)
    scene.config_file.write_text(config_toml(with_bank))
    read = config.load(scene.config_file)
    (bank,) = read.bank
    assert bank.loopback
    assert bank.carriers == BANK_CARRIERS
    assert bank.slots == scene.folder / "modems" / "by-path" / "*-at"
    reserve = read.trunk[-1]
    assert set(bank.carriers) <= set(reserve.carriers)
    assert reserve.plan.cost_minute > bank.plan.cost_minute
    made = parse(bank_arguments(with_bank))
    assert made.setup.ports == 8
    assert made.setup.carriers == bank.carriers
    assert made.setup.seed == scene.seed
    assert made.folder / "by-path" / "*-audio" == bank.audio
    assert made.ledger == scene.ledger_file("sims")


@pytest.mark.parametrize(("speed", "ring_s"), [(0.5, 40), (1.0, 20), (3.0, 7), (100.0, 5)])
def test_the_ringing_time_follows_the_speed(scene, speed, ring_s):
    faster = msgspec.structs.replace(scene, speed=speed)
    assert campaign(faster).ring_s_max == ring_s


def test_a_folder_with_odd_characters_is_written_as_toml(tmp_path, scene):
    odd = tmp_path / 'quote " back\\slash dấu'
    odd.mkdir()
    there = Scene(folder=odd, socket=odd / "s", ports=scene.ports)
    there.config_file.write_text(config_toml(there))
    assert config.load(there.config_file).store.path == odd / "data"


def test_the_campaign_fits_its_regime_and_its_steps_lead_somewhere(scene):
    spec = campaign(scene)
    assert spec_faults(spec) == []
    settings = to_settings(spec, {spec.list: 1})
    assert settings.cap == scene.cap
    assert find_regime(settings.regime).loopback_only


def test_every_carrier_of_the_plan_has_its_trunk():
    plan = Path(__file__).parents[2] / "conf" / "numbering" / "vn.toml"
    known = set(Numbering(load_plan(plan.read_text())).carriers)
    named = {name for names in CARRIERS.values() for name in names}
    assert named <= known
    assert known - named == {"", "vietnamobile", "gmobile"}  # the last trunk takes them


def test_carriers_get_their_own_port_ledger_and_rtp_range(scene):
    seen: list[list[str]] = [carrier_arguments(scene, name) for name in CARRIERS]
    for key in ("--port", "--ledger", "--rtp-low"):
        values = [arguments[arguments.index(key) + 1] for arguments in seen]
        assert len(set(values)) == len(CARRIERS)
    assert not any("--people" in arguments for arguments in seen)


@pytest.mark.parametrize(
    ("low", "high", "n"), [(10_000, 19_999, 4), (26_100, 26_399, 4), (2, 9, 3)]
)
def test_a_range_is_cut_into_even_parts_that_do_not_meet(low, high, n):
    parts = Range(low, high).parts(n)
    assert len(parts) == n
    ports = [port for part in parts for port in range(part.low, part.high + 1)]
    assert len(ports) == len(set(ports))
    assert min(ports) == low
    assert max(ports) <= high
    assert all(part.low % 2 == low % 2 for part in parts)
