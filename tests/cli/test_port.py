"""`dialerd port` on devices: simulated modems of every make, and strangers written here."""

from __future__ import annotations

import json
import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dialerd.core.modem_records import SimText
from dialerd.shell.modem_words import ModemReport, judge
from dialerd.shell.recorder import check_file, header
from dialerd.shell.wav import pcm_wav, read_plain
from dialerd.sim import io_modem_bank
from dialerd.sim.modem_audio import key
from dialerd.store import open_store, wait
from gsm.io_serial import close_device, open_device
from tests.gsm.stranger import ANSWERS, ERROR, OK, Stranger
from tests.modem_bank import SimulatedBank, everybody, simulated_bank

Command = Callable[..., Any]
EVERYBODY_ANSWERS = everybody("presses", "speed = 5.0\n")
MAKES = ("awkward", "wavecom", "quectel", "huawei")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBank]:
    folder = tmp_path_factory.mktemp("bank")
    (folder / "people.toml").write_text(EVERYBODY_ANSWERS)
    people = ("--people", str(folder / "people.toml"), "--hurry", "10")
    with simulated_bank(folder / "b", ",".join(MAKES), *people, ports=len(MAKES)) as found:
        yield found


@pytest.fixture
def stranger() -> Iterator[Callable[..., Stranger]]:
    made: list[Stranger] = []

    def one(*args: Any, **options: Any) -> Stranger:
        made.append(Stranger(*args, **options))
        return made[-1]

    yield one
    for modem in made:
        modem.close()


@pytest.mark.parametrize("slot", range(1, len(MAKES)), ids=MAKES[1:])
def test_every_make_is_known_and_takes_commands(
    bank: SimulatedBank, command: Command, slot: int
) -> None:
    done = command("port", "probe", bank.device(slot), "--json", "--trace")
    found = json.loads(done.out)
    assert (done.code, found["state"], found["ready"]) == (0, "ready", True)
    assert found["dialect"] == MAKES[slot]
    assert found["registration"] == "home"
    assert len(found["imei"]) == 15
    assert found["trace"][0]["direction"] == ">"
    assert found["usable"]
    audio = [one for one in found["lacks"] if "audio" in one]
    assert bool(audio) == (MAKES[slot] == "wavecom"), "which has no way for speech"
    done = command("port", "at", bank.device(slot), "AT+CSQ")
    assert done.code == 0
    assert done.out.startswith("+CSQ: ")
    assert done.out.endswith("\nOK\n")


def test_a_running_bank_is_told_something(
    bank: SimulatedBank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(line: str, folder: Path) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["bank", "--dir", str(folder), "--tell", line])
        code = io_modem_bank.main()
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    assert said("fault slot01 none", bank.folder) == (0, '{"faults": []}\n')
    assert said("fault slot77 none", bank.folder)[0] == 1
    code, text = said("status", bank.folder / "nowhere")
    assert (code, "No such file" in text) == (1, True)


@pytest.mark.parametrize("slot", range(len(MAKES)), ids=MAKES)
def test_a_call_on_every_make(bank: SimulatedBank, command: Command, slot: int) -> None:
    before = len(bank.ledger("ended"))
    done = command("port", "call", bank.device(slot), "0981234567", "--seconds", "1", "--json")
    found = json.loads(done.out)
    assert (done.code, found["outcome"], found["cause"]) == (0, "answered", "answered")
    assert found["answer_ms"] >= (found["ring_ms"] or 0)
    assert found["released_by"] in {"us", "them"}
    (ended,) = bank.ledger("ended")[before:]
    assert ended["what"] == "answered"
    assert ended["user"].endswith("981234567")


def test_a_call_with_a_prompt_a_recording_and_keys(
    bank: SimulatedBank, command: Command, tmp_path: Path
) -> None:
    tone = (np.sin(np.arange(8_000) * 2 * np.pi * 440 / 8_000) * 12_000).astype("<i2")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    before = len(bank.ledger("ended"))
    done = command(
        "port", "call", bank.device(2), "0981234568", "--play", str(tmp_path / "tone.wav"),
        "--record", str(tmp_path / "talk.wav"), "--digits", "12", "--seconds", "4", "--json",
    )  # fmt: skip
    found = json.loads(done.out)
    assert found["outcome"] == "answered", done
    assert found["audio"] == bank.device(2, "audio")
    said = [event["event"] for event in found["timeline"]]
    assert "audio" in said
    assert "played" in said
    assert found["digits"], "whom we called pressed a key"
    (ended,) = bank.ledger("ended")[before:]
    assert ended["rtp_received"] > 50
    assert found["digits"][0]["digit"] == ended["digits"][0]
    with wave.open(str(tmp_path / "talk.wav")) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert abs(heard[:, 0]).max() > 8_000  # what we said
    assert abs(heard[:, 1]).max() > 500  # what we heard


