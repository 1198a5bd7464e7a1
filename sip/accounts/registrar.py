"""Telephones that register with us (RFC 3261 section 10.3), and who they are (section 22).

A request is first of all believed (`authenticate`), then a REGISTER is carried out whole or not at
all. Where a telephone is called is where its REGISTER came from, by the same transport: that holds
behind a NAT as well (RFC 3581, 5626), and over TCP it is the connection that it opened. With Path
(RFC 3327) it came from a proxy, and goes back through it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping

import msgspec

from fastpath.sipscan import Message, ScanError, parse_address
from fastpath.wheel import Timer
from sip.accounts.admission import Admission
from sip.accounts.digest_server import OFFERED, DigestServer, User
from sip.accounts.saved import Reached, Saved, check, check_source, listed, wanted
from sip.errors import SipError
from sip.events import Address, Guessing, Phone
from sip.limits import (
    BINDINGS_MAX,
    CHALLENGED_MAX,
    NEVER,
    PATH_MAX,
    PHONES_MAX,
    SECOND,
)
from sip.messages.contacts import contacts, same_uri
from sip.messages.headers import RETRY_LINE
from sip.messages.uri import parse
from sip.transactions.table import Transactions

_EXTENSIONS = {b"path"}  # that a REGISTER may require
# These end a registration at a challenge of another digest, wherever it stands.
_MD5_ONLY = re.compile(rb"baresip v[01]\.", re.IGNORECASE)


class Phones(msgspec.Struct, frozen=True):
    """The telephones' side of an endpoint.

    Attributes:
        realm: what credentials are for, shown to the user of a telephone.
        users: who may register, by name; it may change at any time.
        expires_s_min: a shorter registration is refused with 423.
        expires_s_max: a longer one is shortened to this.
        contacts_max: addresses of one user; a further one takes the place of the oldest.
        domains: the hosts an address of record may have; any when empty.
        algorithms: the digests that are offered, in this order. Some old telephones read the first
            challenge only: they need ("MD5",).
    """

    realm: str
    users: Mapping[str, User]
    expires_s_min: int = 60
    expires_s_max: int = 3_600
    contacts_max: int = BINDINGS_MAX
    domains: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = OFFERED


class Binding(Timer):
    """One address of one user, until it expires."""

    __slots__ = ("owner", "saved")

    def __init__(self, owner: Registrar, saved: Saved) -> None:
        self.owner = owner
        self.saved = saved

    def tick(self, now_ns: int) -> None:  # noqa: ARG002 - the owners' common form
        """It was not refreshed."""
        self.owner.remove(self)


class Registrar:
    """See the module's text. `admission` hears who proved who they are, and who did not.

    `changes` counts what has happened to the bindings, refreshes too.
    """

    __slots__ = (
        "_admission", "_asked", "_bindings", "_count", "_digest", "_layer", "changes", "phones"
    )  # fmt: skip

    def __init__(self, layer: Transactions, phones: Phones, admission: Admission) -> None:
        self._layer = layer
        self._admission = admission
        self._digest = _digest_of(phones, layer.rng)
        self._asked: dict[bytes, int] = {}  # the first CSeq of who was challenged, by Call-ID
        self._bindings: dict[str, list[Binding]] = {}
        self._count = 0
        self.changes = 0
        self.phones = phones

    def configure(self, phones: Phones) -> None:
        """Other users and limits from now on; SipError: then nothing has changed.

        Who is no user any more, or has another secret, is not registered any more either: what an
        old password opened, a new one closes.
        """
        if phones == self.phones:
            return
        self._digest = _digest_of(phones, self._layer.rng)
        before, self.phones = self.phones, phones
        for name, there in list(self._bindings.items()):
            same = before.realm == phones.realm and before.users.get(name) == phones.users.get(name)
            for binding in [] if same else list(there):
                self.remove(binding)

    # who it is

    def authenticate(self, message: Message, source: Address, now_ns: int) -> str:
        """Who sends this; "" when it has been refused, or gets no answer."""
        host = source[0]
        verdict = self._digest.check(message, host, now_ns)
        if verdict.outcome == "right":
            self._admission.proved(host)
            self._asked.pop(message.call_id, None)
            if message.from_user.decode("utf-8", "replace") == verdict.user:
                return verdict.user
            self._layer.refuse(message, source, 403)  # nobody speaks in another's name
            return ""
        if verdict.outcome == "wrong":
            silent_s = self._admission.guessed(host, now_ns)
            if silent_s:
                self._layer.out.append(Guessing(host=host, silent_s=silent_s))
        elif verdict.outcome == "none" and not self._admission.challenge(host, now_ns):
            return ""
        stale = verdict.outcome == "stale"
        old = self._old(message, challenged=verdict.outcome == "none")
        lines = self._digest.challenge(host, now_ns, stale=stale, old=old)
        self._layer.refuse(message, source, 401, lines)
        return ""

    def _old(self, message: Message, *, challenged: bool) -> bool:
        """Whether a telephone gives up at the sight of a digest it does not know (RFC 8760).

        Debian's baresip does, and others that read the first challenge only. It asks again without
        credentials, in the same dialogue with a higher number: then it is offered MD5 alone. That
        gives nothing away: who could force it could take the better challenge off the wire as well.
        """
        agents = message.get_all("User-Agent")
        if agents and _MD5_ONLY.match(agents[0]):
            return True
        call = message.call_id
        before = self._asked.pop(call, message.cseq)
        if challenged:
            if len(self._asked) >= CHALLENGED_MAX:
                del self._asked[next(iter(self._asked))]
            self._asked[call] = min(before, message.cseq)
        return challenged and before < message.cseq

    # REGISTER

    def register(
        self, user: str, message: Message, key: bytes, source: Address, now_ns: int
    ) -> None:
        """Carry out a REGISTER of `user` (10.3, steps 5 to 8)."""
        refusal = self._objection(user, message)
        if refusal is not None:
            code, lines = refusal
            self._layer.answer(message, key, source, code, now_ns, lines)
            return
        values = [value.decode("utf-8", "replace") for value in message.get_all("Contact")]
        path = listed(message, "Path")
        try:
            if len(path) > PATH_MAX:
                raise SipError("a path is too long")
            if any(value.strip() == "*" for value in values):
                changes = self._all(user, values, message)
            else:
                changes = [wanted(contact, message) for contact in contacts(values)]
            for saved in changes:
                check(saved, path)
        except SipError:
            self._layer.answer(message, key, source, 400, now_ns)
            return
        changes = [self._bounded(c) for c in changes]
        if any(0 < c.left_s < self.phones.expires_s_min for c in changes):
            least = b"Min-Expires: %d\r\n" % self.phones.expires_s_min
            self._layer.answer(message, key, source, 423, now_ns, least)
        elif any(self._older(user, c) for c in changes):
            self._layer.answer(message, key, source, 500, now_ns)
        elif self._count + self._added(user, changes) > PHONES_MAX:
            self._layer.answer(message, key, source, 503, now_ns, RETRY_LINE)
        else:
            for saved in changes:
                made = msgspec.structs.replace(saved, user=user, source=source, path=path)
                self._apply(made, now_ns)
            lines = self._lines(user, path, now_ns)
            self._layer.answer(message, key, source, 200, now_ns, lines)

    def _objection(self, user: str, message: Message) -> tuple[int, bytes] | None:
        """Why it is not even looked at (10.3, steps 2, 4 and 5)."""
        missing = [
            option
            for value in message.get_all("Require")
            for option in value.replace(b" ", b"").lower().split(b",")
            if option and option not in _EXTENSIONS
        ]
        if missing:
            return 420, b"".join(b"Unsupported: %b\r\n" % option for option in missing)
        try:
            aor = parse(parse_address(message.to_value)[0])
        except (ScanError, SipError):
            return 400, b""
        if aor.scheme not in {"sip", "sips"}:
            return 416, b""
        if self.phones.domains and aor.host.lower() not in self.phones.domains:
            return 404, b""
        return None if aor.user == user else (403, b"")

    def _all(self, user: str, values: list[str], message: Message) -> list[Saved]:
        """`*`: every address of the user, which may only be removed (10.3 step 6)."""
        if len(values) != 1 or message.expires != 0:
            raise SipError("* with something else")
        now = message.call_id.decode("latin-1"), message.cseq
        return [
            msgspec.structs.replace(b.saved, left_s=0, call_id=now[0], cseq=now[1])
            for b in self._bindings.get(user, [])
        ]

    def _bounded(self, saved: Saved) -> Saved:
        left_s = min(saved.left_s, self.phones.expires_s_max)
        return msgspec.structs.replace(saved, left_s=left_s)

    def _older(self, user: str, saved: Saved) -> bool:
        """10.3 step 7: whether a later request of the same client has been carried out already."""
        found = self._find(user, saved)
        if found is None:
            return False
        last = found.saved
        return last.call_id == saved.call_id and saved.cseq <= last.cseq

    def _find(self, user: str, saved: Saved) -> Binding | None:
        """The binding that is the same telephone's: by instance (RFC 5626), else by URI."""
        for binding in self._bindings.get(user, []):
            other = binding.saved
            if saved.instance and other.instance:
                if saved.instance == other.instance:
                    return binding
            elif same_uri(saved.contact, other.contact):
                return binding
        return None

    def _added(self, user: str, changes: list[Saved]) -> int:
        """How many addresses come on top; those that are there are refreshed at any limit."""
        return sum(c.left_s > 0 and self._find(user, c) is None for c in changes)

    def _apply(self, saved: Saved, now_ns: int) -> None:
        self.changes += 1
        found = self._find(saved.user, saved)
        if saved.left_s <= 0:
            if found is not None:
                self.remove(found)
            return
        if found is None:
            self._add(saved, now_ns)
            return
        before = found.saved
        found.saved = saved
        self._layer.timers.arm(found, now_ns + saved.left_s * SECOND)
        if (before.source, before.contact) != (saved.source, saved.contact):
            self._admission.registered(saved.source)
            self._admission.gone(before.source)
            self._tell(saved, registered=True)

    def _add(self, saved: Saved, now_ns: int) -> None:
        there = self._bindings.get(saved.user, [])
        while len(there) >= max(self.phones.contacts_max, 1):
            self.remove(min(there, key=lambda binding: binding.due_ns))
        there = self._bindings.setdefault(saved.user, there)
        binding = Binding(self, saved)
        there.append(binding)
        self._count += 1
        self._layer.timers.arm(binding, now_ns + saved.left_s * SECOND)
        self._admission.registered(saved.source)
        self._tell(saved, registered=True)

    def remove(self, binding: Binding) -> None:
        """An address is gone: taken back, expired, or in the way."""
        saved = binding.saved
        there = self._bindings.get(saved.user, [])
        if binding not in there:
            return
        there.remove(binding)
        self.changes += 1
        if not there:
            del self._bindings[saved.user]
        self._count -= 1
        self._layer.timers.arm(binding, NEVER)
        self._admission.gone(saved.source)
        self._tell(saved, registered=False)

    def _tell(self, saved: Saved, *, registered: bool) -> None:
        self._layer.out.append(
            Phone(
                user=saved.user,
                contact=saved.contact,
                source=saved.source,
                registered=registered,
                left=len(self._bindings.get(saved.user, [])),
            )
        )

    def _lines(self, user: str, path: tuple[str, ...], now_ns: int) -> bytes:
        """All that is registered now (10.3 step 8)."""
        lines = [
            f"Contact: <{b.saved.contact}>;expires={_left_s(b, now_ns)}"
            + (f";q=0.{b.saved.q:03d}" if b.saved.q < 1_000 else "")
            + "\r\n"
            for b in self._bindings.get(user, [])
        ]
        lines += [f"Path: {value}\r\n" for value in path]  # RFC 3327 section 5.3
        return "".join(lines).encode()

    # what the rest of the program asks

    def lookup(self, user: str) -> list[Reached]:
        """Where a user is called, the preferred first; empty: not registered."""
        found = self._bindings.get(user, [])
        # Of equals the one that registered last: the telephone in somebody's hand.
        ordered = sorted(found, key=lambda b: (-b.saved.q, -b.due_ns))
        return [Reached(b.saved.contact, b.saved.source, b.saved.path, b.saved.q) for b in ordered]

    def snapshot(self, now_ns: int) -> list[Saved]:
        """Every binding, to be given to `restore` after a restart."""
        return [
            msgspec.structs.replace(b.saved, left_s=_left_s(b, now_ns))
            for there in self._bindings.values()
            for b in there
        ]

    def restore(self, those: Iterable[Saved], now_ns: int, *, passed_s: int = 0) -> int:
        """Take over what was registered `passed_s` ago; how many that are.

        Addresses by transports that are gone (and connections are) are left out, and so are users
        that are not there any more, and what cannot stand in a message.
        """
        before = self._count
        for saved in those:
            left_s = min(saved.left_s, self.phones.expires_s_max) - passed_s
            if left_s <= 0 or saved.user not in self.phones.users or self._count >= PHONES_MAX:
                continue
            try:
                check(saved, saved.path)
                check_source(saved.source, self._layer)
            except (SipError, ValueError):
                continue
            again = msgspec.structs.replace(saved, left_s=left_s, source=tuple(saved.source))
            self._apply(again, now_ns)
        return self._count - before

    def sizes(self) -> dict[str, int]:
        """How many addresses are registered."""
        return {"phones": self._count}


def _digest_of(phones: Phones, rng: random.Random) -> DigestServer:
    """Who judges credentials; SipError when the settings contradict each other."""
    if not 0 < phones.expires_s_min <= phones.expires_s_max:
        raise SipError("expires_s_min and expires_s_max contradict each other")
    # Secrets from htdigest are MD5's alone: what not everybody has is offered to nobody.
    users = phones.users.values()
    shared = tuple(a for a in phones.algorithms if all(a in user.ha1 for user in users))
    return DigestServer(phones.realm, phones.users, rng, shared or phones.algorithms)


def _left_s(binding: Binding, now_ns: int) -> int:
    return max((binding.due_ns - now_ns + SECOND - 1) // SECOND, 0)
