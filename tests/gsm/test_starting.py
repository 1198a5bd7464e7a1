"""From an open device to a usable card, with modems of all manners; PINs are never risked."""

from __future__ import annotations

import pytest

from gsm.dialect import GENERIC, Dialect
from gsm.effects import Reopen
from gsm.events import Identified, PortState
from gsm.limits import BOOT_MAX
from gsm.starting import choose
from tests.gsm.calls import started
from tests.gsm.drive import Hand, S, dialects
from tests.gsm.scripted import ERROR, OK, Scripted, lines


def test_the_ports_share_of_the_stagger_is_kept():
    hand = Hand(Scripted(), start_ns=7 * S)
    hand.port.start(hand.now)
    assert [e.after_ns for e in hand.port.drain() if isinstance(e, Reopen)] == [7 * S]


@pytest.mark.parametrize(
    "bare", [ERROR, OK, "\r\nAT\r\r\nOK\r\n", "OK", "\r\nCOMMAND NOT SUPPORT\r\n\r\n"]
)
def test_any_final_result_of_a_bare_at_is_a_sign_of_life(bare):
    modem = Scripted()
    modem.set("AT", bare + "\r\n")
    hand = started(modem)
    hand.expect_state("ready", 60)


def test_an_echo_that_cannot_be_switched_off():
    modem = Scripted()
    modem.echo = True
    modem.set("ATE0", ERROR)
    hand = started(modem)
    hand.expect_state("ready", 60)
    assert hand.told(Identified)[-1].manufacturer == "Acme"


def test_a_modem_that_answers_its_card_after_two_seconds():
    modem = Scripted()
    asked: list[float] = []

    def slow(_line: str) -> None:
        asked.append(hand.now / S)
        modem.say_in(2.0, lines("+CPIN: READY"))

    modem.set(r"AT\+CPIN\?", slow)
    hand = started(modem)
    hand.expect_state("ready", 60)
    assert len(asked) == 1, "an answer within its time is waited for, not asked again"


@pytest.mark.parametrize("said", ['144,0,"989422024754212460F6"', "159,10,989422024754212460f6"])
def test_a_cards_number_out_of_its_file_has_the_digits_of_each_octet_swapped(said):
    modem = Scripted()
    modem.set(r"AT\+I?CCID", ERROR)
    modem.set(r"AT\+CRSM=.*", lines(f"+CRSM: {said}"))
    hand = started(modem)
    hand.expect_state("ready", 60)
    assert hand.told(Identified)[-1].iccid == "8949222074451242066"


@pytest.mark.parametrize(("said", "voice"), [(OK, True), (lines("^CVOICE:1,8000,16,20"), False)])
def test_a_probe_that_is_answered_by_a_bare_ok_says_neither_yes_nor_no(said, voice):
    modem = Scripted(CGMI="huawei", CGMM="E1752")
    modem.set(r"AT\^CVOICE\?", said)
    hand = started(modem)
    assert hand.run(60, lambda: hand.port.state in {"ready", "degraded"})
    assert hand.told(Identified)[-1].voice is voice


def test_a_modem_that_forgets_the_ok_after_its_card():
    modem = Scripted(CGMI="WAVECOM MODEM", CGMM="MULTIBAND 900E 1800")
    modem.set(r"AT\+CPIN\?", "\r\n+CPIN: READY\r\n")
    hand = started(modem)
    hand.expect_state("ready", 60)
    assert hand.port.dialect.name == "wavecom"


def test_garbage_is_answered_by_silence_and_the_next_command_not():
    modem = Scripted()
    modem.set(r"(?!AT).*", None)
    hand = started(modem)
    hand.expect_state("ready", 60)


def test_a_modem_that_is_silent_at_what_it_does_not_know():
    """Each unknown command costs its time and a proof; thirty of them are no sign of death."""
    modem = Scripted()
    known = r"AT|AT\+CG(?:MI|MM|MR|SN)|AT\+CPIN\?|AT\+CIMI|AT\+CREG\?|AT\+CLCC|ATD.*|AT\+CHUP"
    modem.set(rf"(?!(?:{known})$).*", None)
    hand = started(modem)
    at = hand.now
    hand.expect_state("ready", 60)
    assert (hand.now - at) / S < 45
    for _ in range(2):
        hand.unplug()
        hand.present = True
        hand.run(60, lambda: hand.open)
        at = hand.now
        hand.expect_state("ready", 60)
    assert (hand.now - at) / S < 12, "what was met with silence twice is not asked again"


