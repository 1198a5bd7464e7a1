"""What `dialerd call` is told, and its report, whose shape is stable: fields are only added."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from dialerd.config import Trunk
from dialerd.core.keys import Dtmf
from dialerd.shell.quality import shown, trouble
from dialerd.shell.sip_stack import StackSettings
from fastpath.numbers import Number
from fastpath.rtp import StreamStats
from sip.accounts.auth import Credentials
from sip.events import Ended
from sip.messages.uri import Uri
from sip.sdp.agree import Protection
from sip.transport.io_tls import TlsOptions

TIMELINE_MAX = 1_000  # things of one call that are told; then only its turns are
TURNS = frozenset({"answered", "hanging_up", "gave_up", "released", "recording_failed"})


class Via(msgspec.Struct, frozen=True):
    """A trunk of the configuration and the number to call on it.

    Attributes:
        stack: what the configuration says of the SIP sockets.
        media: where the daemon hears audio: address, first and last port.
        shown: our address in SDP.
    """

    trunk: Trunk
    number: Number
    stack: StackSettings
    media: tuple[str, int, int]
    shown: str


class CallOptions(msgspec.Struct, frozen=True):
    """What to do in the call. `seconds` counts from the answer.

    Attributes:
        uri, text: whom to call, read and as written.
        bind, port: our own address; empty and 0: what leads there, any port.
        transport: "" is what the URI says, else udp.
        caller: user or whole URI of From.
        via: speak as the daemon would on this trunk, to its address.
        hold_ms: hold for so long after the answer, then resume; 0: do not.
        transfer: a URI that the far end is then asked to call (blind REFER).
    """

    uri: Uri
    text: str
    play: tuple[Path, ...] = ()  # one behind the other
    digits: str = ""
    record: Path | None = None
    seconds: float | None = None
    ring_s_max: float = 60.0
    bind: str = ""
    port: int = 0
    transport: Literal["", "udp", "tcp", "tls"] = ""
    tls: TlsOptions = TlsOptions()
    caller: str = "dialerd"
    credentials: Credentials | None = None
    via: Via | None = None
    hold_ms: int = 0
    transfer: str = ""
    srtp: Protection = "off"
    dtmf: Dtmf = Dtmf.AUTO


class HeardDigit(msgspec.Struct, frozen=True):
    """One key, pressed so many ms after the INVITE; `source`: rfc4733, inband or info."""

    digit: str
    at_ms: int
    source: str


class TimelineEvent(msgspec.Struct, frozen=True):
    """One thing that happened, in milliseconds after the INVITE."""

    at_ms: int
    event: str
    detail: str = ""


class Rtp(msgspec.Struct, frozen=True):
    """The media of the call as our end saw it; `peer_…` is what the far end reported of ours.

    Losses lay in `loss_runs` stretches, the longest of `loss_run_max` packets. `mos` is ITU-T
    G.107's estimate of what we heard, 0 when that was nothing; `trouble` says in words what was
    wrong.
    """

    sent: int = 0
    received: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    expected: int = 0
    reordered: int = 0
    duplicates: int = 0
    loss_runs: int = 0
    loss_run_max: int = 0
    mos: float = 0.0
    late: int = 0
    foreign: int = 0
    rtt_ms: float | None = None
    peer_lost: int | None = None
    peer_jitter_ms: float | None = None
    peer_mos: float = 0.0
    trouble: str = ""


def rtp_of(stats: StreamStats | None) -> Rtp:
    """The figures of one stream, and what was wrong with it; zeros when there was none."""
    if stats is None:
        return Rtp()
    return msgspec.convert({"trouble": trouble(stats), **shown(stats)}, Rtp)


class Transfer(msgspec.Struct, frozen=True):
    """How a transfer went: the last status told, 0 when none was."""

    to: str
    code: int
    done: bool


class CallReport(msgspec.Struct):
    """The result; `ring_ms` and `answer_ms` are None when it never came to that.

    `released_by`: us, them, timeout (nobody said a word any more), network (it cannot be reached).
    """

    uri: str
    outcome: str = "failed"
    sip_code: int = 0
    q850: int = 0
    reason: str = ""
    ring_ms: int | None = None
    answer_ms: int | None = None
    duration_ms: int = 0
    digits: list[HeardDigit] = []
    released_by: str = ""
    rtp: Rtp = Rtp()
    recording: str = ""
    timeline: list[TimelineEvent] = []
    call_id: str = ""
    transport: str = ""
    local: str = ""
    remote: str = ""
    held_ms: int = 0
    transfer: Transfer | None = None

    def note(self, at_ms: int, event: str, detail: str) -> None:
        """One thing that happened; of a far end that says too much, only the call's turns."""
        if len(self.timeline) < TIMELINE_MAX or event in TURNS:
            self.timeline.append(TimelineEvent(at_ms, event, detail))
        if len(self.timeline) == TIMELINE_MAX:
            self.timeline.append(TimelineEvent(at_ms, "cut", "the far end says too much"))


def ending(event: Ended, *, answered: bool) -> str:
    """What there is to say of an end besides who ended it, after a colon; mostly nothing."""
    if event.by == "timeout" and answered:
        return ": the far end has gone silent"
    said = f"{event.code or ''} {event.phrase}".strip()
    return f": {said}" if said and not answered else ""
