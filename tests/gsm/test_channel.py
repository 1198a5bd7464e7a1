"""Whose answer a line is: the command in flight, nobody's, the one that timed out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsm.channel import Channel
from gsm.channel_table import CLOSED, DEAD
from gsm.command import Command, Haste, Result
from gsm.dialect import Dialect, Urc
from gsm.limits import MS, QUEUE_MAX, SECOND
from gsm.urc import Hit

IMEI = "490154203237518"


class Wire:
    def __init__(self, *, imei: str = "") -> None:
        self.now = 0
        self.wrote: list[bytes] = []
        self.hits: list[Hit] = []
        self.results: list[tuple[str, Result]] = []
        self.dead = 0
        self.channel = Channel(
            lambda hit, _now: self.hits.append(hit), self.wrote.append, lambda _now: self._dead()
        )
        self.channel.opened(0)
        self.channel.imei = imei

    def _dead(self) -> None:
        self.dead += 1

    def put(self, text: str, **named: object) -> bool:
        command = Command(text, **named)
        return self.channel.put(command, lambda r, _: self.results.append((text, r)), self.now)

    def say(self, text: str) -> None:
        self.channel.received(text.encode("latin-1"), self.now)

    def run(self, seconds: float) -> None:
        end = self.now + round(seconds * SECOND)
        while (due := self.channel.deadline_ns()) is not None and due <= end:
            self.now = max(self.now, due)
            self.channel.tick(self.now)
        self.now = end

    def last(self) -> Result:
        return self.results[-1][1]


def test_an_answer_with_its_lines():
    wire = Wire()
    wire.put("AT+COPS?")
    assert wire.wrote == [b"AT+COPS?\r"]
    wire.say('AT+COPS?\r\r\n+COPS: 0,0,"Viettel",2\r\n\r\nOK\r\n')
    assert wire.last() == Result("ok", 0, "OK", ('+COPS: 0,0,"Viettel",2',))


@pytest.mark.parametrize(
    ("final", "code"),
    [("ERROR", 0), ("+CME ERROR: 10", 10), ("+CMS ERROR: 500", 500), ("+CME ERROR: SIM busy", 0),
     ("COMMAND NOT SUPPORT", 0), ("TOO MANY PARAMETERS", 0), ("OPERATION NOT ALLOWED", 0)],
)  # fmt: skip
def test_errors_by_any_name(final, code):
    wire = Wire()
    wire.put("AT+X")
    wire.say(f"\r\n{final}\r\n")
    assert (wire.last().outcome, wire.last().code, wire.last().final) == ("error", code, final)


def test_a_dialects_own_errors_and_oks():
    wire = Wire()
    wire.channel.speak(Dialect(name="odd", errors=("FAIL",), oks=("DONE",)))
    wire.put("AT+X")
    wire.say("FAIL 7\r\n")
    wire.run(1)
    wire.put("AT+Y")
    wire.say("DONE\r\n")
    assert [r.outcome for _, r in wire.results] == ["error", "ok"]


def test_what_comes_in_the_middle_of_an_answer_is_told_and_not_part_of_it():
    wire = Wire()
    wire.put("AT+CNUM")
    wire.say('\r\n+CNUM: "",')
    wire.say('"+84901234567",145\r\n\r\nRING\r\n\r\n+CLIP: "0912345678",129\r\n')
    wire.say('\r\n+CMTI: "SM",4\r\n+CREG: 1,"00A1","0B2C"\r\nOK\r\n')
    assert wire.last().lines == ('+CNUM: "","+84901234567",145',)
    assert [hit.means for hit in wire.hits] == ["ring", "caller", "sms", "registration"]


@pytest.mark.parametrize("asked", ["+CREG: 2,1", '+CREG: 2,5,"00A1","0B2C",7', "+CREG: 0,1"])
def test_an_asked_registration_is_the_answer_and_an_unasked_one_is_not(asked):
    wire = Wire()
    wire.put("AT+CREG?")
    wire.say(f'\r\n+CREG: 1,"00A1","0B2C"\r\n{asked}\r\nOK\r\n')
    assert wire.last().lines == (asked,)
    assert [hit.line for hit in wire.hits] == ['+CREG: 1,"00A1","0B2C"']


def test_one_in_flight_and_the_rest_by_haste():
    wire = Wire()
    wire.put("AT+1", haste=Haste.TEXT)
    wire.put("AT+2", haste=Haste.TEXT)
    wire.put("AT+3", haste=Haste.LIST)
    wire.put("AT+CHUP", haste=Haste.HANG_UP)
    for _ in range(4):
        wire.say("\r\nOK\r\n")
        wire.run(0.1)
    assert wire.wrote == [b"AT+1\r", b"AT+CHUP\r", b"AT+3\r", b"AT+2\r"]


def test_a_rest_after_a_final_result():
    wire = Wire()
    wire.put("AT+1")
    wire.put("AT+2")
    wire.say("\r\nOK\r\n\r\nOK\r\n")  # the second is nobody's
    assert wire.wrote == [b"AT+1\r"]
    wire.run(0.049)
    assert wire.wrote == [b"AT+1\r"]
    wire.run(0.002)
    assert wire.wrote == [b"AT+1\r", b"AT+2\r"]
    assert len(wire.results) == 1


def test_a_late_reply_never_answers_the_next_command():
    wire = Wire(imei=IMEI)
    wire.put("AT+CSQ", timeout_ns=SECOND)
    wire.put("AT+CLCC")
    wire.run(1.1)
    assert wire.last().outcome == "timeout"
    wire.run(0.3)
    assert wire.wrote == [b"AT+CSQ\r", b"AT+CGSN\r"]
    wire.say("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")  # late: not the proof
    wire.run(1)
    assert wire.wrote[-1] == b"AT+CGSN\r"
    wire.say(f"\r\n{IMEI}\r\n\r\nOK\r\n")
    wire.run(0.29)
    assert wire.wrote[-1] == b"AT+CGSN\r"
    wire.say("\r\nOK\r\n")
    wire.run(0.1)
    assert wire.wrote[-1] == b"AT+CLCC\r"
    wire.say("\r\nOK\r\n")
    assert wire.results[-1] == ("AT+CLCC", Result("ok", 0, "OK", ()))


def replies(text: str, fates: list[tuple[str, int]]) -> tuple[str, int] | None:
    """What a modem says to a command, and how many seconds late; None: nothing."""
    number = text.removeprefix("AT+N")
    if text == "AT+CGSN":
        return f"\r\n{IMEI}\r\n\r\nOK\r\n", 0
    if not text:
        return None  # an escape
    if not number.isdigit():
        return "\r\nOK\r\n", 0
    fate, seconds = fates[int(number)]
    if fate == "never":
        return None
    return f"\r\n+N: {number}\r\n\r\nOK\r\n", 0 if fate == "ok" else 2 + seconds


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["ok", "late", "never"]), st.integers(0, 6)), max_size=8))
def test_whoever_is_late_never_answers_for_another(fates):
    """Each answer tells its command's own number; a modem answers in order, sometimes late."""
    wire = Wire(imei=IMEI)
    pending: list[tuple[int, str]] = []
    seen = 0
    for number in range(len(fates)):
        wire.put(f"AT+N{number}", timeout_ns=2 * SECOND)
    for _ in range(1_500):
        while seen < len(wire.wrote):
            said = replies(wire.wrote[seen].decode("latin-1").strip("\r\x1b"), fates)
            seen += 1
            if said is not None:
                due = max([wire.now + said[1] * SECOND, *(when for when, _ in pending)])
                pending.append((due, said[0]))
        wire.run(0.1)
        if pending and pending[0][0] <= wire.now:
            wire.say(pending.pop(0)[1])
    assert len(wire.results) == len(fates)
    for text, result in wire.results:
        if result.outcome == "ok":
            assert result.lines == (f"+N: {text.removeprefix('AT+N')}",)


