"""What a call asks of its line, and what a line can do whose speech goes by files on a modem.

Most lines carry samples both ways and can do everything: of them nothing is told (`None`). A modem
without an audio device only plays what was put on it before, and may tell keys that it hears.
"""

from __future__ import annotations

from enum import Flag, auto
from typing import Final, NamedTuple

import msgspec

from dialerd.core.chain import prompts_of
from dialerd.core.flow_records import Flow, Gather, Tape, Transfer
from dialerd.core.records import CampaignSettings, DialMode


class Need(Flag):
    """What is done with a call besides playing prompts."""

    KEYS = auto()  # keys of the far end are heard
    HEAR = auto()  # its samples: a recording, who answered
    TALK = auto()  # somebody's live voice: an agent, a transfer
    SAY = auto()  # values are said, put together in the call


WORDS: Final = {
    Need.KEYS: "hears keys",
    Need.HEAR: "listens or records",
    Need.TALK: "lets people talk",
    Need.SAY: "says values",
}


class Needs(NamedTuple):
    """Of all calls of a campaign: one that plays other flows may ask for more than one call of it.

    `prompts` are all that may be played.
    """

    of: Need = Need(0)
    prompts: frozenset[str] = frozenset()


NOTHING: Final = Needs()
TALKING: Final = Needs(Need.TALK | Need.HEAR)


class Can(msgspec.Struct, frozen=True):
    """What a line can do whose speech is files: `prompts` are those that are on the modem."""

    of: Need = Need(0)
    prompts: frozenset[str] = frozenset()

    def lacks(self, needs: Needs) -> str:
        """Why it is not for such calls, as it would go on behind "the flow"; empty: it is."""
        missing = needs.of & ~self.of
        if missing:
            return " and ".join(words for one, words in WORDS.items() if one in missing)
        away = sorted(needs.prompts - self.prompts)
        return f"plays {away[0]}, which is not on the modem" if away else ""


def needs_of(settings: CampaignSettings) -> Needs:
    """Of a campaign's own calls, by its flows and what is done around them."""
    if settings.mode is not DialMode.BROADCAST:
        return TALKING
    asked = Need.HEAR if settings.record or settings.detection.machines else Need(0)
    prompts: set[str] = set()
    for flow in (settings.flow, *(one.flow for one in settings.flows)):
        asked |= _of_flow(flow)
        if Need.SAY not in asked:  # else they are hundreds, and no file port is asked for them
            prompts |= prompts_of(flow)
    return Needs(asked, frozenset(() if Need.SAY in asked else prompts))


def _of_flow(flow: Flow) -> Need:
    asked = Need(0)
    for step in flow.steps:
        match step.does:
            case Gather():
                asked |= Need.KEYS
            case Tape():
                asked |= Need.HEAR
            case Transfer():
                asked |= TALKING.of
            case _:
                pass
        asked |= Need.KEYS if step.keys else Need(0)
        asked |= Need.SAY if any(part.say for part in step.parts) else Need(0)
    return asked
