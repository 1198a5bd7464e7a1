"""A port that is ready, with a scripted modem, and what its calls came to."""

from __future__ import annotations

from gsm.events import Alerting, Answered, AudioStart, AudioStop, Dialing, Ended
from tests.gsm.drive import Hand
from tests.gsm.scripted import Scripted, lines

OUT = '1,0,{},0,0,"0912345678",129'
HANG_UP = r"AT\+CHUP|ATH|AT\+CHLD=.*"


def port(maker: str = "Acme", model: str = "M1", **settings: object) -> tuple[Hand, Scripted]:
    modem = Scripted(CGMI=maker, CGMM=model)
    modem.set(r"AT\^CVOICE\?", lines("^CVOICE: 0"))
    hand = Hand(modem, **settings)
    hand.up()
    return hand, modem


def started(modem: Scripted, **settings: object) -> Hand:
    """A port that begins to come up."""
    hand = Hand(modem, **settings)
    hand.start()
    return hand


def ended(hand: Hand) -> Ended:
    """The one end of the one call."""
    assert hand.run(200, lambda: bool(hand.told(Ended))), hand.story()
    assert len(hand.told(Ended)) == 1, hand.story()
    return hand.told(Ended)[0]


def order(hand: Hand) -> list[str]:
    """Facts of calls, by name."""
    kinds = (Dialing, Alerting, Answered, Ended, AudioStart, AudioStop)
    return [type(fact).__name__ for _, fact in hand.facts if isinstance(fact, kinds)]
