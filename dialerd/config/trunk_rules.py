"""What must hold inside of a `[[trunk]]`, and between it and the rest of the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from dialerd.config.schema import Config
from dialerd.config.secrets import opened, password_file_rules
from dialerd.config.sip_rules import At, is_address, is_loopback
from dialerd.config.sip_tables import Side
from dialerd.config.trunk import Trunk, TrunkTransport
from dialerd.config.trunk_tables import PORTS_MAX, Plan, Ports, PortsBy
from dialerd.core.records import Outcome
from dialerd.core.templates import Template, TemplateError
from dialerd.toml_faults import Fault, nearest

FIELDS: Final = ("caller_id", "account", "number", "domain", "local", "port")
# Identity headers: one name-addr, as RFC 3325 section 9 wants them.
_NAME_ADDR: Final = re.compile(r'\A("[^"\\]*" ?)?<(sips?|tel):[^<>"\s]+>\Z')
_ACCOUNT: Final = re.compile(r"\A[A-Za-z0-9._+~*!&=$-]{1,64}\Z")
_SAMPLE: Final = {"caller_id": "+84281", "account": "84281", "number": "+84912", "port": "1"}
# Those that the stack, or another key of ours, writes itself.
_OURS: Final = re.compile(
    r"via|v|from|f|to|t|call-id|i|cseq|contact|m|max-forwards|content-\w+|l|c|e|route|record-route|"
    r"(proxy-)?authorization|allow|user-agent|(proxy-)?require|supported|k|session-expires|x|min-se|"
    r"p-asserted-identity|p-preferred-identity|privacy|rack|rseq",
    re.IGNORECASE,
)
_NEVER: Final = (
    Outcome.ANSWERED, Outcome.CANCELLED, Outcome.INTERRUPTED, Outcome.MEDIA_TIMEOUT,
    Outcome.TOO_LONG,
)  # fmt: skip


def trunk_rules(config: Config, *, secrets: bool) -> Iterator[Fault]:
    """Every trunk by itself, and all of them against the rest of the file."""
    seen: dict[str, int] = {}
    known = carrier_names(config.numbering.plan)
    for index, trunk in enumerate(config.trunk):
        at: At = ("trunk", index)
        if trunk.name in seen:
            yield Fault(
                (*at, "name"),
                f"two trunks are named {trunk.name!r}",
                f"the other is [[trunk]] number {seen[trunk.name] + 1}",
            )
        seen.setdefault(trunk.name, index)
        yield from _account_rules(trunk, at, secrets=secrets)
        yield from _reach_rules(config, trunk, at)
        yield from _template_rules(trunk, at)
        yield from _map_rules(trunk, at)
        yield from _port_rules(trunk, at)
        yield from _carrier_rules(trunk, at, known)


def _account_rules(trunk: Trunk, at: At, *, secrets: bool) -> Iterator[Fault]:
    if trunk.password and trunk.password_file is not None:
        text = "password and password_file are both set"
        yield Fault((*at, "password_file"), text, "remove one of them")
    has_password = bool(trunk.password) or trunk.password_file is not None
    if has_password and not trunk.username:
        yield Fault((*at, "password"), "a password without a username", "set username")
    if secrets and trunk.username and not has_password:
        yield Fault(
            (*at, "username"),
            "a username without a password",
            "set password or password_file; a carrier that knows us by address needs neither",
        )
    if trunk.auth_name and not trunk.username:
        yield Fault((*at, "auth_name"), "auth_name without a username", "set username")
    if trunk.register and not trunk.username:
        yield Fault((*at, "register"), "only an account can be registered", "set username")
    if trunk.password_file is not None:
        yield from password_file_rules(trunk.password_file, (*at, "password_file"))


def _reach_rules(config: Config, trunk: Trunk, at: At) -> Iterator[Fault]:
    if trunk.loopback and not is_loopback(trunk.host):
        yield Fault(
            (*at, "host"),
            f"a loopback trunk must have a loopback address, not {trunk.host}",
            "use 127.0.0.1, or remove loopback = true",
        )
    sip = config.sip
    here = {sip.bind, sip.advertised}
    if sip.bind in {"0.0.0.0", "::"}:  # noqa: S104
        here |= {"127.0.0.1", "::1"}
    if trunk.port_now == sip.port and trunk.host in here:
        yield Fault(
            (*at, "port" if trunk.port else "host"),
            f"this trunk leads to dialerd's own socket, {trunk.host}:{trunk.port_now}",
            "give the carrier's port, or move [sip] port",
        )
    kinds = {listen.transport.value for listen in sip.listen if listen.side is Side.TRUNK}
    said = trunk.transport not in {TrunkTransport.AUTO, TrunkTransport.UDP}
    if said and trunk.transport.value not in kinds:
        yield Fault(
            (*at, "transport"),
            f"no socket of ours speaks {trunk.transport}",
            f'add [[sip.listen]] with transport = "{trunk.transport}"',
        )
    if trunk.udp_1300 and TrunkTransport.TCP.value not in kinds:
        yield Fault(
            (*at, "udp_1300"),
            "no socket of ours speaks tcp",
            'add [[sip.listen]] with transport = "tcp"',
        )
    if trunk.advertised and not is_address(trunk.advertised):
        yield Fault((*at, "advertised"), f"{trunk.advertised!r} is no IP address")
    if len(set(trunk.codecs)) != len(trunk.codecs):
        yield Fault((*at, "codecs"), "a codec stands twice")
    for place, network in enumerate(trunk.sources):
        try:
            ip_network(network, strict=False)
        except ValueError:
            text = f"{network!r} is no network"
            yield Fault((*at, "sources", place), text, 'such as "203.0.113.0/24"')


def _template_rules(trunk: Trunk, at: At) -> Iterator[Fault]:
    texts: dict[At, str] = {
        (name,): getattr(trunk, name)
        for name in (
            "from_user",
            "from_display",
            "asserted_identity",
            "preferred_identity",
            "contact_user",
        )
    }
    texts |= {("headers", name): text for name, text in trunk.headers.items()}
    for place, text in texts.items():
        try:
            template = Template(text, FIELDS)
        except TemplateError as error:
            yield Fault((*at, *place), f"{place[-1]!r}: {error}")
            continue
        if "account" in template.fields and not _ACCOUNT.match(trunk.username):
            said = (
                "the username cannot stand in a URI" if trunk.username else "there is no username"
            )
            yield Fault((*at, *place), f"{{account}} is used, but {said}")
        if "port" in template.fields and not trunk.ports:
            yield Fault((*at, *place), "{port} is used, but there is no [[trunk.ports]]")
        identity = place[0] in {"asserted_identity", "preferred_identity"}
        if identity and text and (place[0], text) != ("asserted_identity", "none"):
            filled = template.fill(_SAMPLE | {"domain": "a.example", "local": "192.0.2.1"})
            if not _NAME_ADDR.match(filled):
                hint = 'such as "<sip:{caller_id}@{domain}>"'
                yield Fault((*at, *place), "not an address in angle brackets", hint)
    for name in trunk.headers:
        if _OURS.fullmatch(name):
            text = f"dialerd itself writes the header {name}"
            yield Fault((*at, "headers", name), text, key=True)


def _map_rules(trunk: Trunk, at: At) -> Iterator[Fault]:
    for index, rule in enumerate(trunk.outcome):
        where: At = (*at, "outcome", index)
        if not (rule.code or rule.q850 or rule.phrase) and rule.early_media is None:
            text = "this rule would fit every answer"
            yield Fault(where, text, "set code, q850, phrase or early_media", key=True)
        if 0 < rule.code < 300:
            text = "only a refusal can be mapped"
            yield Fault((*where, "code"), text, "a status from 300 to 699")
        if rule.outcome in _NEVER:
            names = [str(one) for one in Outcome if one not in _NEVER]
            text = f"no answer of a carrier means {rule.outcome}"
            yield Fault((*where, "outcome"), text, f"known values: {', '.join(names)}")
    yield from _twice((rule.to for rule in trunk.dial), (*at, "dial"), "to")
    yield from _twice((rule.begins for rule in trunk.incoming), (*at, "incoming"), "begins")
    yield from plan_rules(trunk.plan, (*at, "plan"))


def _twice(keys: Iterable[str], at: At, name: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield Fault((*at, index, name), f"{key!r} has a rule already")
        seen.add(key)


def plan_rules(plan: Plan, at: At) -> Iterator[Fault]:
    """What must hold between the keys of a plan."""
    if plan.cut_before_paid and not plan.free_s:
        text = "nothing of a call is free"
        yield Fault((*at, "cut_before_paid"), text, "set free_s, or call_s_max")
    if plan.since is not None and plan.until is not None and plan.until < plan.since:
        yield Fault((*at, "until"), "the balance ends before it begins", f"since is {plan.since}")


def _port_rules(trunk: Trunk, at: At) -> Iterator[Fault]:
    if trunk.ports_by is not PortsBy.NONE and not trunk.ports:
        text = "there are no ports to ask for"
        yield Fault((*at, "ports_by"), text, "add [[trunk.ports]]")
    if trunk.ports_by is PortsBy.HEADER and _OURS.fullmatch(trunk.port_header):
        text = f"dialerd itself writes the header {trunk.port_header}"
        yield Fault((*at, "port_header"), text)
    seen: set[str] = set()
    for index, group in enumerate(trunk.ports):
        yield from _group_rules(group, (*at, "ports", index), seen)
    if len(seen) > PORTS_MAX:
        yield Fault((*at, "ports"), f"more than {PORTS_MAX} ports", key=True)


def _group_rules(group: Ports, at: At, seen: set[str]) -> Iterator[Fault]:
    try:
        labels = group.labels()
    except ValueError as error:
        yield Fault((*at, "numbers"), str(error))
        labels = []
    for label in labels:
        if label in seen:
            yield Fault((*at, "numbers"), f"port {label} stands twice")
            break
        seen.add(label)
    try:
        Template(group.address, ("port",))
    except TemplateError as error:
        yield Fault((*at, "address"), f"'address': {error}")
    yield from plan_rules(group.plan, (*at, "plan"))


def _carrier_rules(trunk: Trunk, at: At, known: list[str]) -> Iterator[Fault]:
    """A plan that knows the carriers that a trunk or a port is for."""
    named: list[tuple[At, str]] = [
        ((*at, "carriers", place), name) for place, name in enumerate(trunk.carriers)
    ]
    for index, group in enumerate(trunk.ports):
        where: At = (*at, "ports", index, "carriers")
        named += [((*where, place), name) for place, name in enumerate(group.carriers)]
    for place_of, name in named:
        if known and name not in known:
            text = f"the numbering plan has no carrier {name!r}"
            yield Fault(place_of, text, nearest(name, known, "carriers"))


def carrier_names(plan: Path) -> list[str]:
    """Names in a numbering plan; none when it cannot be read, for whoever needs it will say so."""
    try:
        with opened(plan) as file:
            found = tomllib.load(file)["mobile"]["carrier"]
        return [str(carrier["name"]) for carrier in found]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