def test_without_an_imei_any_final_result_is_a_sign_of_life():
    wire = Wire()
    wire.put("AT+CSQ", timeout_ns=SECOND)
    wire.run(1.5)
    assert wire.wrote[-1] == b"AT\r"
    wire.say("\r\nERROR\r\n")
    wire.put("AT+X")
    wire.run(0.5)
    assert wire.wrote[-1] == b"AT+X\r"


def test_three_silent_proofs_and_it_is_dead():
    wire = Wire(imei=IMEI)
    wire.put("AT+CSQ", timeout_ns=SECOND)
    wire.put("AT+X")
    wire.run(20)
    assert [w for w in wire.wrote if w.startswith(b"AT")] == [
        b"AT+CSQ\r", b"AT+CGSN\r", b"AT+CGSN\r", b"AT+CGSN\r",
    ]  # fmt: skip
    assert wire.dead == 1
    assert wire.channel.state == DEAD
    assert [(text, r.outcome) for text, r in wire.results] == [
        ("AT+CSQ", "timeout"),
        ("AT+X", "gone"),
    ]
    assert not wire.put("AT")


def test_ten_timeouts_in_a_row_and_it_is_dead_though_it_proves_alive():
    wire = Wire()
    for number in range(10):
        wire.put(f"AT+{number}", timeout_ns=SECOND)
        wire.run(1.4)
        if not wire.dead:
            wire.say("\r\nOK\r\n")
            wire.run(1)
    assert wire.dead == 1
    assert len(wire.results) == 10


