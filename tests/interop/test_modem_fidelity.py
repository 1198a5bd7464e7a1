"""Simulated modems, judged by programs that we did not write: gammu and smsd (smstools).

Every make gets a session of gammu, all at once; meanwhile smsd serves one modem more. gammu cannot
work with the awkward one, which answers a bare `AT` with ERROR: that is what it is for.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialerd.sim.io_procs import Child
from dialerd.sim.ledger import read_ledgers
from dialerd.sim.modem_card import card, imei
from dialerd.sim.modem_dialects import DIALECTS
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("modem_fidelity")  # one bank for all
SEED = 3
MAKES = [name for name in DIALECTS if name != "awkward"]
NUMBER = "0987654321"
ORDERS = f"""identify
networkinfo
getussd *101#
sendsms TEXT 0912345678 -text hello
getallsms
dialvoice {NUMBER}
"""
PEOPLE = """setup_s_max = 0.2
ring_s_median = 0.3
[shares]
answers = 1
no_answer = 0
busy = 0
declines = 0
switched_off = 0
invalid = 0
congested = 0
"""
SMSD = """devices = GSM1
outgoing = {dir}/outgoing
checked = {dir}/checked
incoming = {dir}/incoming
sent = {dir}/sent
failed = {dir}/failed
logfile = {dir}/smsd.log
infofile = {dir}/smsd.running
pidfile = {dir}/smsd.pid
delaytime = 1
errorsleeptime = 1
blocktime = 1
autosplit = 3
[GSM1]
device = {device}
incoming = yes
init = AT+CNMI=2,1
"""
LONG = "a text of several parts. " * 12
VIETNAMESE = "Tài khoản của quý khách còn 5.014 đồng. " * 4


class World:
    """The bank, and what gammu and smsd did with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "people.toml").write_text(PEOPLE)
        command = [
            sys.executable, "-m", "dialerd.sim.io_modem_bank", "--dir", str(folder),
            "--ports", str(len(MAKES) + 1), "--dialects", ",".join([*MAKES, "quectel"]),
            "--seed", str(SEED), "--hurry", "10", "--carriers", "mobifone",
            "--people", str(folder / "people.toml"),
        ]  # fmt: skip
        self.bank = Child("bank", command, folder / "bank.log")
        self.said: dict[str, str] = {}

    def ask(self, line: str) -> dict[str, Any]:
        """A line of the control socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "control"))
            connection.sendall(line.encode() + b"\n")
            answer: dict[str, Any] = json.loads(connection.makefile().readline())
            return answer

    def texts(self, slot: int) -> list[dict[str, Any]]:
        """What a slot's card sent."""
        number = card(SEED, slot, "mobifone").number
        return [text for text in self.ask("texts")["texts"] if text["sender"] == number]


def smsd(world: World) -> Child:
    """Started with two texts to be sent, in its own folder."""
    folder = world.folder / "smsd"
    for name in ("outgoing", "checked", "incoming", "sent", "failed"):
        (folder / name).mkdir(parents=True)
    (folder / "outgoing" / "long").write_text(f"To: 84912345678\n\n{LONG}")
    body = VIETNAMESE[:60].encode("utf-16-be")
    (folder / "outgoing" / "ucs").write_bytes(b"To: 84912345678\nAlphabet: UCS\n\n" + body)
    device = world.folder / "by-path" / f"slot{len(MAKES):02d}-at"
    (folder / "smsd.conf").write_text(SMSD.format(dir=folder, device=device))
    program = shutil.which("smsd", path="/usr/sbin:/usr/bin")
    assert program, "smsd is missing: apt-get install smstools"
    return Child("smsd", [program, f"-c{folder}/smsd.conf", "-t"], world.folder / "smsd.log")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("modems"))
    program = shutil.which("gammu")
    assert program, "gammu is missing: apt-get install gammu"
    children: list[Child] = [world.bank]
    try:
        until(lambda: b'"ready": true' in world.bank.output())
        until(lambda: all(s["registration"] == 1 for s in world.ask("status")["slots"]))
        orders = world.folder / "orders"
        orders.write_text(ORDERS)
        sessions: dict[str, Child] = {}
        for slot, make in enumerate(MAKES):
            config = world.folder / f"gammu{slot}"
            device = world.folder / "by-path" / f"slot{slot:02d}-at"
            config.write_text(f"[gammu]\ndevice = {device}\nconnection = at115200\n")
            command = [program, "-c", str(config), "batch", str(orders)]
            sessions[make] = Child(make, command, world.folder / f"gammu{slot}.log")
            children.append(sessions[make])
        children.append(smsd(world))
        world.ask(f"text slot{len(MAKES):02d} +84980001 {VIETNAMESE}")
        for make, session in sessions.items():
            until(lambda session=session: session.exit_code is not None, longest_s=100)  # type: ignore[misc]
            world.said[make] = session.output().decode()
        incoming = world.folder / "smsd" / "incoming"
        until(lambda: list(incoming.iterdir()), longest_s=100)
        until(lambda: len(list((world.folder / "smsd" / "sent").iterdir())) == 2, longest_s=100)
        yield world
    finally:
        for child in reversed(children):
            child.stop()


@pytest.mark.parametrize("make", MAKES)
def test_gammu_knows_who_it_is(world: World, make: str) -> None:
    slot, said = MAKES.index(make), world.said[make]
    assert imei(SEED, slot, DIALECTS[make].tac) in said
    assert card(SEED, slot, "mobifone").imsi in said
    assert DIALECTS[make].revision in said


@pytest.mark.parametrize("make", MAKES)
def test_gammu_knows_the_network(world: World, make: str) -> None:
    assert "Network state        : home network" in world.said[make]
    assert "452 01 (MobiFone, Vietnam)" in world.said[make]


@pytest.mark.parametrize("make", MAKES)
def test_gammu_asks_for_the_balance(world: World, make: str) -> None:
    balance = card(SEED, MAKES.index(make), "mobifone").balance_d
    assert f'"TKC {balance} d, 31-10-2027.' in world.said[make]


@pytest.mark.parametrize("make", MAKES)
def test_gammu_sends_a_text(world: World, make: str) -> None:
    assert "OK, message reference=1" in world.said[make]
    (sent,) = world.texts(MAKES.index(make))
    assert (sent["number"], sent["text"]) == ("0912345678", "hello")
    assert "0 SMS parts in 0 SMS sequences" in world.said[make]


@pytest.mark.parametrize("make", MAKES)
def test_gammu_dials(world: World, make: str) -> None:
    slot = f"slot{MAKES.index(make):02d}"
    books = read_ledgers([world.folder / "ledger.jsonl"])
    (call,) = [call for call in books.calls if call.seen.source == slot]
    assert call.seen.user == NUMBER


def test_smsd_sends_a_text_of_several_parts_and_one_with_accents(world: World) -> None:
    sent = world.texts(len(MAKES))
    long = [text for text in sent if text["part"][1] > 1]
    assert "".join(text["text"] for text in long) == LONG.rstrip()
    assert [text["text"] for text in sent if text not in long] == [VIETNAMESE[:60]]
    assert not list((world.folder / "smsd" / "failed").iterdir())


def test_smsd_receives_a_text_of_several_parts(world: World) -> None:
    (file,) = (world.folder / "smsd" / "incoming").iterdir()
    head, _, body = file.read_bytes().partition(b"\n\n")
    assert b"From: 84980001" in head
    assert body.decode("utf-16-be").strip() == VIETNAMESE.strip()
    assert imei(SEED, len(MAKES), DIALECTS["quectel"].tac).encode() in head
