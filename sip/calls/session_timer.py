"""Session timers (RFC 4028): a call whose other end has vanished does not stand for ever.

Each 2xx to an INVITE or UPDATE may grant an interval and names who refreshes: that side does so
at half of it, the other hangs up when nothing came shortly before its end (section 10). Roles are
those of the request that carries them: "uac" is its sender.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from fastpath.sipscan import Message
from fastpath.wheel import Timer
from sip.limits import NEVER, SECOND, SESSION_FLOOR_S, SESSION_MAX_S, SESSION_MIN_S
from sip.messages.options import TIMER, allows, supports

if TYPE_CHECKING:
    from sip.calls.leg import Leg

GUARD_S = 32  # section 10: BYE this long before the end, or a third of the interval if less
RETRY_S = 5  # a refresh that was refused, or had to wait for another request: tried again
_VALUE = re.compile(rb"\s*([0-9]{1,10})\s*(?:;(.*))?", re.DOTALL)
_REFRESHER = re.compile(rb"(?:^|;)\s*refresher\s*=\s*(uac|uas)\s*(?:;|$)", re.IGNORECASE)


class Wish(msgspec.Struct, frozen=True):
    """Session-Expires and Min-SE of a message; `refresher` is "" when it names none."""

    interval_s: int
    min_s: int
    refresher: str
    supported: bool


def read(message: Message) -> Wish | None:
    """What a message says of the session's length; None when it says nothing of use."""
    if not message.timed:
        return None
    found = _VALUE.fullmatch(message.get_all("Session-Expires")[0])
    if found is None:
        return None
    role = _REFRESHER.search(found[2] or b"")
    return Wish(
        int(found[1]),
        min_se(message),
        role[1].lower().decode() if role else "",
        supports(message, TIMER),
    )


def min_se(message: Message) -> int:
    """The Min-SE of a message, 0 when it has none."""
    values = message.get_all("Min-SE")
    found = _VALUE.fullmatch(values[0]) if values else None
    return min(int(found[1]), SESSION_MAX_S) if found else 0


def too_short(message: Message, floor_s: int) -> bytes:
    """The Min-SE line of a 422, empty when there is no reason for one (section 9)."""
    wish = read(message)
    if wish is None or wish.interval_s >= floor_s or not wish.supported:
        return b""
    return b"Min-SE: %d\r\n" % floor_s


def wanted(interval_s: int, min_s: int, refresher: str = "") -> bytes:
    """The lines of a request of ours; none when nothing is asked."""
    lines = b"Min-SE: %d\r\n" % min_s if min_s > SESSION_MIN_S else b""
    if interval_s:
        role = b";refresher=" + refresher.encode() if refresher else b""
        lines += b"Session-Expires: %d%b\r\n" % (max(interval_s, min_s), role)
    return lines


class SessionTimer(Timer):
    """The clock of one established call."""

    __slots__ = (
        "give_up_ns",
        "interval_s",
        "leg",
        "min_s",
        "ours",
    )

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.interval_s = 0
        self.min_s = 0
        self.ours = False
        self.give_up_ns = NEVER

    def start(self, interval_s: int, now_ns: int, *, ours: bool) -> None:
        """Count anew; `ours`: we refresh."""
        self.interval_s = interval_s
        self.ours = ours
        whole_ns = interval_s * SECOND
        self.give_up_ns = now_ns + whole_ns - min(GUARD_S * SECOND, whole_ns // 3)
        due_ns = now_ns + whole_ns // 2 if ours else self.give_up_ns
        self.leg.layer.timers.arm(self, due_ns)

    def stop(self) -> None:
        """No session timer (any more)."""
        self.interval_s = 0
        self.leg.layer.timers.arm(self, NEVER)

    def again(self, now_ns: int) -> None:
        """A refresh was refused, though the call is there: once more, as long as there is time."""
        if self.interval_s and self.ours:
            self.leg.layer.timers.arm(self, min(now_ns + RETRY_S * SECOND, self.give_up_ns))

    def tick(self, now_ns: int) -> None:
        """Refresh, or find that nobody did."""
        if now_ns >= self.give_up_ns:
            self.leg.layer.count["timeouts"] += 1
            self.leg.lost(now_ns)
            return
        self.leg.layer.timers.arm(self, self.give_up_ns)
        if not self.leg.refresh(now_ns):
            self.again(now_ns)

    def lines(self) -> bytes:
        """For a request of ours that refreshes the session."""
        return wanted(self.interval_s, self.min_s, "uac" if self.ours else "uas")


def _bounded(interval_s: int) -> int:
    return max(SESSION_FLOOR_S, min(interval_s, SESSION_MAX_S))


def _of(leg: Leg, message: Message) -> SessionTimer:
    if leg.session is None:
        leg.session = SessionTimer(leg)
        leg.peer_updates = allows(message, b"UPDATE")
    return leg.session


def granted(leg: Leg, message: Message, now_ns: int) -> None:
    """A 2xx to a request of ours came (section 7.2): what it grants holds.

    A grant below our Min-SE, or below 90 s, breaks section 9. It is followed all the same: who
    grants 30 s hangs up after 30 s, and a call that is well must not end for the peer's fault.
    `SESSION_FLOOR_S` bounds what that costs us: a refresh every two seconds at the most.
    """
    wish = read(message)
    if wish is not None:
        ours = wish.refresher != "uas"
        _of(leg, message).start(_bounded(wish.interval_s), now_ns, ours=ours)
    elif leg.session is not None:
        leg.session.stop()


def grant(leg: Leg, message: Message, now_ns: int) -> bytes:
    """The lines of our 2xx to an INVITE or UPDATE of the peer; the clock starts (section 9).

    A request that asks for nothing keeps the interval there is, else it gets ours, if we want one.
    """
    if not message.timed and leg.session is None and not leg.endpoint.session_s:
        return b""
    wish = read(message)
    if wish is None and leg.session is None and not leg.endpoint.session_s:
        return b""
    known = leg.session.interval_s if leg.session is not None else 0
    aim_s = leg.endpoint.session_s
    supported = wish.supported if wish is not None else supports(message, TIMER)
    if wish is None:
        interval_s = known or aim_s
    elif aim_s and aim_s < wish.interval_s:
        # section 9: never longer than what was asked for
        interval_s = min(max(aim_s, wish.min_s, SESSION_MIN_S), wish.interval_s)
    else:
        interval_s = wish.interval_s
    if not interval_s:
        return b""
    if not supported:
        role = "uas"  # table 2: who does not know the timer cannot refresh, nor read a 422
        interval_s = max(interval_s, leg.endpoint.min_se_s)
    elif wish is not None and wish.refresher:
        role = wish.refresher
    elif known and leg.session is not None:
        role = "uas" if leg.session.ours else "uac"
    else:
        role = "uac" if wish is not None else "uas"
    session = _of(leg, message)
    session.start(_bounded(interval_s), now_ns, ours=role == "uas")
    require = b"Require: timer\r\n" if supported else b""
    return b"Session-Expires: %d;refresher=%b\r\n%b" % (
        session.interval_s,
        role.encode(),
        require,
    )
