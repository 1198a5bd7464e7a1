"""Who calls, who was called before, and what of it may be shown.

RFC 3325 (P-Asserted-Identity, P-Preferred-Identity), RFC 3323 (Privacy), RFC 5806 (Diversion),
RFC 7044 (History-Info). Reading tolerates: what is broken is left out, no more than
`IDENTITIES_MAX` of each kind are read, and other P- headers are nobody's concern. Whether a peer
may assert an identity at all (RFC 3325's trust domain) is for whoever knows the peer to decide.

Writing gives pairs for `Invite.headers`, checked so that nothing can leave its field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote_to_bytes

import msgspec

from fastpath.sipscan import Message
from sip.errors import SipError
from sip.limits import IDENTITIES_MAX
from sip.messages import address
from sip.messages.address import NameAddr, param
from sip.messages.causes import Reason, reasons
from sip.messages.header_map import decoded
from sip.messages.headers import text
from sip.messages.tel import number_of

ANONYMOUS_URI = "sip:anonymous@anonymous.invalid"
"""The From of a caller who withholds it (RFC 3323 section 4.1), with the display "Anonymous"."""

PRIVACIES = frozenset({"header", "session", "user", "none", "critical", "id", "history"})
HIDING = frozenset({"id", "user", "header"})  # of those, the ones that hide the caller

Pair = tuple[str, str]


class Diversion(msgspec.Struct, frozen=True):
    """Who sent the call on (RFC 5806). `counter` is how often; `privacy` "full" hides them."""

    party: NameAddr
    reason: str = ""
    counter: int = 1
    privacy: str = ""

    @property
    def number(self) -> str:
        """The diverting number; empty when the URI shows none."""
        return number_of(self.party.uri)


class History(msgspec.Struct, frozen=True):
    """One step of the call's way (RFC 7044).

    Attributes:
        party: where it was sent; the URI without its headers.
        index: "1.2": the second branch of the first step.
        reasons: why it went on from there.
        privacy: what of this step is to be hidden, "history" or empty.
    """

    party: NameAddr
    index: str
    reasons: tuple[Reason, ...] = ()
    privacy: str = ""

    @property
    def number(self) -> str:
        """The number it was sent to; empty when the URI shows none."""
        return number_of(self.party.uri)


class Caller(msgspec.Struct, frozen=True):
    """What an INVITE says about who calls.

    Attributes:
        number: the asserted number, else the From's; empty when neither is a number.
        display: the name beside it.
        from_: the From address, None when it cannot be read.
        asserted: P-Asserted-Identity, a SIP URI and a tel URI at most as a rule.
        preferred: P-Preferred-Identity.
        privacy: the Privacy values in lower case.
        withheld: whether the caller asked not to be shown, by Privacy or by an anonymous From.
        diverted: who sent the call on, the last one first.
        history: the call's way, in order.
    """

    number: str = ""
    display: str = ""
    from_: NameAddr | None = None
    asserted: tuple[NameAddr, ...] = ()
    preferred: tuple[NameAddr, ...] = ()
    privacy: tuple[str, ...] = ()
    withheld: bool = False
    diverted: tuple[Diversion, ...] = ()
    history: tuple[History, ...] = ()


# reading


def _addresses(message: Message, name: str) -> tuple[NameAddr, ...]:
    """Those addresses of a header that can be read."""
    found: list[NameAddr] = []
    for part in (p for value in message.get_all(name) for p in address.split(decoded(value))):
        if len(found) < IDENTITIES_MAX:
            try:
                found.append(address.parse(part))
            except SipError:
                continue
    return tuple(found)


def _diversion(party: NameAddr) -> Diversion:
    count = param(party.params, "counter") or ""
    return Diversion(
        NameAddr(party.uri, party.display),
        param(party.params, "reason") or "",
        int(count) if count.isascii() and count.isdecimal() and len(count) < 4 else 1,
        param(party.params, "privacy") or "",
    )


def _history(party: NameAddr) -> History:
    uri, _, tail = party.uri.partition("?")
    why: tuple[Reason, ...] = ()
    privacy = ""
    for part in tail.split("&"):
        name, _, value = part.partition("=")
        said = decoded(unquote_to_bytes(value))
        if name.lower() == "reason":
            why += reasons([said])
        elif name.lower() == "privacy":
            privacy = said.lower()
    index = param(party.params, "index") or ""
    kept = tuple(pair for pair in party.params if pair[0] != "index")
    return History(NameAddr(uri, party.display, kept), index, why, privacy)


def _is_anonymous(party: NameAddr) -> bool:
    host = party.uri.lower().partition("@")[2].partition(";")[0]
    return party.user.lower() == "anonymous" or host == "anonymous.invalid"


def read(message: Message) -> Caller:
    """What an INVITE says about who calls. Never raises."""
    try:
        from_ = address.parse(decoded(message.from_value))
    except SipError:
        from_ = None
    asserted = _addresses(message, "P-Asserted-Identity")
    values = ";".join(decoded(value) for value in message.get_all("Privacy")).lower()
    privacy = tuple(p for v in values.split(";")[:IDENTITIES_MAX] if (p := v.strip()))
    shown = [p for p in (*asserted, from_) if p is not None]
    best = next((p for p in shown if number_of(p.uri)), None)
    named = next((p.display for p in shown if p.display and not _is_anonymous(p)), "")
    withheld = "none" not in privacy and (
        bool(HIDING & set(privacy)) or (from_ is not None and _is_anonymous(from_))
    )
    return Caller(
        number_of(best.uri) if best else "",
        named,
        from_,
        asserted,
        _addresses(message, "P-Preferred-Identity"),
        privacy,
        withheld,
        tuple(_diversion(party) for party in _addresses(message, "Diversion")),
        tuple(_history(party) for party in _addresses(message, "History-Info")),
    )


# writing


def asserted(uri: str, display: str = "") -> Pair:
    """P-Asserted-Identity, for a peer that trusts us."""
    return "P-Asserted-Identity", str(NameAddr(uri, display))


def preferred(uri: str, display: str = "") -> Pair:
    """P-Preferred-Identity: which of our identities the peer should assert."""
    return "P-Preferred-Identity", str(NameAddr(uri, display))


def privacy(*values: str) -> Pair:
    """Privacy; SipError for one that no RFC knows."""
    if not values or not PRIVACIES.issuperset(values):
        raise SipError(f"not privacy values: {values!r}")
    return "Privacy", ";".join(values)


def diversion(those: Iterable[Diversion]) -> Pair:
    """Diversion, the last one first."""
    parts = []
    for one in those:
        tail: list[tuple[str, str | None]] = [("reason", one.reason or "unknown")]
        if one.counter != 1:
            tail.append(("counter", str(one.counter)))
        if one.privacy:
            tail.append(("privacy", one.privacy))
        parts.append(str(NameAddr(one.party.uri, one.party.display, tuple(tail))))
    if not parts:
        raise SipError("a Diversion of nobody")
    return "Diversion", ", ".join(parts)


def _reason_value(one: Reason) -> str:
    # a backslash before a quote is data of a quoted-string here, and all of it is escaped below
    words = text(one.text, "reason text").replace("\\", "\\\\").replace('"', '\\"')
    return f"{one.protocol};cause={one.cause}" + (f';text="{words}"' if words else "")


def history(steps: Sequence[History]) -> Pair:
    """History-Info, in order; each step has its index."""
    parts = []
    for one in steps:
        if "?" in one.party.uri or not one.index.replace(".", "").isdecimal():
            raise SipError(f"not a step of a call's way: {one.party.uri!r}, {one.index!r}")
        heads = [("Reason", _reason_value(why)) for why in one.reasons]
        if one.privacy:
            heads.append(("Privacy", text(one.privacy, "privacy")))
        tail = "&".join(f"{name}={quote(value, safe='')}" for name, value in heads)
        uri = f"{one.party.uri}?{tail}" if tail else one.party.uri
        params = (("index", one.index), *one.party.params)
        parts.append(str(NameAddr(uri, one.party.display, params)))
    if not parts:
        raise SipError("a call without a way")
    return "History-Info", ", ".join(parts)


def referred_by(uri: str, display: str = "") -> Pair:
    """Referred-By (RFC 3892): who asked for this call."""
    return "Referred-By", str(NameAddr(uri, display))