def test_bytes_that_are_no_text_are_nobodys_name():
    modem = Scripted()
    noise = "\r\n\xecwi\xcc\xf1\xdf\x81\r\n"
    for asked, said in (("MI", "Quectel"), ("MM", "EC20F"), ("MR", "EC20CEFAG")):
        modem.set(rf"AT\+CG{asked}", noise + lines(said))
    hand = started(modem)
    hand.expect_state("ready", 60)
    assert hand.port.identity is not None
    told = hand.port.identity
    assert (told.manufacturer, told.model, told.dialect) == ("Quectel", "EC20F", "quectel")


def test_a_modem_that_answers_only_at_is_told_so():
    modem = Scripted()
    modem.set(r"(?!AT$).*", None)
    hand = started(modem)
    hand.expect_state("sim", 90)
    assert hand.told(PortState)[-1].why == "looking for its SIM"
    hand.run(30, lambda: "nothing" in hand.port.why)
    assert hand.port.why == "the modem says nothing about its SIM"
    hand.expect_state("dead", 180)
    assert hand.port.why == "the modem answers AT, and nothing else"


def test_a_ready_port_whose_modem_has_just_not_answered_says_so():
    modem = Scripted()
    hand = started(modem)
    hand.expect_state("ready", 60)
    modem.set(r".*", None)
    assert hand.run(30, lambda: not hand.port.ready)
    last = hand.told(PortState)[-1]
    assert (last.state, last.ready) == ("ready", False)
    assert last.why == "the modem did not answer just now"
    hand.expect_state("dead", 60)
    assert hand.port.why == "the modem does not answer"


def test_a_prompt_left_open_by_somebody_else_is_left():
    modem = Scripted()
    hand = Hand(modem)
    opened = modem.opened

    def stuck() -> None:
        opened()
        modem.texting = True

    modem.opened = stuck
    hand.start()
    hand.expect_state("ready", 60)


def test_chatter_before_and_between():
    modem = Scripted()
    hand = started(modem)
    for second in range(30):
        modem.say_in(second / 4, "\r\n^BOOT:12345,0,0,0,75\r\n\0\0\r\r\n*PSUTTZ: 1\r\n")
    hand.expect_state("ready", 60)


def test_commands_are_never_chained():
    for maker, model in (("huawei", "E173"), ("Quectel", "EC25"), ("SIMCOM", "SIM7600")):
        modem = Scripted(CGMI=maker, CGMM=model)
        modem.set(r"AT\^CVOICE\?", lines("^CVOICE: 0"))
        hand = started(modem)
        hand.expect_state("ready", 60)
        assert not [w for w in hand.words() if ";" in w]


@pytest.mark.parametrize(
    ("maker", "model", "name"),
    [
        ("huawei", "E1550", "huawei"), ("HUAWEI TECHNOLOGIES CO., LTD", "ME909s-821", "huawei"),
        ("Quectel", "EC20F", "quectel"), ("Quectel", "EC25", "quectel"),
        ("Quectel", "EP06", "quectel"), ("Quectel", "UC20", "quectel"),
        ("Quectel_Ltd", "Quectel_M35", "quectel_m35"), ("Quectel_Ltd", "M66", "quectel_m35"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "simcom"),
        ("SIMCOM INCORPORATED", "A7670E-FASE", "simcom"),
        ("SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom_sim800"),
        ("SIMCOM_Ltd", "SIMCOM_SIM900A", "simcom_sim800"),
        ("WAVECOM MODEM", "MULTIBAND  900E  1800", "wavecom"), ("ZTE CORPORATION", "MF190", "zte"),
        ("ZTE INCORPORATED", "MF180", "zte"), ("Telit", "LE910", "generic"), ("", "", "generic"),
    ],
)  # fmt: skip
def test_the_dialect_of_a_module(maker, model, name):
    assert choose(tuple(dialects().values()), maker, model).name == name


