"""A call as a ladder: who sent what to whom, as lines of text of a given width.

We stand at the left, each peer in a column of its own; those that have no room share the last.
A repeated message is drawn once, with how often it was seen and when the last time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from sip.limits import MS

COLUMNS_MAX = 3  # peers with a column of their own
TIME_CHARS = 9
_FIRST = re.compile(rb"\A(?:SIP/2\.0 +(\d{3}) *([^\r\n]*)|([A-Z]+) )")
_DIGEST = re.compile(rb"^(?:Proxy-)?Authorization[ \t]*:[ \t]*(\*\*\*|Digest\b)", re.I | re.M)
_CSEQ = re.compile(rb"^CSeq[ \t]*:[ \t]*\d+[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)
_MEDIA = re.compile(rb"^m=(\S+) (\d+)(?:/\d+)? (\S+) ([^\r\n]*)", re.MULTILINE)
_ADDRESS = re.compile(rb"^c=IN IP[46] ([^\s/]+)", re.MULTILINE)
_NAME = re.compile(rb"^a=rtpmap:(\d+) ([^/\s]+)", re.MULTILINE)
_DIRECTION = re.compile(rb"^a=(sendonly|recvonly|inactive)\b", re.MULTILINE)
STATIC = {0: "PCMU", 3: "GSM", 8: "PCMA", 9: "G722", 13: "CN", 18: "G729"}
SHORT = {"telephone-event": "events"}


class Step(msgspec.Struct, frozen=True):
    """One message of the ladder: when, which way, between whom, over what."""

    now_ns: int
    sent: bool
    ours: str
    peer: str
    transport: str
    data: bytes


class Rung(msgspec.Struct):
    """One line: a message and its repetitions."""

    step: Step
    times: int = 1
    last_ns: int = 0


def rungs(steps: Sequence[Step]) -> list[Rung]:
    """The messages in order, repetitions folded into the first of them."""
    seen: dict[tuple[bool, str, bytes], Rung] = {}
    out: list[Rung] = []
    for step in steps:
        key = (step.sent, step.peer, step.data)
        rung = seen.get(key)
        if rung is None:
            rung = seen[key] = Rung(step)
            out.append(rung)
        else:
            rung.times += 1
        rung.last_ns = step.now_ns
    return out


def title(data: bytes) -> str:
    """Method, or status with phrase and the method that it answers when that is no INVITE.

    A request that answers a challenge says so: `INVITE (Digest)`.
    """
    found = _FIRST.match(data.lstrip(b"\r\n"))
    if found is None:
        return "not SIP"
    if found[3]:
        name = found[3].decode() + (" (Digest)" if _DIGEST.search(data) else "")
    else:
        cseq = _CSEQ.search(data)
        phrase = found[2].decode("utf-8", "replace").strip()
        name = f"{found[1].decode()} {phrase}".strip()
        if cseq and cseq[1] not in {b"INVITE", phrase.encode()}:
            name += f" ({cseq[1].decode('latin-1')})"
    return printable(name)


def description(data: bytes) -> str:
    """The audio of a session description: address, port, codecs, direction; empty without one."""
    media = _MEDIA.search(data)
    if media is None:
        return ""
    names = {int(n): name.decode("latin-1") for n, name in _NAME.findall(data)}
    codecs = []
    for number in media[4].split():
        if number.isdigit():
            name = names.get(int(number)) or STATIC.get(int(number), number.decode())
            codecs.append(SHORT.get(name.lower(), name))
    secure = " SRTP" if b"SAVP" in media[3] else ""
    direction = _DIRECTION.search(data)
    hold = f" {direction[1].decode()}" if direction else ""
    where = _ADDRESS.search(data)
    host = where[1].decode("latin-1") if where else "?"
    at = f"[{host}]" if ":" in host else host
    return f"{at}:{media[2].decode()}{secure} {','.join(codecs)}{hold}"


def printable(text: str) -> str:
    """Nothing of the network's reaches the terminal as a control sequence."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def cut(text: str, chars: int) -> str:
    """At most so many characters, the cut shown."""
    return text if len(text) <= chars else text[: max(chars - 1, 0)] + "…"


class Ladder:
    """The drawing. `lines` are its head; `line(rung)` is one rung, each at most `width` wide."""

    def __init__(self, steps: Sequence[Step], width: int = 80) -> None:
        """`steps` oldest first, at least one."""
        self.start_ns = steps[0].now_ns
        self.rungs = rungs(steps)
        peers = list(dict.fromkeys(f"{s.peer} {s.transport}" for s in steps))
        self.shared = peers[COLUMNS_MAX - 1 :] if len(peers) > COLUMNS_MAX else []
        own = peers[: COLUMNS_MAX - 1] if self.shared else peers
        self._column = {peer: at for at, peer in enumerate(own, 1)}
        self._count = len(own) + bool(self.shared)
        lasts_s = (steps[-1].now_ns - self.start_ns) / (1000 * MS)
        self._time = max(TIME_CHARS, len(f"{lasts_s:.3f}") + 1)
        self._gap = max((width - self._time - 2 - self._count) // self._count, 12)
        heads = [f"{peer}" for peer in own] + [f"{len(self.shared)} more"] * bool(self.shared)
        ours = list(dict.fromkeys(s.ours for s in steps))
        self.lines = self._head(ours[0] + (f" +{len(ours) - 1}" if len(ours) > 1 else ""), heads)

    def _head(self, ours: str, heads: list[str]) -> list[str]:
        """Names above the columns, each ending where its column stands."""
        gap = self._gap
        text = " " * self._time + cut(ours, gap - 1).ljust(gap + 1)
        out = []
        if self._count == 1:
            room = gap + 2 - len(ours) - 1
            return [" " * self._time + ours + " " + cut(heads[0], room).rjust(room)]
        out.append(text.rstrip())
        columns = [cut(head, gap).rjust(gap) for head in heads]
        out.append(" " * (self._time + 1) + " ".join(columns))
        return out

    def line(self, rung: Rung) -> str:
        """`time |--- title ---->|`, or the other way round."""
        step = rung.step
        to = self._column.get(f"{step.peer} {step.transport}", self._count)
        seconds = (step.now_ns - self.start_ns) / (1000 * MS)
        label = title(step.data)
        if self.shared and to == self._count:
            label = f"{step.peer} {label}"
        if rung.times > 1:
            label += f" x{rung.times} to {(rung.last_ns - self.start_ns) / (1000 * MS):.3f}"
        room = to * (self._gap + 1) - 1
        label = cut(f"{label}  {printable(description(step.data))}".rstrip(), room - 5)
        body = f" {label} ".ljust(room - 3, "-")
        arrow = f"-{body}->" if step.sent else f"<-{body}-"
        rest = "".join(" " * self._gap + "|" for _ in range(self._count - to))
        return f"{seconds:>{self._time - 1}.3f} |{arrow}|{rest}"

    def text(self) -> list[str]:
        """The whole drawing."""
        return [*self.lines, *map(self.line, self.rungs)]
