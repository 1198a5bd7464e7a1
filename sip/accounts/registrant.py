"""A registration of ours, kept for as long as it is wanted (RFC 3261 section 10.2).

One REGISTER is under way at a time, all with one Call-ID and rising CSeq (10.2.4). A granted one
is refreshed well before the registrar's expiry. After a failure the wait doubles, with chance in
it, so that a thousand clients of a restarted registrar do not return together (RFC 5626 section
4.5). A registrar that refuses us is asked a few times, then left in peace for an hour: a wrong
password must not look like an attack.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fastpath.wheel import Timer
from sip.accounts.asking import Asker
from sip.accounts.auth import DigestClient
from sip.accounts.keepalive import KeepAlive
from sip.errors import SipError
from sip.events import Account, Address, Ask, Registration, RegistrationState, Told
from sip.limits import (
    BACKOFF_S_MAX,
    BRIEF_MAX,
    DENIALS_MAX,
    DENIED_REST_S,
    EXPIRES_S_MAX,
    LEARNS_MAX,
    NEVER,
    REFRESH_EARLY_S,
    REFRESH_S_MIN,
    ROUTES_MAX,
    SECOND,
    TIMEOUT,
)
from sip.messages.contacts import contacts, elements, same_uri, seconds
from sip.messages.headers import route_lines, text
from sip.messages.uri import parse
from sip.transactions.table import Transactions
from sip.transport.local import bracketed

STATES = ("asking", "registered", "refreshing", "failed", "denied", "leaving", "off")
ASKING, REGISTERED, REFRESHING, FAILED, DENIED, LEAVING, OFF = range(7)

EVENTS = (
    "granted",
    "interval too brief",
    "address learned",
    "denied",
    "failed",
    "time to refresh",
    "stop",
    "stopped",
    "start",
)
GRANT, BRIEF, LEARN, DENY, FAIL, DUE, STOP, STOPPED, START = range(9)

REGISTER = 1  # send it
TELL = 2
REFRESH = 4  # set the timer well before the expiry
BACK_OFF = 8  # set it after a failure
REMOVE = 16  # send one that expires at once
FORGET = 32  # the account leaves the table

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (ASKING, GRANT): (REGISTERED, TELL | REFRESH),
    (ASKING, BRIEF): (ASKING, REGISTER),
    (ASKING, LEARN): (ASKING, REGISTER),
    (ASKING, DENY): (DENIED, TELL | BACK_OFF),
    (ASKING, FAIL): (FAILED, TELL | BACK_OFF),
    (ASKING, STOP): (LEAVING, 0),
    (REGISTERED, DUE): (REFRESHING, REGISTER),
    (REGISTERED, STOP): (LEAVING, REMOVE),
    (REFRESHING, GRANT): (REGISTERED, REFRESH),
    (REFRESHING, BRIEF): (REFRESHING, REGISTER),
    (REFRESHING, LEARN): (REFRESHING, REGISTER),
    (REFRESHING, DENY): (DENIED, TELL | BACK_OFF),
    (REFRESHING, FAIL): (FAILED, TELL | BACK_OFF),
    (REFRESHING, STOP): (LEAVING, 0),
    (FAILED, DUE): (ASKING, REGISTER),
    (FAILED, STOP): (OFF, TELL | FORGET),
    (DENIED, DUE): (ASKING, REGISTER),
    (DENIED, STOP): (OFF, TELL | FORGET),
    # What was under way when we were told to stop may still be granted: then it is taken back.
    (LEAVING, GRANT): (LEAVING, REMOVE),
    (LEAVING, BRIEF): (OFF, TELL | FORGET),
    (LEAVING, LEARN): (LEAVING, REMOVE),
    (LEAVING, DENY): (OFF, TELL | FORGET),
    (LEAVING, FAIL): (OFF, TELL | FORGET),
    (LEAVING, STOPPED): (OFF, TELL | FORGET),
    (OFF, START): (ASKING, TELL | REGISTER),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(7))
SHOWN: dict[int, RegistrationState] = {
    ASKING: "trying", REGISTERED: "registered", REFRESHING: "registered", FAILED: "waiting",
    DENIED: "refused", LEAVING: "off", OFF: "off",
}  # fmt: skip

# The registrar means us, not the moment: 404 and 604 as well, no such account (10.3 step 5).
DENIALS = {400, 401, 402, 403, 404, 405, 407, 410, 416, 420, 482, 483, 493, 501, 505, 604, 606}
_URN = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._%+-]{0,200}")
_WAIT_S = 16  # a silent registrar of several is left after this


class Registrant(Timer):
    """See the module's text. `ask` is the endpoint's."""

    __slots__ = (
        "_again",
        "_ask",
        "_bound",
        "_brief",
        "_call_id",
        "_code",
        "_cseq",
        "_denials",
        "_digest",
        "_expires_s",
        "_failures",
        "_forget",
        "_keepalive",
        "_layer",
        "_learned",
        "_learns",
        "_reason",
        "_removing",
        "_retry_s",
        "_targets",
        "_user",
        "account",
        "aliases",
        "granted_s",
        "service_route",
        "state",
    )

    def __init__(
        self,
        account: Account,
        layer: Transactions,
        ask: Callable[[Ask, int, Asker | None, DigestClient | None], None],
        forget: Callable[[Registrant], None],
    ) -> None:
        """Check the account; SipError when a field of it cannot stand in a message."""
        for uri in (account.aor, account.registrar):
            if parse(text(uri, "URI")).scheme not in {"sip", "sips"}:
                raise SipError(f"not a SIP URI: {uri!r}")
        if account.instance and not _URN.fullmatch(account.instance):
            raise SipError(f"not a URN: {account.instance!r}")
        if not account.targets:
            raise SipError("an account without a target")
        if any(not 0 <= target[2] < len(layer.identities) for target in account.targets):
            raise SipError("a target by a transport that we do not have")
        user = account.contact_user or parse(account.aor).user
        parse(text(f"sip:{user}@invalid" if user else "sip:invalid", "contact_user"))
        route_lines(account.routes)
        self.account = account
        self._layer = layer
        self._ask = ask
        self._forget = forget
        self._call_id = layer.token().decode()
        self._cseq = 0
        self._digest = DigestClient(account.credentials) if account.credentials else None
        self._targets = account.targets
        self._expires_s = min(max(account.expires_s, 1), EXPIRES_S_MAX)
        self._user = user
        self._bound = ""  # the Contact URI as it was registered
        self._learned = ""  # the one that the registrar sees us at, when that is to be used
        self._brief = self._learns = self._denials = self._failures = 0
        self._removing = False
        self._code, self._reason, self._retry_s = 0, "", 0
        self._keepalive = KeepAlive(layer, max(account.keepalive_s, 0))
        self._again = False  # it is wanted again before it is off
        self.state = OFF
        self.granted_s = 0
        self.service_route: tuple[str, ...] = ()
        self.aliases: tuple[str, ...] = ()

    def begin(self, now_ns: int) -> None:
        """Register."""
        self._do(START, now_ns)

    def stop(self, now_ns: int) -> None:
        """Take the registration back, then be off."""
        self._again = False
        self._layer.timers.arm(self, NEVER)
        self._keepalive.stop()
        self._do(STOP, now_ns)

    def change(self, account: Account, now_ns: int) -> None:
        """The same address of record by other means: what is registered is refreshed at once."""
        if account.credentials != self.account.credentials:
            self._digest = DigestClient(account.credentials) if account.credentials else None
        self.account = account
        self._targets = account.targets
        self._expires_s = min(max(account.expires_s, 1), EXPIRES_S_MAX)
        if self.state in {REGISTERED, FAILED, DENIED}:
            self._failures = self._denials = 0
            self.tick(now_ns)
        elif self.state == LEAVING:
            self._again = True

    def address(self) -> tuple[str, str, str, str]:
        """What may not change while it is registered."""
        account = self.account
        return account.aor, account.registrar, self._user, account.instance

    def tick(self, now_ns: int) -> None:
        """Time to refresh, or to try again."""
        self._layer.timers.arm(self, NEVER)
        self._do(DUE, now_ns)

    def shown(self) -> Registration:
        """The present state."""
        waiting = self.state in {FAILED, DENIED}
        return Registration(
            account=self.account.name,
            state=SHOWN[self.state],
            code=self._code,
            reason=self._reason,
            expires_s=self.granted_s,
            retry_s=self._retry_s if waiting else 0,
            target=self._targets[0],
            service_route=self.service_route,
            aliases=self.aliases,
        )

    def _tell(self) -> None:
        self._layer.out.append(self.shown())

    def _do(self, event: int, now_ns: int, more: int = 0) -> None:
        """Take the transition, and do what it asks for, and `more`."""
        self.state, actions = ROWS[self.state][event]
        actions |= more
        if actions & TELL:
            self._tell()
        if actions & REGISTER:
            self._register(self._expires_s, now_ns)
        if actions & REMOVE:
            self._register(0, now_ns)
        if actions & REFRESH:
            self._layer.timers.arm(self, now_ns + self._refresh_ns())
        if actions & BACK_OFF:
            self._layer.timers.arm(self, now_ns + self._retry_s * SECOND)
        if actions & FORGET and self._again:
            self._again = False
            self.begin(now_ns)
        elif actions & FORGET:
            self._forget(self)

    # sending

    def _register(self, expires_s: int, now_ns: int) -> None:
        account = self.account
        self._removing = expires_s == 0
        params = f';+sip.instance="<{account.instance}>"' if account.instance else ""
        params += f";expires={expires_s}"
        contact, targets = "", self._targets
        if self._learned:
            contact = f"<{self._learned}>{params}"
            if self._bound != self._learned and expires_s:
                contact += f", <{self._bound}>;expires=0"  # the address it replaces
            targets = targets[:1]  # it was learned from this one
        self._cseq += 1
        ask = Ask(
            0,
            "REGISTER",
            targets,
            account.registrar,
            account.aor,
            account.aor,
            self._call_id,
            self._cseq,
            (("Expires", str(expires_s)), ("Supported", "path")),
            contact_user=self._user,
            contact_params=params,
            contact=contact,
            routes=account.routes,
            wait_s=_WAIT_S if len(targets) > 1 else TIMEOUT // SECOND,
        )
        self._ask(ask, now_ns, self, self._digest)

    def _uri(self, target: Address) -> str:
        """The Contact URI that we register at a target."""
        if self._learned:
            return self._learned
        line = self._layer.identities[target[2]].contact_of(self._user)
        return line[line.index(b"<") + 1 : line.rindex(b">")].decode()

    # the answers

    def on_told(self, told: Told, now_ns: int) -> None:
        """The registrar's answer, or that there is none."""
        self._cseq = max(told.cseq, self._cseq)
        self._code, self._reason = told.code, told.phrase
        if self.state == LEAVING and self._removing:
            self._do(STOPPED, now_ns)
        elif 200 <= told.code < 300:
            self._on_grant(told, now_ns)
        elif told.code == 423 and self._brief < BRIEF_MAX and self._lengthen(told):
            self._brief += 1
            self._do(BRIEF, now_ns)
        else:
            self._on_failure(told, now_ns)

    def _on_grant(self, told: Told, now_ns: int) -> None:
        if self._learn(told):
            self._do(LEARN, now_ns)
            return
        self._bound = self._uri(told.target)
        granted_s = self._expiry(told)
        if granted_s <= 0:
            self._reason = "the registrar does not keep it"
            self._on_failure(told, now_ns)
            return
        at = self._targets.index(told.target) if told.target in self._targets else 0
        self._targets = self._targets[at:] + self._targets[:at]
        self._brief = self._learns = self._denials = self._failures = 0
        routes = [e for v in told.values("Service-Route") for e in elements(v)][:ROUTES_MAX]
        aliases = [e for v in told.values("P-Associated-URI") for e in elements(v)][:ROUTES_MAX]
        before = self.granted_s, self.service_route, self.aliases
        self.granted_s = granted_s
        self.service_route, self.aliases = tuple(routes), tuple(aliases)
        changed = before != (self.granted_s, self.service_route, self.aliases)
        if self.state != LEAVING:
            self._keepalive.begin(told.target, now_ns)
        self._do(GRANT, now_ns, TELL if changed and self.state != LEAVING else 0)

    def _learn(self, told: Told) -> bool:
        """Whether the registrar sees us elsewhere than we said, and that is to be registered."""
        seen, identity = told.seen_at, self._layer.identities[told.target[2]]
        if not self.account.learn or self.state == LEAVING or seen is None or identity.reliable:
            return False
        at = f"{self._user}@" if self._user else ""
        uri = f"sip:{at}{bracketed(seen[0])}:{seen[1]}{identity.params.decode()}"
        present = self._uri(told.target)
        if same_uri(uri, present) or self._learns >= LEARNS_MAX:
            return False
        try:
            parse(text(uri, "received"))
        except SipError:
            return False
        self._learns += 1
        self._bound, self._learned = present, uri
        return True

    def _expiry(self, told: Told) -> int:
        """How long we are registered: our Contact's, else the answer's, else what we asked for."""
        try:
            listed = contacts(told.values("Contact"))
        except SipError:
            listed = []
        ours = [c for c in listed if same_uri(c.uri, self._bound)]
        # A border controller may list us by an address of its own.
        for contact in ours or listed[:1]:
            if contact.expires_s >= 0:
                return contact.expires_s
        for value in told.values("Expires"):
            return seconds(value)
        return self._expires_s

    def _lengthen(self, told: Told) -> bool:
        """10.2.8: ask for as long as the registrar wants at least."""
        least = max((seconds(value) for value in told.values("Min-Expires")), default=0)
        if not self._expires_s < least <= EXPIRES_S_MAX:
            return False
        self._expires_s = least
        return True

    def _on_failure(self, told: Told, now_ns: int) -> None:
        """Refused, or nobody there: later again."""
        denied = told.code in DENIALS
        self._failures += 1
        self._denials = self._denials + 1 if denied else 0
        self._brief = self._learns = 0
        self._learned = ""
        self._retry_s = self._wait_s(told)
        self.granted_s = 0
        self._keepalive.stop()
        self._do(DENY if denied else FAIL, now_ns)

    def _wait_s(self, told: Told) -> int:
        """RFC 5626 section 4.5: half to all of a bound that doubles; or what the registrar says."""
        if self._denials >= DENIALS_MAX:
            least_s, most_s = DENIED_REST_S, DENIED_REST_S * 5 // 4
        elif told.retry_after_s:
            least_s = min(told.retry_after_s, DENIED_REST_S)
            most_s = least_s * 5 // 4
        else:
            most_s = max(self.account.retry_s, 1) << min(self._failures, 12)
            most_s = min(most_s, BACKOFF_S_MAX)
            least_s = most_s // 2
        return least_s + int((most_s - least_s + 1) * self._layer.rng.random())

    def _refresh_ns(self) -> int:
        """Half of the time at the earliest, and so that two silent targets fit before the end."""
        half_s = self.granted_s / 2
        latest_s = max(half_s, self.granted_s - REFRESH_EARLY_S)
        wait_s = half_s + (latest_s - half_s) * (0.8 + 0.2 * self._layer.rng.random())
        return int(max(wait_s, REFRESH_S_MIN) * SECOND)
