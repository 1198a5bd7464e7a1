"""What `dialerd listen` is told, and what it tells of each call."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from dialerd.core.keys import Dtmf
from dialerd.shell.sip_stack import Bind
from sip.accounts.auth import Credentials
from sip.sdp.agree import Protection

Script = Literal["answer", "ring", "busy", "echo", "hold"]


class ListenOptions(msgspec.Struct, frozen=True):
    """What to do with calls. `calls` 0 takes them until told to stop; times in ms from the answer.

    `calls_max` at a time: a further one is answered 503.
    `record` of several calls: the second goes to NAME-2.wav, and so on.
    """

    bind: Bind
    script: Script = "answer"
    calls: int = 0
    calls_max: int = 100
    play: Path | None = None
    record: Path | None = None
    auth: Credentials | None = None
    hold_after_ms: int = 1_000
    hold_ms: int = 2_000
    seconds: float | None = None
    srtp: Protection = "off"
    dtmf: Dtmf = Dtmf.AUTO


class ListenEvent(msgspec.Struct, frozen=True):
    """One thing that happened in call number `call` (from 1), in ms after its INVITE.

    Events: invite, ringing, answered, not_answered, established, digit, played, held, resumed,
    not_held, renegotiated, hanging_up, gave_up (the far end said nothing to our hanging up), ended.
    Of no call (number 0): full (told once until there is room again).
    """

    call: int
    at_ms: int
    event: str
    detail: str = ""


class ListenedCall(msgspec.Struct):
    """One call when it is over. `code` is our final answer, or 487 for a caller who gave up."""

    call: int
    call_id: str
    caller: str
    called: str
    source: str
    answered: bool = False
    code: int = 0
    q850: int = 0
    released_by: str = ""
    duration_ms: int = 0
    digits: str = ""
    rtp_sent: int = 0
    rtp_received: int = 0
    rtp_lost: int = 0
    recording: str = ""


class ListenSummary(msgspec.Struct):
    """How many calls there were; `refused` because there were too many at a time."""

    calls: int = 0
    answered: int = 0
    refused: int = 0