def test_a_call_by_files_on_the_module(
    bank: SimulatedBank, command: Command, tmp_path: Path
) -> None:
    """The prompt is put there before, the recording fetched behind; the far end hears the keys."""
    said, talk = tmp_path / "keys.wav", tmp_path / "talk.wav"
    said.write_bytes(pcm_wav(b"".join(b"".join(key(digit)) for digit in "159")))
    device = bank.device(MAKES.index("quectel"))
    done = command("port", "call", device, "0912345678", "--audio", "files", "--play", str(said),
                   "--record", str(talk), "--json")  # fmt: skip
    found = json.loads(done.out)
    assert (done.code, found["outcome"], found["recording"]) == (0, "answered", str(talk))
    assert "played" in [one["event"] for one in found["timeline"]]
    assert bank.ledger("ended")[-1]["tones"] == "159"
    heard = read_plain(talk.read_bytes())
    assert heard is not None
    assert heard.seconds > 0.5


def test_a_modem_that_does_everything_its_own_way(
    stranger: Callable[..., Stranger], command: Command
) -> None:
    """Bare AT answered ERROR, CPIN? after 2 s, no echo, no chained commands, else silence."""
    habits = {**ANSWERS, "AT": ERROR, "ATE0": ERROR}
    modem = stranger(habits, slow={"AT+CPIN?": 2.0}, silent="AT+CL")
    done = command("port", "call", modem.device, "0912345678", "--seconds", "1", "--json")
    found = json.loads(done.out)
    assert (done.code, found["outcome"], found["released_by"]) == (0, "answered", "us")
    assert not [line for line in modem.heard if ";" in line[:-1]]
    assert modem.heard.count("ATD0912345678;") == 1
    assert {"AT+CHUP", "ATH"} & set(modem.heard)


@pytest.mark.parametrize(
    "habits",
    [
        {"echo": True},
        {"noise": b"\x00\xff\r\n^RSSI:14\r\n\r\r\n"},
        {"noise": b"\r\n+CREG: 1\r\n"},
    ],
    ids=["echoing", "chattering", "URCs"],
)
def test_strangers_with_one_bad_habit(
    stranger: Callable[..., Stranger], command: Command, habits: dict[str, Any]
) -> None:
    modem = stranger(**habits)
    done = command("port", "call", modem.device, "0912345678", "--seconds", "0.5", "--json")
    assert (done.code, json.loads(done.out)["outcome"]) == (0, "answered")


def test_a_number_that_could_be_a_command(
    stranger: Callable[..., Stranger], command: Command
) -> None:
    modem = stranger()
    for number in ("0912;+CFUN=1,1", "0912\r\nAT", "0912,1", "091w2", "", "９12"):
        done = command("port", "call", modem.device, number)
        assert done.code == 1
        assert "not a number that can be dialed" in done.err
    assert modem.heard == []


def test_a_recording_that_cannot_be_made_is_said_before_the_modem_is_asked(
    stranger: Callable[..., Stranger], command: Command, tmp_path: Path
) -> None:
    modem, path = stranger(), tmp_path / "nowhere" / "x.wav"
    done = command("port", "call", modem.device, "0912345678", "--record", str(path))
    assert (done.code, done.err) == (1, f"error: {path}: No such file or directory\n")
    done = command("port", "call", modem.device, "0912345678", "--record", str(tmp_path))
    assert (done.code, done.err) == (1, f"error: {tmp_path}: Is a directory\n")
    assert modem.heard == []


def test_what_is_no_pin_or_no_number_is_said_before_the_modem_is_asked(
    stranger: Callable[..., Stranger], command: Command, tmp_path: Path
) -> None:
    modem, path = stranger(), tmp_path / "pin"
    path.write_text("12ab\n")
    done = command("port", "probe", modem.device, "--pin-file", str(path))
    assert (done.code, done.out) == (1, "")
    assert "4 to 8 digits" in done.err
    assert "12ab" not in done.err
    done = command("port", "call", modem.device, "*101#")
    assert (done.code, "dialerd port ussd" in done.err) == (1, True)
    assert modem.heard == []


def test_looking_whether_a_recording_can_be_made_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    check_file(path, ours=True)
    assert not path.exists()
    path.write_text("a diary")
    with pytest.raises(OSError, match="is no recording"):
        check_file(path, ours=True)
    check_file(path, ours=False)
    assert path.read_text() == "a diary"
    path.write_bytes(header(4) + b"abcd")
    check_file(path, ours=True)
    assert path.read_bytes() == header(4) + b"abcd"


@pytest.mark.parametrize(
    "text",
    ['AT+EGMR=1,7,"35"', 'AT+CPIN="1111"', "ATD0912345678;", "AT+CSQ\rAT+CFUN=0", "hello"],
)  # fmt: skip
def test_commands_that_are_not_sent(
    stranger: Callable[..., Stranger], command: Command, text: str
) -> None:
    modem = stranger()
    done = command("port", "at", modem.device, text)
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert text not in modem.heard
    assert not [line for line in modem.heard if line.startswith(("ATD", "AT+EGMR", "AT+CFUN=0"))]
    assert not [line for line in modem.heard if line.startswith("AT+CPIN=")]


