"""Speech by files on the module: played, recorded, put and fetched, each told to be over once."""

from __future__ import annotations

import itertools
import re

import pytest

from dialerd.shell.wav import pcm_wav, read_plain
from dialerd.sim.modem_audio import key
from gsm.events import (
    AudioStart,
    Ended,
    FileGot,
    FilePlayed,
    FilePut,
    FileRecorded,
    Identified,
    Incoming,
)
from gsm.limits import FILE_CHUNK, FILE_MAX, FILES_QUEUE_MAX, POUR
from gsm.port_table import FILES, STATES
from tests.gsm.bank import BankModem
from tests.gsm.calls import OUT, ended, port
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import ERROR, OK, Scripted, lines

SPEECH = bytes(range(256)) * 40 + b"\r\nOK\r\n> RING\r\n\x1a\x1b"
MAKERS = [("Quectel", "EC25"), ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E")]


class Store:
    """The files of a module, and the bytes that come and go raw."""

    def __init__(self, hand: Hand, modem: Scripted) -> None:
        self.files: dict[str, bytes] = {}
        self.hand, self.modem = hand, modem
        self.taking: tuple[str, int] | None = None
        self.taken = b""
        self.at = 0
        plain = modem.said
        self.plain = plain
        modem.said = self.said  # type: ignore[method-assign]
        modem.set(r"AT\+QFUPL=.*|AT\+CFTRANRX=.*", self.put)
        modem.set(r"AT\+QFOPEN=.*", self.open)
        modem.set(r"AT\+QFREAD=7,.*", self.read)
        modem.set(r"AT\+CFTRANTX=.*", self.transmit)
        modem.set(r"AT\+QFDEL=.*|AT\+FSDEL=.*", self.drop)

    def said(self, data: bytes) -> None:
        if self.taking is None:
            self.plain(data)
            return
        name, size = self.taking
        self.taken += data
        assert len(self.taken) <= size, "not a byte too many"
        if len(self.taken) == size:
            self.files[name], self.taken, self.taking = self.taken, b"", None
            self.modem.say_in(0.01, lines("+QFUPL: 1,2") if "QFUPL" in self.asked else OK)

    def put(self, line: str) -> str:
        self.asked = line
        name, size = re.findall(r'"([^"]*)",(\d+)', line)[0]
        self.taking = name, int(size)
        return "\r\nCONNECT\r\n" if "QFUPL" in line else "\r\n> "

    def open(self, line: str) -> str:
        name = line.split('"')[1]
        if name not in self.files:
            return "\r\n+CME ERROR: 405\r\n"
        self.opened, self.at = name, 0
        return lines("+QFOPEN: 7")

    def read(self, line: str) -> str:
        size = int(line.split(",")[1])
        data = self.files[self.opened][self.at : self.at + size]
        self.at += len(data)
        return f"\r\nCONNECT {len(data)}\r\n{data.decode('latin-1')}\r\nOK\r\n"

    def transmit(self, line: str) -> str:
        name = line.split('"')[1]
        _, at, size = line.rsplit(",", 2)
        data = self.files.get(name, b"")[int(at) : int(at) + int(size)]
        if not data:
            return ERROR
        text = data.decode("latin-1")
        return f"\r\n+CFTRANTX: DATA,{len(data)}\r\n{text}\r\n+CFTRANTX: 0\r\n\r\nOK\r\n"

    def drop(self, line: str) -> str:
        name = line.split("=")[1].strip('"')
        gone = [held for held in self.files if held.endswith(name)]
        for held in gone:
            del self.files[held]
        return OK if gone else ERROR


def bank(maker: str = "Quectel", model: str = "EC25") -> tuple[Hand, Scripted, Store]:
    hand, modem = port(maker, model, audio_device=False)
    return hand, modem, Store(hand, modem)


def talking(maker: str = "Quectel", model: str = "EC25") -> tuple[Hand, Scripted]:
    hand, modem, _ = bank(maker, model)
    modem.calls = [OUT.format(0)]
    assert hand.dial() == ""
    hand.run(3)
    assert hand.port.state == "active"
    return hand, modem


def done(hand: Hand, why: str) -> None:
    assert why == ""
    hand.settle()
    hand.run(1)


@pytest.mark.parametrize(("maker", "model"), MAKERS)
def test_its_class_is_told_and_no_device_is_switched_on(maker, model):
    hand, _ = talking(maker, model)
    assert hand.told(Identified)[-1].audio == "module_file"
    assert not hand.told(AudioStart)
    assert not any("PCM" in word and word.endswith("=1") for word in hand.words())
    hand, _ = port(maker, model)
    assert hand.told(Identified)[-1].audio == "pcm_tty"
    assert "files" in hand.port.put_file("hello", b"x", hand.now)


def test_without_such_commands_it_has_none():
    hand, modem = port("Acme", "M1", audio_device=False)
    assert hand.told(Identified)[-1].audio == "none"
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(3)
    assert "files" in hand.port.play(1, "hello", hand.now)
    assert "files" in hand.port.record(1, "hello", hand.now)


@pytest.mark.parametrize(
    ("maker", "model", "play", "end", "stop"),
    [
        (*MAKERS[0], 'AT+QPSND=1,"hello.wav",0,1,1', "+QPSND: 0", "AT+QPSND=0"),
        (*MAKERS[1], 'AT+CCMXPLAYWAV="C:/hello.wav",1', "+WAVSTATE: wav play stop",
         "AT+CCMXSTOPWAV"),
    ],
)  # fmt: skip
def test_a_file_is_played_to_its_end_or_broken_off(maker, model, play, end, stop):
    hand, _modem = talking(maker, model)
    done(hand, hand.port.play(1, "hello", hand.now))
    assert play in hand.words()
    assert "is being played" in hand.port.play(1, "more", hand.now)
    hand.run(20)
    assert not hand.told(FilePlayed)
    hand.say(f"\r\n{end}\r\n")
    hand.say(f"\r\n{end}\r\n")
    assert hand.told(FilePlayed) == [FilePlayed(1, "hello", "")]
    done(hand, hand.port.play(1, "more", hand.now))
    done(hand, hand.port.stop_playing(1, hand.now))
    assert stop in hand.words()
    assert hand.told(FilePlayed)[1:] == [FilePlayed(1, "more", "stopped")]
    assert hand.port.stop_playing(1, hand.now) == "no file is being played"


@pytest.mark.parametrize(
    ("maker", "model", "record", "stop"),
    [
        (*MAKERS[0], 'AT+QAUDRD=1,"r1.wav",13,1', "AT+QAUDRD=0"),
        (*MAKERS[1], 'AT+CREC=2,"C:/r1.wav"', "AT+CREC=0"),
    ],
)
def test_what_the_far_end_says_is_recorded_until_somebody_stops(maker, model, record, stop):
    hand, _modem = talking(maker, model)
    done(hand, hand.port.record(1, "r1", hand.now))
    assert record in hand.words()
    assert hand.port.record(1, "r2", hand.now) == "it is being recorded"
    done(hand, hand.port.stop_recording(1, hand.now))
    assert stop in hand.words()
    assert hand.told(FileRecorded) == [FileRecorded(1, "r1", "")]
    assert hand.port.stop_recording(1, hand.now) == "nothing is being recorded"
    done(hand, hand.port.record(1, "r2", hand.now))
    hand.say("\r\n+QAUDRIND: 0,3\r\n" if maker == "Quectel" else "\r\n+RECSTATE: crec stop\r\n")
    assert hand.told(FileRecorded)[1:] == [FileRecorded(1, "r2", "3" if maker == "Quectel" else "")]


def test_a_file_whose_end_is_not_told_is_over_after_its_length():
    hand, _modem = talking()
    done(hand, hand.port.play(1, "hello", hand.now, 4 * S))
    hand.run(2)
    assert not hand.told(FilePlayed)
    hand.run(2)
    assert hand.told(FilePlayed) == [FilePlayed(1, "hello", "")]
    done(hand, hand.port.play(1, "more", hand.now))
    hand.run(10)
    assert len(hand.told(FilePlayed)) == 1, "the timer was the first file's"


def test_a_stop_that_comes_too_late_does_not_end_the_next_file():
    hand, modem = talking(*MAKERS[1])
    done(hand, hand.port.play(1, "hello", hand.now))
    modem.set(r"AT\+CCMXSTOPWAV", None)
    assert hand.port.stop_playing(1, hand.now) == ""
    hand.settle()
    hand.say("\r\n+WAVSTATE: wav play stop\r\n")
    assert hand.told(FilePlayed) == [FilePlayed(1, "hello", "")]
    assert hand.port.play(1, "more", hand.now) == ""
    hand.say(OK)  # to the stop
    hand.run(1)
    assert len(hand.told(FilePlayed)) == 1


@pytest.mark.parametrize("make", ["quectel", "simcom", "sim800"])
def test_a_simulated_module_plays_what_was_put_and_keeps_what_it_heard(make):
    """Its far side hears the keys in the file; what it recorded comes back where it can be read."""
    hand = Hand(BankModem(make), audio_device=False)
    hand.up()
    assert hand.told(Identified)[-1].audio == "module_file"
    sound = b"".join(b"".join(key(digit)) for digit in "159")
    data = pcm_wav(sound)
    assert hand.port.put_file("hello", data, hand.now) == ""
    hand.settle()
    assert hand.run(60, lambda: bool(hand.told(FilePut))), hand.story()
    assert hand.told(FilePut) == [FilePut("hello", "")]
    hand.expect_state("ready", 10)
    assert hand.dial() == ""
    assert hand.run(60, lambda: hand.port.state == "active"), hand.story()
    done(hand, hand.port.record(1, "r1", hand.now))
    done(hand, hand.port.play(1, "hello", hand.now))
    assert hand.run(5, lambda: bool(hand.told(FilePlayed))), hand.story()
    assert hand.told(FilePlayed) == [FilePlayed(1, "hello", "")]
    hand.run(2)
    done(hand, hand.port.stop_recording(1, hand.now))
    assert hand.told(FileRecorded)[0].file == "r1"
    hand.hang_up()
    hand.expect_state("ready", 20)
    assert hand.modem.ledger[-1].tones == "159"
    if hand.port.dialect.files.get:
        assert hand.port.get_file("r1", hand.now) == ""
        hand.settle()
        assert hand.run(60, lambda: bool(hand.told(FileGot))), hand.story()
        assert read_plain(hand.told(FileGot)[0].data).seconds > 1.5


def test_what_the_module_refuses_is_told():
    hand, modem = talking()
    modem.set(r"AT\+QPSND=1.*", "\r\n+CME ERROR: 405\r\n")
    modem.set(r"AT\+QAUDRD=1.*", ERROR)
    done(hand, hand.port.play(1, "hello", hand.now))
    done(hand, hand.port.record(1, "r1", hand.now))
    assert hand.told(FilePlayed) == [FilePlayed(1, "hello", "+CME ERROR: 405")]
    assert hand.told(FileRecorded) == [FileRecorded(1, "r1", "ERROR")]


@pytest.mark.parametrize("by", ["us", "them", "unplugged"])
def test_with_the_call_both_are_over_before_its_end(by):
    hand, modem = talking()
    done(hand, hand.port.play(1, "hello", hand.now))
    done(hand, hand.port.record(1, "r1", hand.now))
    if by == "us":
        hand.hang_up()
    elif by == "them":
        modem.calls = []
        hand.say("\r\nNO CARRIER\r\n")
    else:
        hand.unplug()
    ended(hand)
    kinds = (FilePlayed, FileRecorded, Ended)
    last = [fact for _, fact in hand.facts if isinstance(fact, kinds)]
    assert [type(fact) for fact in last] == list(kinds)
    assert last[0] == FilePlayed(1, "hello", "the call is over")
    if by != "unplugged":
        hand.run(3)
        assert {"AT+QPSND=0", "AT+QAUDRD=0"} <= set(hand.words())
    hand.say("\r\n+QPSND: 0\r\n")
    assert len(hand.told(FilePlayed)) == 1


@pytest.mark.parametrize("leg", [2, -1])
def test_on_no_call_nothing_is_played(leg):
    hand, _modem = talking()
    for ask in (hand.port.play, hand.port.record):
        assert ask(leg, "hello", hand.now) == "nobody talks on that call"
    for stop in (hand.port.stop_playing, hand.port.stop_recording):
        assert stop(leg, hand.now) == "nobody talks on that call"


@pytest.mark.parametrize("name", ["", "a.wav", "../x", 'x"', "x" * 25, "A", "x\r", "é"])
def test_a_file_has_a_name_that_harms_no_module(name):
    hand, _modem = talking()
    before = len(hand.words())
    assert "name" in hand.port.play(1, name, hand.now)
    assert "name" in hand.port.put_file(name, b"x", hand.now)
    hand.settle()
    assert len(hand.words()) == before


@pytest.mark.parametrize(("maker", "model"), MAKERS)
@pytest.mark.parametrize("size", [1, POUR, FILE_CHUNK, 3 * FILE_CHUNK, len(SPEECH)])
def test_a_file_goes_there_and_comes_back_as_it_is(maker, model, size):
    hand, _modem, store = bank(maker, model)
    speech = SPEECH[-size:]
    for data in (b"old", speech):
        assert hand.port.put_file("hello", data, hand.now) == ""
        hand.settle()
        assert hand.port.state == "files"
        assert hand.run(60, lambda: hand.port.ready), hand.story()
    assert hand.told(FilePut) == [FilePut("hello", "")] * 2
    assert list(store.files.values()) == [speech]
    assert hand.port.get_file("hello", hand.now) == ""
    hand.settle()
    assert hand.run(60, lambda: bool(hand.told(FileGot))), hand.story()
    assert hand.told(FileGot) == [FileGot("hello", speech, "")]
    assert hand.run(5, lambda: hand.port.ready)
    done(hand, hand.port.drop_file("hello", hand.now))
    assert store.files == {}
    assert hand.port.get_file("hello", hand.now) == ""
    hand.settle()
    assert hand.run(60, lambda: len(hand.told(FileGot)) == 2)
    assert hand.told(FileGot)[1].data == b""
    assert "ERROR" in hand.told(FileGot)[1].why


def test_bytes_in_pieces_of_any_size_are_the_same():
    hand, _modem, store = bank()
    store.files["hello.wav"] = SPEECH
    plain = hand.say

    def in_pieces(data: bytes | str) -> None:
        raw = data.encode("latin-1") if isinstance(data, str) else data
        sizes = itertools.cycle((1, 7, 2, 300))
        while raw:
            size = next(sizes)
            plain(raw[:size])
            raw = raw[size:]

    hand.say = in_pieces  # type: ignore[method-assign]
    assert hand.port.get_file("hello", hand.now) == ""
    hand.settle()
    assert hand.run(60, lambda: bool(hand.told(FileGot))), hand.story()
    assert hand.told(FileGot)[0].data == SPEECH
    assert not hand.port.bulk


def test_a_line_of_115200_baud_is_not_written_faster_than_it_takes():
    hand, _modem, _store = bank()
    assert hand.port.put_file("hello", bytes(40_000), hand.now) == ""
    hand.settle()
    begun = hand.now
    assert hand.run(60, lambda: bool(hand.told(FilePut)))
    assert 3.5 < (hand.now - begun) / S < 5
    assert max(len(data) for _, data in hand.written) <= POUR


def test_a_call_in_the_midst_of_it_is_told_and_the_rest_goes_on_later():
    hand, modem, store = bank()
    store.files["b.wav"] = b"second"
    modem.set(r"AT\+QFOPEN=.a.wav.*", None)
    for name in "ab":
        assert hand.port.get_file(name, hand.now) == ""
    hand.settle()
    hand.run(1)
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    hand.say("\r\nRING\r\n")
    assert hand.told(FileGot) == [FileGot("a", b"", "a call came in")]
    assert hand.run(30, lambda: bool(hand.told(Incoming)))
    modem.calls = []
    assert hand.run(120, lambda: len(hand.told(FileGot)) == 2)
    assert hand.told(FileGot)[1] == FileGot("b", b"second", "")


def test_a_module_that_goes_silent_in_the_midst_of_a_file_is_given_up():
    hand, modem, store = bank()
    modem.set(r"AT\+QFREAD=.*", "\r\nCONNECT 2048\r\nonly this")
    store.files["a.wav"] = SPEECH
    assert hand.port.get_file("a", hand.now) == ""
    hand.settle()
    hand.run(1)
    modem.mute = True
    hand.expect_state("dead", 300)
    (got,) = hand.told(FileGot)
    assert got.data == b""
    assert got.why
    modem.mute = False
    hand.expect_state("ready", 100)


def test_what_waits_is_bounded_and_told_when_the_port_is_lost():
    hand, modem, _store = bank()
    assert "most" in hand.port.put_file("a", bytes(FILE_MAX + 1), hand.now)
    assert "empty" in hand.port.put_file("a", b"", hand.now)
    modem.set(r"AT\+QFDEL=.*", None)
    for _ in range(FILES_QUEUE_MAX + 1):
        assert hand.port.put_file("a", b"x", hand.now) == ""
    assert "too many" in hand.port.put_file("a", b"x", hand.now)
    hand.settle()
    hand.unplug()
    assert len(hand.told(FilePut)) == FILES_QUEUE_MAX + 1
    assert all("lost" in fact.why for fact in hand.told(FilePut))
    assert "not now" in hand.port.put_file("a", b"x", hand.now)
    assert STATES[FILES] == "files"