def test_an_answer_in_between_begins_the_count_anew():
    wire = Wire()
    for number in range(25):
        wire.put(f"AT+{number}", timeout_ns=SECOND)
        if number % 5 == 4:
            wire.say("\r\nOK\r\n")
        wire.run(1.4)
        wire.say("\r\nOK\r\n")
        wire.run(1)
    assert wire.dead == 0


def test_a_modem_that_is_never_still_is_spoken_to_all_the_same():
    wire = Wire()
    wire.put("AT+X", timeout_ns=SECOND)
    for _ in range(60):
        wire.run(0.1)
        wire.say("garbage\r\n")
    assert b"AT\r" in wire.wrote


def test_a_text_waits_for_its_prompt_and_is_escaped_without():
    wire = Wire()
    wire.put("AT+CMGS=12", body="0011")
    wire.say("\r\n> ")
    assert wire.wrote == [b"AT+CMGS=12\r", b"0011\x1a"]
    wire.say("> 0011\x1a\r\n+CMGS: 7\r\n\r\nOK\r\n")
    assert wire.last().lines == ("+CMGS: 7",)
    wire.run(1)
    wire.put("AT+CMGS=12", body="0011", timeout_ns=SECOND)
    wire.run(1.1)
    assert wire.wrote[-1] == b"\x1b"
    assert wire.last().outcome == "timeout"


def test_a_prompt_that_nobody_asked_for_is_left():
    wire = Wire()
    wire.say("\r\n> ")
    assert wire.wrote == [b"\x1b"]
    wire.put("AT+X")
    wire.say("\r\n> ")
    assert wire.wrote[-1] == b"\x1b"


def test_an_answer_without_its_ok_is_good_where_that_is_known():
    wire = Wire()
    wire.put("AT+CPIN?", timeout_ns=10 * SECOND, enough="+CPIN")
    wire.say("\r\n+CPIN: READY\r\n")
    wire.run(1.1)
    assert wire.last().outcome == "ok"
    assert wire.last().lines == ("+CPIN: READY",)
    assert wire.channel.timeouts == 0
    wire.say("\r\nOK\r\n")  # at last
    wire.run(0.3)
    wire.put("AT+X")
    assert wire.wrote[-1] == b"AT\r", "it proves itself before the next command"


def test_a_hang_up_does_not_wait_for_an_atd_that_waits():
    wire = Wire()
    wire.put("ATD0912345678;", calls=True, yields=True, timeout_ns=90 * SECOND)
    wire.put("AT+CLCC", haste=Haste.LIST)
    wire.run(20)
    assert wire.wrote == [b"ATD0912345678;\r"]
    wire.put("ATH", haste=Haste.HANG_UP)
    assert wire.wrote[-1] == b"ATH\r"
    assert wire.results == [("ATD0912345678;", Result("aborted"))]
    wire.say("\r\nNO CARRIER\r\n")  # ATD's: not the hang-up's
    wire.say("\r\nOK\r\n")
    assert wire.results[-1][1].outcome == "ok"
    assert [hit.means for hit in wire.hits] == ["ended"]


