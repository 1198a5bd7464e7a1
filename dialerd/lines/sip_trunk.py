"""A SIP trunk as it is configured, and what of its INVITE is the same for every call.

Templates (`dialerd.core.templates`) are bound once to what never changes; a call fills in the
number, the caller id and the port. Whatever a call brings is checked here, so that nothing can
break out of its line.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, Literal

import msgspec

from dialerd.core.effects import Dial
from dialerd.core.keys import Dtmf
from dialerd.core.templates import Template
from dialerd.lines.outcome_map import OutcomeMap, Rule
from dialerd.lines.rewriting import Rewrite, Rewrites, dialed, told
from sip.accounts.auth import Credentials
from sip.events import Address
from sip.transport.local import PORTS, bracketed

FIELDS: Final = ("caller_id", "account", "number", "domain", "local", "port")
ANONYMOUS: Final = "anonymous"
_USER: Final = re.compile(r"\A[A-Za-z0-9_.!~*'()+-]{1,64}\Z")
_NOT_IN_USER: Final = re.compile(r"[^A-Za-z0-9_.!~*'()&=+$,;?/-]")  # RFC 3261 section 25.1


class SipTrunk(msgspec.Struct, frozen=True):
    """How to speak to one trunk. Where a name leads is the shell's to know.

    Attributes:
        host, port: what stands in the request URI and To where there is no `domain`; port 0: none.
        targets: where its requests go, best first; empty: `host` on the first transport, when it is
            an address.
        from_user, from_display, asserted, preferred, contact_user, headers: templates.
        asserted: "" is the caller id where From shows another, "none" is never.
        port_addresses: what addresses each port of a gateway, by the port's name.
        advertised: our address in its SDP.
        rules: its own outcome map.
    """

    name: str
    host: str
    port: int
    targets: tuple[Address, ...] = ()
    kind: str = "sip"
    domain: str = ""
    account: str = ""
    from_user: str = ""
    from_domain: str = ""
    from_display: str = ""
    asserted: str = ""
    preferred: str = ""
    privacy: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    contact_user: str = ""
    caller_id: str = ""
    credentials: Credentials | None = None
    codecs: tuple[int, ...] = (0, 8)
    number_format: str = "e164"  # e164 (+84…), digits (84…), national (0…)
    dial: tuple[Rewrite, ...] = ()
    incoming: tuple[Rewrite, ...] = ()
    ports_by: Literal["none", "prefix", "user", "header"] = "none"
    port_header: str = "X-Port"
    port_addresses: dict[str, str] = {}
    advertised: str = ""
    dtmf: Dtmf = Dtmf.AUTO
    srtp: Literal["off", "offered", "required"] = "off"
    rtcp_mux: bool = False
    rel100: Literal["off", "supported", "required"] = "off"
    session_s: int = 0
    min_se_s: int = 0
    silence_s: int = 0
    large_by_tcp: bool = False
    sources: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


class Wording(msgspec.Struct, frozen=True):
    """What one INVITE says, but for its Call-ID, media and credentials."""

    request_uri: str
    to_uri: str
    from_uri: str
    display: str
    contact_user: str
    headers: tuple[tuple[str, str], ...]


class Line:
    """One trunk, prepared."""

    __slots__ = (
        "_asserted", "_at", "_contact", "_dial", "_display", "_from_user", "_headers", "_incoming",
        "_preferred", "_shown_domain", "map", "spec", "targets",
    )  # fmt: skip

    def __init__(self, spec: SipTrunk, local_host: str) -> None:
        """`local_host` is what our own From shows when the trunk names no domain.

        Raises:
            TemplateError: a template that cannot be used.
        """
        self.spec = spec
        self.targets = spec.targets or _itself(spec)
        self.map = OutcomeMap(spec.rules, spec.kind)
        local = bracketed(local_host)
        self._shown_domain = spec.from_domain or local
        self._at = spec.domain or bracketed(spec.host) + (f":{spec.port}" if spec.port else "")
        constants = {
            "account": spec.account,
            "domain": spec.domain or spec.from_domain or bracketed(spec.host),
            "local": local,
        }

        def template(text: str) -> Template:
            return Template(text, FIELDS).bound(constants)

        self._from_user = template(spec.from_user)
        self._display = template(spec.from_display)
        self._asserted = template("" if spec.asserted == "none" else spec.asserted)
        self._preferred = template(spec.preferred)
        self._contact = template(spec.contact_user or in_user(spec.account))
        self._headers = tuple((name, template(text)) for name, text in spec.headers)
        self._dial = Rewrites(spec.dial)
        self._incoming = Rewrites(spec.incoming)

    def wording(self, effect: Dial) -> Wording:
        """The INVITE of a dial."""
        spec = self.spec
        number = dialed(effect.number, spec.number_format, self._dial)
        caller = effect.caller_id or spec.caller_id
        known = bool(caller) and _USER.match(caller) is not None
        values = {"number": in_user(number), "port": effect.port, "caller_id": ANONYMOUS}
        if known:
            values["caller_id"] = caller
        elif not caller and not self._from_user.fields and self._from_user:
            values["caller_id"] = self._from_user.fill(values)
        caller = values["caller_id"]
        from_user = self._from_user.fill(values) if self._from_user else caller
        address = in_user(spec.port_addresses.get(effect.port, ""))
        called = values["number"]
        user = called
        if address and spec.ports_by == "prefix":
            user = address + called
        elif address and spec.ports_by == "user":
            user = address
        display = caller if from_user != caller else ""
        if self._display:
            display = self._display.fill(values)
        if effect.caller_name and from_user != ANONYMOUS:
            display = effect.caller_name
        return Wording(
            f"sip:{user}@{self._at}",
            f"sip:{called if spec.ports_by == 'user' else user}@{self._at}",
            f"sip:{from_user}@{self._shown_domain}",
            display,
            self._contact.fill(values),
            self._lines(values, from_user, address),
        )

    def _lines(
        self, values: dict[str, str], from_user: str, address: str
    ) -> tuple[tuple[str, str], ...]:
        """Where From must be the account, the caller id goes to P-Asserted-Identity (RFC 3325)."""
        spec, caller = self.spec, values["caller_id"]
        lines = []
        if self._asserted:
            lines.append(("P-Asserted-Identity", self._asserted.fill(values)))
        elif not spec.asserted and not self._preferred and caller not in {from_user, ANONYMOUS}:
            lines.append(("P-Asserted-Identity", f"<sip:{caller}@{self._shown_domain}>"))
        if self._preferred:
            lines.append(("P-Preferred-Identity", self._preferred.fill(values)))
        if spec.privacy:
            lines.append(("Privacy", spec.privacy))
        if address and spec.ports_by == "header":
            lines.append((spec.port_header, address))
        lines += [(name, template.fill(values)) for name, template in self._headers]
        return tuple(lines)

    def told(self, text: str) -> str:
        """A number that the carrier tells, as E.164 digits; "" when it is none."""
        return told(text, self._incoming)


def _itself(spec: SipTrunk) -> tuple[Address, ...]:
    """The host as a target; a name is none."""
    try:
        address = ip_address(spec.host.strip("[]"))
    except ValueError:
        return ()
    return ((str(address), spec.port or PORTS["udp"], 0),)


def in_user(text: str) -> str:
    """A text as the user part of a URI: what may not stand there is escaped (# is %23)."""
    return _NOT_IN_USER.sub(lambda match: "".join(f"%{b:02X}" for b in match[0].encode()), text)
