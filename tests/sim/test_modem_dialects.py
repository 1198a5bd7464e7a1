"""What the makes of simulated modems do each in their own way."""

from __future__ import annotations

import pytest

from dialerd.sim.modem_bank import Bank, Gone, Here, Setup
from dialerd.sim.modem_card import CARRIERS, card, check_digit, imei
from dialerd.sim.modem_dialects import DIALECTS
from dialerd.sim.modem_line import Kind, split
from tests.sim.modem_bench import Bench, town

NUMBER = "0912345678"
ALL = sorted(DIALECTS)


@pytest.mark.parametrize("dialect", ALL)
def test_every_make_tells_who_it_is_and_gets_through_a_call(dialect: str) -> None:
    bench = Bench(dialect)
    modem = bench.modem()
    assert bench.at(0, "AT+CGSN", 1) == [modem.imei, "OK"]
    assert bench.at(0, "AT+CIMI", 1) == [modem.card.imsi, "OK"]  # type: ignore[union-attr]
    bench.at(0, "AT^CURC=0", 1)
    assert bench.at(0, "AT+CREG?", 1) == ["+CREG: 0,1", "OK"]
    dialed = bench.at(0, f"ATD{NUMBER};", 2)
    assert ("OK" in dialed) == (dialect not in ("wavecom", "k3565"))
    calls = [line for line in bench.at(0, "AT+CLCC", 1) if ",0,0," in line]
    assert f'"{NUMBER}",129' in calls[-1]
    assert calls[-1].split(",")[2] == "3"
    bench.run(20)
    bench.said()
    assert bench.at(0, "AT+CLCC", 1)[-2].split(",")[2] == "0"
    assert "OK" in bench.at(0, "ATH", 4)
    end = bench.at(0, "AT+CLCC", 1)
    assert [line for line in end if NUMBER in line] == []
    (entry,) = bench.ended()
    assert (entry.what, entry.by) == ("answered", "caller")


@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("garbage", [b"\x00\xff\x80" * 50, b"AT+" * 900 + b"\r", b"A" * 9_000])
def test_garbage_harms_none(dialect: str, garbage: bytes) -> None:
    bench = Bench(dialect)
    bench.write(garbage + b"\r")
    bench.run(3)
    bench.said()
    assert bench.at(0, "AT+CGSN", 1)[:1] == [bench.modem().imei]


def test_wavecom_says_ok_when_somebody_answers() -> None:
    bench = Bench("wavecom")
    assert bench.at(0, f"ATD{NUMBER};", 3) == ["+WIND: 5,1", "+WIND: 2"]
    bench.run(30)
    assert bench.lines() == ["OK"]
    bench.run(60)
    assert bench.lines() == ["NO CARRIER", "+WIND: 6,1"]
    assert bench.at(0, "AT+CPIN?") == ["+CPIN: READY"]  # no OK, as it is
    assert bench.at(0, "AT+CHUP") == ["ERROR"]
    assert bench.at(0, "AT+CEER") == ["+CEER: Error 16", "OK"]


def test_wavecom_answers_atd_when_nobody_does() -> None:
    bench = Bench("wavecom", town=town(busy=1.0))
    assert bench.at(0, f"ATD{NUMBER};", 9) == ["+WIND: 5,1", "BUSY", "+WIND: 6,1"]


@pytest.mark.parametrize("dialect", ["huawei", "quectel", "simcom", "zte", "generic"])
def test_colp_makes_ok_late_everywhere(dialect: str) -> None:
    bench = Bench(dialect)
    bench.at(0, "AT^CURC=0")
    assert bench.at(0, "AT+COLP=1") == ["OK"]
    assert "OK" not in bench.at(0, f"ATD{NUMBER};", 3)
    bench.run(30)
    said = bench.lines()
    assert said[-2:] == [f'+COLP: "{NUMBER}",129,,,', "OK"]


@pytest.mark.parametrize("dialect", ["huawei", "zte", "simcom", "wavecom", "generic"])
def test_a_late_atd_is_answered_in_any_case(dialect: str) -> None:
    bench = Bench(dialect, town=town(busy=1.0))
    bench.at(0, "AT^CURC=0")
    bench.at(0, "AT+COLP=1")
    assert bench.at(0, f"ATD{NUMBER};", 20).count("BUSY") == 1


def test_simcom_tells_begin_and_end_and_has_sound_only_in_calls() -> None:
    bench = Bench("simcom")
    assert bench.at(0, "AT+CPCMREG=1") == ["ERROR"]
    assert bench.at(0, f"ATD{NUMBER};", 30) == ["OK", "VOICE CALL: BEGIN"]
    assert bench.at(0, "AT+CPCMREG=1") == ["OK"]
    assert bench.bank.slots[0].sounding
    bench.run(60)
    assert bench.lines() == ["VOICE CALL: END: 000045", "NO CARRIER"]
    assert not bench.bank.slots[0].sounding


def test_simcom_tells_a_missed_call() -> None:
    bench = Bench("simcom")
    bench.control("call slot00 84988777666 6")
    bench.run(10)
    assert bench.lines()[-1].startswith("MISSED_CALL: ")


def test_sim800_tells_calls_by_clcc_unasked() -> None:
    bench = Bench("sim800")
    bench.at(0, "AT+CLCC=1;+DDET=1")
    bench.write(f"ATD{NUMBER};\r".encode())
    bench.run(90)
    said = bench.lines()
    states = [line.split(",")[2] for line in said if line.startswith("+CLCC")]
    assert states == ["2", "3", "0", "6"]
    assert [line for line in said if line.startswith("+DTMF")] == ["+DTMF: 1"]


