"""What `dialerd demo` shows, rendered to text."""

from __future__ import annotations

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from dialerd.cli.demo_view import OUTCOMES, last_words, live, next_steps, ports_line
from dialerd.config import load
from dialerd.core.control import DaemonState, ProgressInfo, Status, TrunkStatus
from dialerd.core.ports_view import ModemPort
from dialerd.core.records import CampaignState, Outcome
from dialerd.sim.bank_figures import BankFigures
from dialerd.sim.checkers import Fault, Kind
from dialerd.sim.io_world import Look, make_scene
from dialerd.sim.ledger import Ended, Seen, join
from dialerd.sim.scene import config_toml
from dialerd.sim.summary import Imported, Measured, Summary, Verdict, summarise
from dialerd.sim.tally import Tally
from dialerd.sim.usage import Usage

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def text_of(picture: object, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(picture)
    return console.file.getvalue()


@pytest.fixture
def look() -> Look:
    tally = Tally()
    for entry in (
        Seen(1, "viettel", "1-a", "84912345678"),
        Ended(2, "viettel", "1-a", "84912345678", "answered", "caller", 200, digits="1",
              rtp_received=12_345),
    ):  # fmt: skip
        tally.feed(msgspec.json.encode(entry) + b"\n")
    status = Status(
        version="1", pid=1, started_at=NOW, now=NOW, state=DaemonState.RUNNING,
        calls_in_flight=1_234,
        trunks=(
            TrunkStatus(name="viettel", up=True, channels=10, in_use=7, placed=99, answered=33),
            TrunkStatus(name="other", up=False, channels=10, in_use=0, why="no reply"),
        ),
    )  # fmt: skip
    progress = ProgressInfo(
        id=1, name="c", state=CampaignState.RUNNING, audience=1_000, leads={}, left=900,
        outcomes={Outcome.ANSWERED: 30, Outcome.BUSY: 70},
    )  # fmt: skip
    return Look(status, progress, Usage(12.5, 102_400, 4), {"viettel": tally})


def modem(slot: str, state: str, why: str = "") -> ModemPort:
    return ModemPort(
        bank="sims", slot=slot, state=state, ready=state == "ready", why=why, until=None, device="",
        dialect="", manufacturer="", model="", imei="", iccid="", imsi="", number="", carrier="",
        operator="", registration="home", rssi_dbm=None, audio="pcm_tty",
        busy=state in {"dialing", "alerting", "active"}, placed=0, answered=0,
    )  # fmt: skip


MODEMS = (
    modem("slot00", "ready"),
    modem("slot01", "active"),
    modem("slot02", "register", "no signal"),
    modem("slot03", "cool down"),
)


def summary(**changes: object) -> Summary:
    made = summarise(1, Imported(95, 7, 2, 3, 1.0), join([]), (), Verdict(), Measured(rate=1.0))
    return msgspec.structs.replace(made, **changes)


def test_the_live_screen_shows_rate_flight_funnel_and_both_sides_of_a_trunk(look):
    text = text_of(live(look, "dialing", 12.0, 98.76))
    for words in ("dialing", "12 s", "98.8 calls/s", "1,234 in flight", "100 MiB", "12.5 s CPU"):
        assert words in text
    for words in ("leads", "1,000", "900", "answered", "30.0%", "busy", "70.0%", "pressed 1"):
        assert words in text
    assert "invalid" not in text, "what has not happened takes no line"
    line = next(x for x in text.splitlines() if "viettel" in x)
    for words in ("7", "99", "33", "12,345"):
        assert words in line
    assert "no reply" in text


def test_the_bank_tells_its_ports_and_which_of_them_is_lost(look: Look) -> None:
    assert ports_line(MODEMS) == "4 ports, 1 ready, 1 in a call, 1 lost (slot02: no signal)"
    two = (*MODEMS, modem("slot04", "dead"))
    assert ports_line(two).endswith("2 lost (slot02: no signal, …)")
    look.modems = MODEMS
    assert "bank sims: 4 ports" in text_of(live(look, "dialing", 1.0, 1.0))


def test_the_last_words_tell_of_the_bank_when_there_is_one() -> None:
    bank = BankFigures(
        ports=64, ready_max=63, calls=1_234, answered=400, lost="slot02", lost_s=20.2, around=99
    )
    text = " ".join(text_of(last_words(summary(bank=bank), Path("r"), Path("c"))).split())
    assert "64 ports, 63 ready at once; 1,234 calls, 400 answered" in text
    assert "slot02 without signal for 20 s: 0 calls by it, 99 by the others" in text
    assert "bank" not in text_of(last_words(summary(), Path("r"), Path("c"))).split("report")[0]


def test_an_empty_world_divides_by_nothing(look):
    empty = msgspec.structs.replace(
        look,
        progress=msgspec.structs.replace(look.progress, audience=0, left=0, outcomes={}),
        tallies={},
    )
    assert "0.0%" in text_of(live(empty, "dialing", 0.0, 0.0))


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 24), (80, 60)])
def test_a_small_terminal_holds_all_of_it(look: Look, columns: int, lines: int) -> None:
    every = msgspec.structs.replace(look.progress, outcomes=dict.fromkeys(OUTCOMES, 12_345))
    trunks = tuple(
        TrunkStatus(name=name, up=True, channels=500, in_use=499, placed=99_999, answered=33_333)
        for name in ("viettel", "vinaphone", "mobifone", "fixed", "vietnamobile", "sims")
    )
    status = msgspec.structs.replace(look.status, trunks=trunks)
    full = Look(status, every, look.usage, look.tallies, MODEMS * 16)
    text = text_of(live(full, "dialing", 60.0, 98.76, columns=columns, lines=lines), columns)
    rows = text.splitlines()
    assert max(map(len, rows)) <= columns
    assert len(rows) < 24  # the last line is the cursor's
    for word in ("98.8 calls/s", "answered", "interrupted", "vietnamobile", "99,999", "12,345"):
        assert word in text
    assert "pressed a key" in text
    assert "no reply" in text_of(live(look, "dialing", 1.0, 1.0, columns=80, lines=24), 80)


