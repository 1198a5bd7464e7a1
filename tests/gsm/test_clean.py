"""What a modem says may be shown on any terminal, wherever it comes in."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsm.charset import clean, decoded
from gsm.events import AtReply, Ended, Fact, Identified, SmsFailed, SmsIn, Trace, UssdReply
from gsm.lexer import Lexer
from gsm.number import DialString
from tests.gsm.calls import OUT, ended
from tests.gsm.drive import Hand
from tests.gsm.scripted import Scripted, lines

EVIL = "\x9b31m\x1b[2J\x07\x80\xff"  # as bytes: C1 and C0 controls, and no UTF-8
TURNED = "abc\u202edef\u2066\ufeff\u2028\x9b"  # as UTF-8


TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2028\u2029"


def harmless(text: str) -> bool:
    controls = [c for c in text if unicodedata.category(c) == "Cc" and c not in "\t\n"]
    return not controls and not set(text) & set(TURNS)


def texts(fact: Fact) -> list[str]:
    """Every text of a fact."""
    found = []
    for value in (getattr(fact, name) for name in fact.__struct_fields__):
        found += [value] if isinstance(value, str) else []
        found += [one for one in value if isinstance(one, str)] if isinstance(value, tuple) else []
    return found


@given(st.binary(max_size=200))
def test_every_line_is_harmless(data):
    for line in Lexer().feed(data.replace(b">", b"") + b"\r\n"):
        assert harmless(line)


@given(st.text(max_size=100))
def test_what_is_legible_stays(text):
    kept = [c for c in text if unicodedata.category(c)[0] in "LNPSMZ" and c not in "\u2028\u2029"]
    assert [c for c in clean(text) if c in set(kept)] == kept


def test_utf8_is_read_as_such():
    assert decoded("Hết hạn".encode()) == "Hết hạn"
    assert decoded(b"caf\xe9") == "café"
    assert decoded("a\u202eb\x9bc".encode()) == "abc"


@pytest.mark.parametrize("evil", [EVIL, TURNED.encode().decode("latin-1")])
def test_no_fact_holds_what_a_terminal_would_obey(evil):
    modem = Scripted(
        CGMI="Acme" + evil, CGMM="M1" + evil, CGMR=evil + "1", CNUM=f'"{evil}","0912345678"'
    )
    modem.set(r"AT\+COPS\?", lines(f'+COPS: 0,0,"Vina{evil}",2'))
    modem.set(r"PDU.*", f"\r\n+CMS ERROR: {evil}\r\n")
    modem.set(r"AT\+CEER", lines(f"+CEER: {evil}"))
    modem.set(r"AT\+X", lines(evil))
    hand = Hand(modem)
    hand.up()
    assert hand.port.sms(1, DialString("112"), "Hello", hand.now) == ""
    hand.settle()
    assert hand.run(60, lambda: bool(hand.told(SmsFailed)) and hand.port.ready)
    assert hand.port.at("AT+X", hand.now) == ""
    hand.settle()
    assert hand.run(60, lambda: bool(hand.told(AtReply)))
    assert hand.port.ussd("*101#", hand.now) == ""
    hand.settle()
    hand.run(1)
    hand.say(f'\r\n+CUSD: 0,"{evil}",15\r\n')
    hand.run(3)
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(2)
    modem.calls = []
    hand.say(f"\r\nNO CARRIER{evil}\r\n")
    ended(hand)
    for kind in (Identified, SmsFailed, AtReply, UssdReply, Ended):
        assert hand.told(kind)
    for _, fact in hand.facts:
        if not isinstance(fact, Trace):
            assert all(harmless(text) for text in texts(fact)), fact


def test_so_is_a_text_in_ucs2():
    hand = Hand(Scripted())
    hand.up()
    hand.port._life.texts._tell("x\x9b", "a\r\nb\u202ec\x1b", "", (), whole=True)
    assert hand.port._floor.take_effects()[-1].fact == SmsIn("x", "a\nbc", "", (), True)  # type: ignore[attr-defined]