def test_zte_says_connect_and_hangup() -> None:
    bench = Bench("zte")
    bench.write(f"ATD{NUMBER};\r".encode())
    bench.run(90)
    told = [line for line in bench.lines() if not line.startswith("+Z")]
    assert told == ["OK", "CONNECT", "HANGUP: 1"]


def test_another_zte_answers_atd_with_connect_or_with_ok() -> None:
    bench = Bench("k3565")
    bench.write(f"ATD{NUMBER};\r".encode())
    bench.run(90)
    assert bench.lines() == ["CONNECT", "HANGUP: 1"]
    bench = Bench("k3565", town=town(busy=1.0))
    assert bench.at(0, f"ATD{NUMBER};", 20) == ["OK"]


def test_ec25_shows_its_packets_as_a_call() -> None:
    bench = Bench("ec25")
    assert bench.at(0, "AT+CLCC") == ['+CLCC: 1,0,0,1,0,"",128', "OK"]
    bench.at(0, f"ATD{NUMBER};", 2)
    assert bench.at(0, "AT+CLCC")[1].startswith("+CLCC: 2,0,3,0,0")


def test_the_awkward_one() -> None:
    bench = Bench("awkward", settle_s=8)
    assert bench.at(0, "AT", 3) == ["ERROR"]
    bench.write(b"AT+CPIN?\r")
    bench.run(1.9)
    assert bench.said() == b""
    bench.run(1)
    assert bench.lines() == ["+CPIN: READY", "OK"]
    assert bench.at(0, "AT+CSQ;+CREG?") == ["ERROR"]
    assert bench.at(0, "AT+NOSUCH=1", 20) == []
    assert bench.at(0, "ATE1", 1) == ["OK"]
    bench.write(b"AT+CGMM\r")
    bench.run(1)
    assert b"AT" not in bench.said()


def test_a_pin_has_three_tries() -> None:
    bench = Bench("generic", pin="1234")
    bench.at(0, "AT+CMEE=1")
    assert bench.at(0, "AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    assert bench.at(0, "AT+CIMI") == ["+CME ERROR: 11"]
    assert bench.at(0, "AT+CREG?") == ["+CREG: 0,0", "OK"]
    assert bench.at(0, 'AT+CPIN="0000"') == ["+CME ERROR: 16"]
    assert bench.at(0, "AT+CPINR")[0] == "+CPINR: SIM PIN,2,3"
    assert bench.at(0, 'AT+CPIN="1234"', 9) == ["OK"]
    assert bench.at(0, "AT+CREG?") == ["+CREG: 0,1", "OK"]


def test_the_third_wrong_pin_locks_the_card() -> None:
    bench = Bench("generic", pin="1234")
    bench.at(0, "AT+CMEE=1")
    for _ in range(2):
        assert bench.at(0, "AT+CPIN=0000") == ["+CME ERROR: 16"]
    assert bench.at(0, "AT+CPIN=0000") == ["+CME ERROR: 12"]
    assert bench.at(0, "AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]
    assert bench.at(0, "AT+CPIN=1234") == ["+CME ERROR: 3"]
    assert bench.at(0, "AT+CPIN=12345678,4321", 9) == ["OK"]
    assert bench.at(0, "AT+CPIN?") == ["+CPIN: READY", "OK"]


def test_a_cold_start_takes_its_time_and_a_reset_too() -> None:
    bench = Bench("quectel", settle_s=0, cold=True)
    bench.run(11)
    assert bench.at(0, "AT") == []
    bench.run(2)
    assert bench.lines()[0] == "RDY"
    bench.run(6)
    assert bench.at(0, "ATE0;+CREG?")[-2:] == ["+CREG: 0,1", "OK"]
    bench.effects.clear()
    assert bench.at(0, "AT+CFUN=1,1", 1) == ["OK"]
    bench.run(20)
    assert [type(effect) for effect in bench.effects if isinstance(effect, Gone | Here)] == [
        Gone,
        Here,
    ]


def test_identities_have_their_check_digits() -> None:
    assert check_digit("7992739871") == "3"  # the example of ISO/IEC 7812-1
    for index in range(20):
        one = card(5, index)
        assert check_digit(one.iccid[:-1]) == one.iccid[-1]
        assert one.iccid.startswith("8984")
        assert len(one.imsi) == len(imei(5, index, "35307904")) == 15
        assert one.carrier is CARRIERS[index % len(CARRIERS)]
        assert len(one.number) == 11
    assert card(5, 3) == card(5, 3) != card(6, 3)


def test_lines_are_split_as_v250_says() -> None:
    found = split('E0V1+CMEE=1;+CPIN?;+CUSD=1,"*1;2#",15;D*99#;S0=2')
    assert found is not None
    assert [command.name for command in found] == [
        "E", "V", "+CMEE", "+CPIN", "+CUSD", "D", "S0",
    ]  # fmt: skip
    assert found[4].values == ["1", "*1;2#", "15"]
    assert found[3].kind is Kind.READ
    assert split("+CREG?x") is None
    assert split("=3") is None


def test_the_same_seed_is_the_same_bank() -> None:
    def life(seed: int) -> list[object]:
        bench = Bench("huawei", "quectel", seed=seed)
        bench.write(f"ATD{NUMBER};\r".encode())
        bench.run(100)
        return [*bench.effects, *bench.ledger]

    assert life(4) == life(4) != life(5)
    with pytest.raises(KeyError):
        Bank(Setup(1, carriers=("nobody",)), lambda _entry: None)
