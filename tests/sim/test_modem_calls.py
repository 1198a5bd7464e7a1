"""Calls of simulated modems: what each dialect tells of them, and what the ledger does."""

from __future__ import annotations

import pytest

from dialerd.sim.modem import Power
from dialerd.sim.modem_bank import Setup
from tests.sim.modem_bench import Bench, town

NUMBER = "0912345678"


def test_huawei_tells_every_step_of_a_call() -> None:
    bench = Bench("huawei")
    bench.at(0, "AT^CURC=0")
    assert bench.at(0, f"ATD{NUMBER};", 3)[:3] == ["OK", "^ORIG:1,0", "^CONF:1"]
    assert bench.at(0, "AT+CLCC") == [f'+CLCC: 1,0,3,0,0,"{NUMBER}",129', "OK"]
    bench.run(30)
    assert "^CONN:1,0" in bench.lines()
    assert bench.at(0, "AT+CLCC")[0] == f'+CLCC: 1,0,0,0,0,"{NUMBER}",129'
    bench.run(60)
    (end,) = bench.lines()
    assert end.startswith("^CEND:1,")
    assert end.endswith(",104,16")
    assert bench.at(0, "AT+CLCC") == ["OK"]


def test_huawei_is_wedged_by_letting_go_of_a_call_too_early() -> None:
    bench = Bench("huawei")
    bench.write(f"ATD{NUMBER};\r".encode())
    bench.run(0.06)
    bench.write(b"AT+CHLD=11\r")
    bench.run(0.03)
    bench.said()
    assert bench.modem().power is Power.WEDGED
    assert bench.at(0, "AT", 60) == []


def test_quectel_tells_calls_where_it_was_asked_to() -> None:
    bench = Bench("quectel")
    assert bench.at(0, 'AT+QINDCFG="ccinfo",1') == ["OK"]
    bench.write(f"ATD{NUMBER};\r".encode())
    bench.run(90)
    states = [line.split(",")[3] for line in bench.lines() if line.startswith("+QIND")]
    assert states == ["2", "3", "0", "-1"]
    assert bench.at(0, 'AT^DSCI=1;+QINDCFG="ccinfo",0') == ["OK"]
    bench.write(f"ATD{NUMBER};\r".encode())
    bench.run(30)
    bench.write(b"AT+CHUP\r")
    bench.run(0.6)
    told = [line.split(",")[2] for line in bench.lines() if line.startswith("^DSCI")]
    assert told == ["2", "7", "3", "6"]
    assert bench.at(0, "AT+CLCC")[0].startswith("+CLCC: 1,0,6,")
    bench.run(2)
    assert bench.at(0, "AT+CLCC") == ["OK"]


@pytest.mark.parametrize(
    ("fate", "said", "q850"),
    [
        ("busy", "BUSY", 17), ("no_answer", "NO ANSWER", 19), ("declines", "NO CARRIER", 21),
        ("switched_off", "NO CARRIER", 20), ("invalid", "NO CARRIER", 1),
        ("congested", "NO CARRIER", 34),
    ],
)  # fmt: skip
def test_what_becomes_of_a_number_is_what_its_person_does(fate: str, said: str, q850: int) -> None:
    bench = Bench("generic", town=town(**{fate: 1.0}))
    assert bench.at(0, f"ATD{NUMBER};", 60) == ["OK", said]
    (end,) = bench.ended()
    assert (end.what, end.q850, end.by) == ("rejected", q850, "called")


def test_two_cards_of_a_bank_call_each_other() -> None:
    bench = Bench("quectel", "generic")
    bench.at(0, "AT+QTONEDET=1")
    bench.at(1, "AT+CLIP=1")
    number = bench.modem(1).card.number  # type: ignore[union-attr]
    bench.at(0, f"ATD+{number};", 1)
    ring, clip, *_ = bench.lines(1)
    assert ring == "RING"
    assert bench.modem(0).card.number[2:] in clip  # type: ignore[union-attr]
    assert bench.at(1, "ATA") == ["OK"]
    assert bench.at(0, "AT+CLCC")[0].startswith("+CLCC: 1,0,0,")
    assert bench.at(1, "AT+VTS=7") == ["OK"]
    assert bench.lines(0) == ["+QTONEDET: 55"]
    assert bench.at(1, "ATH", 1) == ["OK"]
    assert bench.lines(0) == ["NO CARRIER"]
    (end,) = bench.ended()
    assert (end.what, end.by, end.keys) == ("answered", "called", "7")


def test_somebody_outside_calls_presses_keys_and_leaves() -> None:
    bench = Bench("quectel")
    bench.at(0, "AT+CLIP=1;+QTONEDET=1")
    assert bench.control("call slot00 84988777666 20 12")["call"]
    bench.run(5)
    assert bench.lines()[:2] == ["RING", '+CLIP: "0988777666",129,,,,0']
    assert bench.at(0, "ATA", 4) == ["OK", "+QTONEDET: 49", "+QTONEDET: 50"]
    bench.run(20)
    assert bench.lines() == ["NO CARRIER"]
    (end,) = bench.ended()
    assert (end.what, end.by, end.digits) == ("answered", "caller", "12")


def test_nobody_is_called_without_a_network() -> None:
    bench = Bench("generic")
    assert bench.control("signal slot00 99") == {"ok": True}
    assert bench.at(0, "AT+CSQ") == ["+CSQ: 99,99", "OK"]
    assert bench.at(0, f"ATD{NUMBER};") == ["NO CARRIER"]
    assert bench.control("call slot00 84988777666")["call"] is None
    assert bench.ledger == []


def test_the_loss_of_the_network_ends_a_call() -> None:
    bench = Bench("generic")
    bench.at(0, f"ATD{NUMBER};", 30)
    bench.control("signal slot00 99")
    bench.run(1)
    assert bench.at(0, "AT+CLCC") == ["OK"]
    (end,) = bench.ended()
    assert (end.what, end.q850) == ("answered", 38)


@pytest.mark.parametrize(
    "line",
    ["ATD;", "ATDabc;", "ATD09a45678;", "ATD" + "1" * 60 + ";", "ATD09;+CHLD=99"],
)
def test_what_is_no_number_is_not_dialed(line: str) -> None:
    bench = Bench("generic")
    assert bench.at(0, line, 1)[-1] in ("ERROR", "NO CARRIER")


def test_a_bank_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="ports"):
        Bench("generic", ports=10_000)
    with pytest.raises(ValueError, match="dialects"):
        Bench("acme")
    assert Setup(4).ports == 4
