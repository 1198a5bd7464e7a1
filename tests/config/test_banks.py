"""`[[bank]]`: what a table may hold, what must hold between its keys, and what parts make of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dialerd.config import ConfigError, load
from dialerd.config.bank_tables import Bank, Device, Sim
from dialerd.config.dialects import read_dialects
from dialerd.config.line_specs import bank_ports, bank_spec, longest_call_s
from dialerd.config.trunk_tables import Plan
from dialerd.shell.bank_config import dialects_of, port_settings, rule_of, shared
from dialerd.shell.reloading import changes, taken_over
from dialerd.toml_faults import TomlError
from gsm.io_slots import Place, places

BANK = '[[bank]]\nname = "sims"\n'
SLOTS = BANK + 'slots = "by-path/*-at"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "dialerd.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


CASES = {  # text, line:column, what it says
    "no devices": (BANK, "2:8", "it has no devices"),
    "no star": (BANK + 'slots = "/dev/ttyUSB2"\n', "3:9", "one * must stand"),
    "two stars": (BANK + 'slots = "/dev/*-*"\n', "3:9", "one * must stand"),
    "a star in a folder": (BANK + 'slots = "/d*/x*"\n', "3:9", "one * must stand"),
    "one audio device": (SLOTS + 'audio = "/dev/ttyUSB1"\n', "4:9", "one audio device"),
    "audio beside devices": (
        BANK + 'audio = "a*"\n[[bank.device]]\nname = "1"\nat = "a"\n',
        "3:9",
        "have each their own",
    ),
    "a device twice": (
        BANK + '[[bank.device]]\nname = "1"\nat = "a"\n[[bank.device]]\nname = "2"\nat = "a"\n',
        "8:6",
        "stands twice",
    ),
    "a name twice": (SLOTS + SLOTS, "5:8", "is named 'sims' too"),
    "a trunk's name": (
        '[[trunk]]\nname = "sims"\nhost = "h"\n' + SLOTS,
        "5:8",
        "a [[trunk]] is named 'sims' too",
    ),
    "no such dialect": (SLOTS + 'dialect = "quektel"\n', "4:11", "no dialect is named 'quektel'"),
    "no such folder": (SLOTS + 'dialects = "nowhere"\n', "4:12", "there is no folder"),
    "no such carrier": (SLOTS + 'carriers = ["viettell"]\n', "4:13", "has no carrier 'viettell'"),
    "a SIM's carrier": (
        SLOTS + '[[bank.sim]]\niccid = "8984012345"\ncarriers = ["x"]\n',
        "6:13",
        "has no carrier 'x'",
    ),
    "a SIM twice": (
        SLOTS + 2 * '[[bank.sim]]\niccid = "8984012345"\n',
        "7:9",
        "stands twice",
    ),
    "no ICCID": (SLOTS + '[[bank.sim]]\niccid = "89-84"\n', "5:9", "89-84"),
    "rests": (SLOTS + "[bank.care]\nrest_s = 60\nrest_s_max = 30\n", "6:14", "shorter than rest_s"),
    "nothing free": (SLOTS + "[bank.plan]\ncut_before_paid = true\n", "5:19", "nothing of a call"),
    "devices twice": (SLOTS + SLOTS.replace("sims", "more"), "6:9", "bank 'sims' has the same"),
    "a device of two": (
        BANK
        + '[[bank.device]]\nname = "1"\nat = "a"\n'
        + BANK.replace("sims", "more")
        + '[[bank.device]]\nname = "1"\nat = "a"\n',
        "10:6",
        "bank 'sims' has the same",
    ),
    "no PIN there": (SLOTS + 'pin_file = "missing"\n', "4:12", "cannot read"),
    "unknown key": (SLOTS + "bauds = 1\n", "4:1", "unknown key 'bauds'"),
}


@pytest.mark.parametrize("name", CASES)
def test_faults_are_shown_where_they_are(tmp_path: Path, name: str) -> None:
    text, place, said = CASES[name]
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert f"dialerd.toml:{place}\n" in str(caught.value)
    assert said in str(caught.value)


def test_a_bank_of_slots(tmp_path: Path) -> None:
    text = SLOTS + 'audio = "by-path/*-audio"\n[bank.plan]\nfree_s = 600\ncut_before_paid = true\n'
    (bank,) = load(written(tmp_path, text)).bank
    (tmp_path / "by-path").mkdir()
    assert rule_of(bank, places) == []
    for name in ("2-at", "10-at", "10-audio"):
        (tmp_path / "by-path" / name).touch()
    folder = tmp_path / "by-path"
    assert rule_of(bank, places) == [
        Place("2", f"{folder}/2-at", f"{folder}/2-audio"),
        Place("10", f"{folder}/10-at", f"{folder}/10-audio"),
    ]
    assert longest_call_s(bank, "") < 600
    assert port_settings(bank, Place("2", "", ""), 3).start_ns == 60_000_000


def test_a_bank_of_devices(tmp_path: Path) -> None:
    text = BANK + '[[bank.device]]\nname = "7"\nat = "/dev/ttyS1"\naudio = "/dev/ttyS2"\n'
    (bank,) = load(written(tmp_path, text)).bank
    assert rule_of(bank, places) == [Place("7", "/dev/ttyS1", "/dev/ttyS2")]


def test_devices_of_two_banks_are_told(tmp_path: Path) -> None:
    for name in ("m1-at", "m2-at"):
        (tmp_path / name).touch()
    text = f'{BANK}slots = "{tmp_path}/*-at"\n[[bank]]\nname = "one"\nslots = "{tmp_path}/m1-*"\n'
    banks = load(written(tmp_path, text)).bank
    assert list(shared(banks, places)) == [f"{tmp_path}/m1-at is in bank 'sims' and in bank 'one'"]
    assert list(shared(banks[:1], places)) == []


def test_what_is_no_pin_is_told(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("12ab\n")
    (tmp_path / "pin").chmod(0o600)
    for text in ('pin_file = "pin"\n', '[[bank.sim]]\niccid = "8984012345"\npin_file = "pin"\n'):
        with pytest.raises(ConfigError, match="is no PIN") as caught:
            load(written(tmp_path, SLOTS + text))
        assert "12ab" not in str(caught.value)


def test_pins_are_read_from_their_files_alone(tmp_path: Path) -> None:
    for name, pin in (("pin", "1234"), ("other", "9999")):
        (tmp_path / name).write_text(pin + "\n")
        (tmp_path / name).chmod(0o600)
    text = SLOTS + 'pin_file = "pin"\n[[bank.sim]]\niccid = "8984012345"\npin_file = "other"\n'
    (bank,) = load(written(tmp_path, text)).bank
    settings = port_settings(bank, Place("1", "", ""), 0)
    assert (settings.pin, settings.pins) == ("1234", (("8984012345", "9999"),))
    (tmp_path / "pin").chmod(0o644)
    with pytest.raises(ConfigError, match="everybody on this machine can read"):
        load(written(tmp_path, text))


def test_the_care_of_a_port_is_that_of_its_bank(tmp_path: Path) -> None:
    text = SLOTS + "[bank.care]\nfailed_max = 3\nbalance_min = 2.5\ngap_s = 7\n"
    (bank,) = load(written(tmp_path, text)).bank
    care = port_settings(bank, Place("1", "", ""), 0).care
    assert (care.failed_max, care.balance_milli_min, care.gap_s) == (3, 2500, 7.0)


def test_what_the_core_knows_of_ports() -> None:
    sims = {"1": ("8984", "MobiFone"), "2": ("", "")}
    own = Sim(iccid="8984", prefixes=("8490",), plan=Plan(minutes_day=5))
    bank = Bank(name="b", plan=Plan(minutes_day=60), on_net=True, sim=(own,))
    first, second = bank_ports(bank, sims)
    assert (first.carriers, first.prefixes, first.plan.seconds_day) == (
        ("mobifone",),
        ("8490",),
        300,
    )
    assert (second.carriers, second.plan.seconds_day) == ((), 3600)
    assert first.watched
    spec = bank_spec(bank, (first, second))
    assert (spec.kind, spec.channels, spec.up) == ("gsm", 2, True)
    assert not bank_spec(bank, ()).up  # or every call would be for its one channel


def test_a_sim_without_a_plan_of_its_own_has_the_banks_longest_call() -> None:
    sims = (Sim(iccid="1"), Sim(iccid="2", plan=Plan(call_s_max=40)))
    bank = Bank(name="b", plan=Plan(free_s=600, cut_before_paid=True), sim=sims)
    usual = longest_call_s(bank, "")
    assert 0 < usual <= 600
    assert [longest_call_s(bank, iccid) for iccid in ("1", "2", "3")] == [usual, 40, usual]


def test_each_folder_of_dialects_is_read_once_and_its_faults_are_shown(tmp_path: Path) -> None:
    shipped = dialects_of([Bank(name="a"), Bank(name="b")])
    assert shipped["a"] is shipped["b"]
    assert {"huawei", "quectel", "simcom"} <= {one.name for one in shipped["a"].dialects}
    assert {"Viettel"} <= {one.name for one in shipped["a"].carriers}
    (tmp_path / "bad.toml").write_text('name = "bad"\n\n[[init]]\nsend = "ATE0"\nexpect = "("\n')
    with pytest.raises(TomlError) as caught:
        read_dialects(tmp_path)
    assert "bad.toml:5:" in str(caught.value)
    (tmp_path / "bad.toml").write_text('name = "bad"\nhangup = "ATH"\n')
    with pytest.raises(TomlError, match=r"unknown key 'hangup' (?s:.)*bad\.toml:2:1"):
        read_dialects(tmp_path)


def test_a_reload_takes_over_plans_and_leaves_devices(tmp_path: Path) -> None:
    before = load(written(tmp_path, SLOTS))
    now = load(written(tmp_path, SLOTS + "baud = 9600\n[bank.plan]\nminutes_day = 5\n"))
    told = changes(before, now)
    assert (told.live, told.restart) == (("bank.live",), ("bank",))
    (bank,) = taken_over(before, now).bank
    assert (bank.baud, bank.plan.minutes_day) == (115_200, 5)
    assert changes(before, before).live == ()


def test_a_bank_that_a_reload_drops_stays_until_the_next_start(tmp_path: Path) -> None:
    before = load(written(tmp_path, SLOTS))
    now = load(written(tmp_path, ""))
    assert changes(before, now).restart == ("bank",)
    assert taken_over(before, now).bank == before.bank


def test_tables_are_frozen() -> None:
    device = Device(name="1", at=Path("/dev/x"))
    with pytest.raises(AttributeError):
        device.name = "2"  # type: ignore[misc]
    assert msgspec.structs.replace(device, name="2").name == "2"
