"""What goes wrong with simulated modems, one by one."""

from __future__ import annotations

import pytest

from dialerd.sim.modem_bank import Gone, Here
from dialerd.sim.modem_faults import KINDS
from tests.sim.modem_bench import Bench

NUMBER = "0912345678"


def moves(bench: Bench) -> list[type]:
    """Devices that went and came."""
    return [type(effect) for effect in bench.effects if isinstance(effect, Gone | Here)]


def test_silence_has_an_end_and_calls_stay_up() -> None:
    bench = Bench("generic")
    bench.at(0, f"ATD{NUMBER};", 20)
    assert bench.control("fault slot00 silence 10") == {"faults": ["silence"]}
    assert bench.at(0, "AT", 9) == []
    bench.run(2)
    assert bench.at(0, "AT+CLCC")[0].startswith("+CLCC: 1,0,0")
    assert bench.control("status")["slots"][0]["faults"] == []


def test_a_wedge_ends_when_power_is_gone() -> None:
    bench = Bench("generic")
    bench.control("fault slot00 wedge")
    assert bench.at(0, "AT", 100) == []
    bench.control("fault slot00 unplug 2")
    bench.run(30)
    bench.said()
    assert bench.at(0, "AT") == ["AT\r", "OK"]  # it echoes again
    assert moves(bench)[-2:] == [Gone, Here]


def test_garbage_comes_between_answers() -> None:
    bench = Bench("generic")
    bench.control("fault slot00 garbage")
    bench.run(10)
    assert len(bench.said()) > 3_000
    bench.write(b"AT+CGSN\r")
    bench.run(1)
    assert bench.modem().imei.encode() in bench.said()
    bench.control("fault slot00 none")
    bench.run(1)
    bench.said()
    assert bench.at(0, "AT", 5) == ["OK"]


def test_late_answers_come_in_order() -> None:
    bench = Bench("generic")
    bench.control("fault slot00 late")
    assert bench.at(0, "AT+CGSN", 2.9) == []
    assert bench.at(0, "AT+CSQ", 1)[:2] == [bench.modem().imei, "OK"]
    bench.run(3)
    assert bench.lines()[0].startswith("+CSQ")


def test_what_is_unasked_is_lost() -> None:
    bench = Bench("huawei")
    bench.at(0, "AT^CURC=0")
    bench.control("fault slot00 lost")
    assert bench.at(0, f"ATD{NUMBER};", 90) == ["OK"]
    assert len(bench.ended()) == 1


def test_half_dead_knows_one_word() -> None:
    bench = Bench("generic")
    bench.control("fault slot00 half-dead")
    assert bench.at(0, "AT") == ["OK"]
    assert bench.at(0, "AT+CSQ", 20) == []
    assert bench.at(0, "AT") == ["OK"]


def test_a_loop_gives_back_what_it_gets() -> None:
    bench = Bench("generic")
    bench.control("fault slot00 echo")
    bench.write(b"AT+CSQ\r")
    bench.run(1)
    assert bench.said() == b"AT+CSQ\r"


def test_unplugged_in_mid_call() -> None:
    bench = Bench("huawei")
    bench.at(0, f"ATD{NUMBER};", 20)
    bench.control("fault slot00 unplug")
    assert bench.at(0, "AT", 1) == []
    (end,) = bench.ended()
    assert (end.what, end.by, end.q850) == ("answered", "caller", 38)
    bench.run(100)
    assert moves(bench) == [Here, Gone]
    bench.control("plug slot00")
    bench.run(20)
    assert moves(bench) == [Here, Gone, Here]
    bench.at(0, "ATE0;^CURC=0")
    assert bench.at(0, "AT+CREG?") == ["+CREG: 0,1", "OK"]


def test_flapping_goes_on_until_told() -> None:
    bench = Bench("generic")
    bench.control("fault slot00 flap")
    bench.run(20)
    assert moves(bench)[1:] == [Gone, Here] * 5 + [Gone]
    bench.control("fault slot00 none")
    bench.run(20)
    assert moves(bench)[-1] is Here


def test_a_reset_by_itself() -> None:
    bench = Bench("quectel")
    bench.at(0, "AT+CMEE=2")
    bench.control("fault slot00 reset")
    bench.run(25)
    assert "RDY" in bench.lines()
    assert moves(bench) == [Here, Gone, Here]
    bench.at(0, "ATE0")
    assert bench.at(0, "AT+CMEE?") == ["+CMEE: 1", "OK"]


def test_no_network_for_a_while() -> None:
    bench = Bench("generic")
    bench.at(0, "AT+CREG=1")
    bench.control("fault slot00 no-signal 60")
    bench.run(1)
    assert bench.lines() == ["+CREG: 2"]
    assert bench.at(0, f"ATD{NUMBER};") == ["NO CARRIER"]
    bench.run(70)
    assert bench.lines() == ["+CREG: 1"]


def test_no_card_for_a_while() -> None:
    bench = Bench("generic")
    bench.at(0, "AT+CMEE=1")
    bench.control("fault slot00 no-sim 60")
    assert bench.at(0, "AT+CPIN?") == ["+CME ERROR: 10"]
    assert bench.at(0, "AT+CIMI") == ["+CME ERROR: 10"]
    bench.run(70)
    assert bench.at(0, "AT+CPIN?") == ["+CPIN: READY", "OK"]


def test_the_network_loses_a_call() -> None:
    bench = Bench("generic")
    bench.at(0, f"ATD{NUMBER};", 20)
    bench.control("fault slot00 drop")
    bench.run(1)
    assert bench.lines() == ["NO CARRIER"]
    (end,) = bench.ended()
    assert (end.what, end.by, end.q850) == ("answered", "timeout", 41)


def test_stuck_audio_is_cured_in_time() -> None:
    bench = Bench("simcom")
    bench.control("fault slot00 stuck-audio")
    bench.at(0, f"ATD{NUMBER};", 20)
    assert bench.at(0, "AT+CPCMREG=1") == ["ERROR"]
    bench.control("fault slot00 none")
    assert bench.at(0, "AT+CPCMREG=1") == ["OK"]


def test_cards_change_places() -> None:
    bench = Bench("generic", "quectel")
    before = [slot["iccid"] for slot in bench.control("status")["slots"]]
    assert bench.control("swap slot00 slot01") == {"ok": True}
    bench.run(30)
    after = [slot["iccid"] for slot in bench.control("status")["slots"]]
    assert after == before[::-1]
    bench.said()
    assert bench.at(0, "ATE0;+CREG?")[-2:] == ["+CREG: 0,1", "OK"]


@pytest.mark.parametrize(
    "line",
    ["", "dance", "fault slot99 wedge", "fault slot00 sulk", "fault slot00", "signal slot00 x"],
)
def test_what_cannot_be_done_is_said(line: str) -> None:
    assert Bench("generic").control(line)["error"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_modem_is_no_concern_of_its_neighbour(kind: str) -> None:
    bench = Bench("generic", "generic")
    bench.control(f"fault slot00 {kind}")
    for _ in range(5):
        bench.write(b"AT+CSQ\r")
        assert bench.at(1, "AT+CGSN") == [bench.modem(1).imei, "OK"]