def test_every_outcome_has_its_place():
    with_agents = {Outcome.ABANDONED, Outcome.AGENT_LEFT, Outcome.MACHINE}
    assert set(OUTCOMES) == set(Outcome) - with_agents, "what a broadcast may come to"


def test_a_clean_end_says_what_it_proves_and_what_comes_next():
    s = summary(
        placed=6_000, cps=100.0, seconds=60.0, answered=1_800, digits=700, digits_pressed=702
    )
    text = text_of(last_words(s, Path("/tmp/r.csv"), Path("/tmp/d.toml")))
    for words in (
        "doubled 0, lost 0",
        "6,000 calls",
        "100.0 calls/s",
        "answered 1,800",
        "700 heard",
    ):
        assert words in text
    assert "report: /tmp/r.csv" in text
    assert "dialerd run -c" in text


def test_faults_are_spelled_out():
    fault = Fault(Kind.INSIDE_CAP, 84912345678, "9-a", "call 2 within 9 s")
    text = text_of(last_words(summary(doubled=1, faults=[fault]), Path("r"), Path("c")))
    assert "doubled 1" in text
    assert "inside_cap: 84912345678 9-a call 2 within 9 s" in text


def test_the_next_command_fits_the_configuration_that_was_made():
    assert "/x/dialerd.toml > dialerd.toml" in text_of(next_steps(Path("/x/dialerd.toml")))


def test_nothing_stays_in_the_demos_folder_by_the_next_command(tmp_path):
    scene = make_scene(tmp_path / "demo", seed=1, leads=1, rate=1, speed=1, admin=False, modems=4)
    scene.config_file.parent.mkdir(parents=True, exist_ok=True)
    scene.config_file.write_text(config_toml(scene))
    said = next_steps(scene.config_file).plain
    (command,) = (line for line in said.splitlines() if "sed -e" in line)
    subprocess.run(command.partition(" && ")[0], shell=True, check=True, cwd=tmp_path)  # noqa: S602
    made = load(tmp_path / "dialerd.toml", secrets=False)
    assert made.store.path == tmp_path / "data"
    assert made.control.socket == tmp_path / "control.sock"
    assert [trunk.name for trunk in made.trunk] == [
        trunk.name for trunk in load(scene.config_file, secrets=False).trunk
    ]
    (bank,) = made.bank
    assert str(bank.slots) == "/dev/serial/by-path/*:1.2-port0"
    assert str(bank.audio) == "/dev/serial/by-path/*:1.1-port0"
    assert str(tmp_path / "demo") not in (tmp_path / "dialerd.toml").read_text()