@pytest.mark.parametrize("word", ["BUSY", "NO CARRIER", "NO ANSWER", "NO DIALTONE"])
def test_a_calls_end_is_the_final_result_of_atd_only(word):
    wire = Wire()
    wire.put("ATD1;", calls=True)
    wire.say(f"\r\n{word}\r\n")
    assert (wire.last().outcome, wire.last().final) == ("ended", word)
    wire.run(1)
    wire.put("AT+CLCC")
    wire.say(f"\r\n{word}\r\n\r\nOK\r\n")
    assert wire.last().outcome == "ok"
    assert wire.hits[-1].means == "ended"


def test_closing_tells_everybody_who_waits():
    wire = Wire()
    for number in range(5):
        wire.put(f"AT+{number}")
    wire.channel.closed(wire.now)
    assert [r.outcome for _, r in wire.results] == ["gone"] * 5
    assert wire.channel.state == CLOSED
    assert wire.channel.deadline_ns() is None
    assert not wire.put("AT")


def test_the_queue_has_an_end():
    wire = Wire()
    for number in range(QUEUE_MAX + 1):
        assert wire.put(f"AT+{number}")
    assert not wire.put("AT+MORE")


def test_an_answer_of_thousands_of_lines_is_cut():
    wire = Wire()
    wire.put("AT+X")
    for _ in range(50):
        wire.say("+X: 1\r\n" * 100)
    wire.say("OK\r\n")
    assert len(wire.last().lines) == 256


def test_a_dialects_lines_come_before_the_standards():
    wire = Wire()
    own = Urc(match=r"\+CREG: special", means="restarted")
    wire.channel.speak(Dialect(name="odd", urc=(own,)))
    wire.say("+CREG: special\r\n")
    assert wire.hits[0].means == "restarted"


@settings(max_examples=80)
@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 8_000), st.just("AT+X"),
                          st.just("ATD1;"), st.just("AT+CMGS=1")), max_size=60))  # fmt: skip
def test_no_bytes_at_any_time_make_it_raise_or_hold_more(steps):
    wire = Wire(imei=IMEI)
    put = 0
    for step in steps:
        if isinstance(step, bytes):
            wire.say(step.decode("latin-1"))
        elif isinstance(step, int):
            wire.run(step * MS / SECOND)
        else:
            body = "00" if step.startswith("AT+CMGS") else ""
            put += wire.put(step, body=body, calls=step.startswith("ATD"))
    wire.run(2_000)
    assert len(wire.results) == put, "every command has exactly one result"


@pytest.mark.parametrize("imei", ["", IMEI])
def test_the_ok_of_an_atd_that_was_broken_off_never_makes_the_next_listing_empty(imei):
    wire = Wire(imei=imei)
    wire.put("ATD0912345678;", calls=True, yields=True, timeout_ns=90 * SECOND)
    wire.run(20)
    wire.put("ATH", haste=Haste.HANG_UP)
    wire.put("AT+CLCC", haste=Haste.LIST)
    wire.say("\r\nOK\r\n")  # of the ATD, late
    wire.run(0.2)
    assert wire.wrote[-1] == b"ATH\r"
    wire.say("\r\nOK\r\n")  # of the ATH
    wire.run(0.35)
    assert wire.wrote[-1] == (b"AT+CGSN\r" if imei else b"AT\r")
    wire.say(f"\r\n{imei}\r\n\r\nOK\r\n")
    wire.run(0.5)
    assert wire.wrote[-1] == b"AT+CLCC\r"
    wire.say('\r\n+CLCC: 1,0,0,0,0,"1",129\r\n\r\nOK\r\n')
    assert wire.last().lines == ('+CLCC: 1,0,0,0,0,"1",129',)