def test_without_any_file_every_modem_is_generic():
    assert choose((), "huawei", "E1550") is GENERIC
    assert choose((Dialect(name="x", models=("E1",)),), "huawei", "E1550").name == "x"


def test_a_configured_dialect_is_not_asked_for():
    hand = started(Scripted(CGMI="huawei"), dialect="zte")
    hand.expect_state("ready", 60)
    assert hand.port.dialect.name == "zte"


def test_who_is_there():
    hand = started(Scripted())
    hand.expect_state("ready", 60)
    told = hand.told(Identified)[-1]
    assert (told.imei, told.iccid, told.imsi, told.number, told.carrier) == (
        "490154203237518", "89840100000000000017", "452010000000001", "+84901234567", "MobiFone",
    )  # fmt: skip


def test_an_imei_that_cannot_be_read_is_no_fault():
    modem = Scripted()
    modem.set(r"AT\+(?:CGSN|GSN)", ERROR)
    hand = started(modem)
    hand.expect_state("ready", 60)
    assert hand.told(Identified)[-1].imei == ""


# the card


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("\r\n+CME ERROR: 10\r\n", "no card"),
        ("\r\n+CME ERROR: 13\r\n", "the card does not answer"),
        (lines("+CPIN: SIM PUK"), "the card wants its PUK"),
        (lines("+CPIN: SIM PIN"), "the card wants a PIN and none is configured"),
        ("\r\n+CME ERROR: 11\r\n", "the card wants a PIN and none is configured"),
        ("\r\n+CME ERROR: 12\r\n", "the card wants its PUK"),
        (ERROR, "the card does not get ready"),
    ],
)
def test_a_card_that_cannot_be_used(answer, why):
    modem = Scripted()
    modem.set(r"AT\+CPIN\?", answer)
    hand = started(modem)
    hand.expect_state("sim fault", 120)
    assert hand.port.why == why
    assert hand.dial() == f"sim fault: {why}"
    modem.set(r"AT\+CPIN\?", lines("+CPIN: READY"))
    hand.expect_state("ready", 120)


def test_another_card_has_its_own_books():
    modem = Scripted()
    hand = Hand(modem, status_ns=20 * S)
    hand.up()
    hand.port.block("blocked", None, hand.now)
    hand.settle()
    modem.set(r"AT\+CIMI", lines("452040000000002"))
    modem.set(r"AT\+CCID", lines("+CCID: 89840400000000000025"))
    hand.expect_state("ready", 120)
    assert hand.told(Identified)[-1].carrier == "Viettel"
    modem.set(r"AT\+CIMI", lines("452010000000001"))
    modem.set(r"AT\+CCID", lines("+CCID: 89840100000000000017"))
    hand.expect_state("locked", 120)
    assert hand.port.why == "blocked"


def test_a_port_that_is_not_there_waits_longer_each_time():
    hand = Hand(Scripted())
    hand.present = False
    hand.start()
    hand.run(1_500)
    first, *waits = hand.reopens
    assert first == 0
    assert 15 <= waits[0] <= 18.75
    assert all(15 <= wait <= 300 for wait in waits)
    assert waits[-1] > 200
    assert len(set(waits)) == len(waits), "chance keeps a bank's ports apart"
    hand.present = True
    hand.expect_state("ready", 400)


def test_a_modem_that_starts_is_waited_for_once_and_a_silent_one_not_again():
    modem = Scripted()
    modem.mute = True
    hand = started(modem)
    hand.run(BOOT_MAX / S)
    assert hand.port.state == "sync", "it may have got its power just now"
    hand.run(10)
    assert hand.port.state == "dead"
    hand.run(60, lambda: hand.port.state == "sync")
    hand.run(10)
    assert hand.port.state == "dead", "it had its time"
    hand.run(100, lambda: hand.port.state == "sync")
    hand.unplug()
    hand.present = True
    hand.run(100, lambda: hand.port.state == "sync")
    hand.run(BOOT_MAX / S)
    assert hand.port.state == "sync", "another one may be there"
    modem.mute = False
    hand.expect_state("ready", 20)