def test_a_command_that_is_refused(stranger: Callable[..., Stranger], command: Command) -> None:
    modem = stranger()
    done = command("port", "at", modem.device, "AT+NONSENSE", "--json")
    assert done.code == 1
    assert json.loads(done.out) == {"command": "AT+NONSENSE", "lines": ["ERROR"], "ok": False}


def test_a_modem_that_does_not_register(
    stranger: Callable[..., Stranger], command: Command
) -> None:
    modem = stranger({**ANSWERS, "AT+CREG?": "\r\n+CREG: 0,2\r\n" + OK})
    done = command("port", "probe", modem.device, "--wait", "3")
    assert done.code == 1
    assert "state         register" in done.out
    assert done.out.startswith("no: searching for a network\n")
    assert done.err == "error: searching for a network\n"


def test_nobody_at_the_device(stranger: Callable[..., Stranger], command: Command) -> None:
    modem = stranger({}, silent="A", clcc=False)
    done = command("port", "probe", modem.device, "--wait", "3", "--json")
    assert done.code == 1
    assert modem.device in done.err
    found = json.loads(done.out)
    assert not found["usable"]
    assert [one.split(":")[0] for one in found["lacks"]] == ["no modem answers"]


def test_a_modem_that_stops_answering_when_it_is_ready_is_no_good_one() -> None:
    report = ModemReport(
        "ttyUSB0", "ready", "it owes an answer", dialect="x", model="X1", voice=True
    )
    judge(report, frozenset({"clcc", "ussd", "sms"}), None)
    assert (report.usable, report.lacks) == (False, ["it owes an answer"])
    report.ready, report.model = True, ""
    judge(report, frozenset({"clcc", "ussd", "sms"}), None, noise="40 of the 90 bytes")
    assert report.usable
    assert report.lacks[0].startswith("a name: ")
    assert report.lacks[1] == "a clean line: 40 of the 90 bytes"


def test_a_modem_that_spews_bytes_between_its_answers_is_told_so(
    stranger: Callable[..., Stranger], command: Command
) -> None:
    modem = stranger(noise=b"\r\n\xec\xcc\xf1\xdf\x81\xe5\x9a\xb6\r\n")
    done = command("port", "probe", modem.device)
    assert done.code == 0
    assert done.out.startswith("yes: Noname X1 makes calls, but it lacks a clean line: ")


@pytest.mark.parametrize("verb", [("probe",), ("at", "AT"), ("call", "0912345678")])
def test_devices_that_cannot_be_opened(command: Command, tmp_path: Path, verb: Any) -> None:
    name, *rest = verb
    done = command("port", name, str(tmp_path / "ttyUSB9"), *rest)
    assert (done.code, done.err) == (
        1,
        f"error: {tmp_path / 'ttyUSB9'}: there is no such device\n",
    )
    (tmp_path / "file").write_text("")
    done = command("port", name, str(tmp_path / "file"), *rest)
    assert "is no serial device" in done.err


def test_a_device_that_somebody_has(stranger: Callable[..., Stranger], command: Command) -> None:
    modem = stranger()
    ours = open_device(modem.device)
    try:
        done = command("port", "at", modem.device, "AT")
    finally:
        close_device(ours)
    assert done.code == 1
    assert "in use by another program" in done.err


def test_a_prompt_without_an_audio_device_is_said_before_anybody_is_called(
    stranger: Callable[..., Stranger], command: Command
) -> None:
    modem = stranger()
    prompt = str(Path(__file__).parents[2] / "dialerd" / "prompts" / "vi" / "goodbye.wav")
    done = command("port", "call", modem.device, "0912345678", "--play", prompt)
    assert done.code == 1
    assert "no audio device is known" in done.err
    assert not [line for line in modem.heard if line.startswith("ATD")]


def test_no_such_dialect(stranger: Callable[..., Stranger], command: Command) -> None:
    done = command("port", "probe", stranger().device, "--dialect", "martian")
    assert done.code == 1
    assert "no dialect 'martian'; there are: auto, generic, huawei" in done.err


def test_the_devices_of_this_machine(command: Command) -> None:
    done = command("port", "ls", "--devices", "--json")
    assert done.code == 0
    assert all(os.path.exists(one["device"]) for one in json.loads(done.out))


def test_without_a_daemon(command: Command) -> None:
    for verb in (("ls",), ("block", "1"), ("reset", "1"), ("ussd", "1", "*101#")):
        assert command("port", *verb).code == 4


def test_texts_that_reached_the_sims(command: Command, tmp_path: Path) -> None:
    store = open_store(tmp_path / "data")
    for n in range(5):
        hello = f"hello {n}" + "\x1b[2J" * (n == 4)
        wait(store.keep_text(SimText("sims/1", "8984", "Viettel", 0, f"at {n}", hello, True, n)))
    store.close()
    data = ("--data", str(tmp_path / "data"))
    shown = command("port", "texts", "--limit", "2", *data).out
    assert "hello 2" not in shown
    assert "hello 3" in shown
    assert "\x1b" not in shown
    more = command("port", "texts", "--after", "1", "--limit", "2", *data, "-o", "json")
    found = json.loads(more.out)
    assert [(one["id"], one["text"]) for one in found] == [(2, "hello 1"), (3, "hello 2")]
