"""The SIP stack that a configuration asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dialerd.config import Config
from dialerd.config.sip_tables import Listen, Side, Trace
from dialerd.shell.sip_stack import Bind, DnsSettings, StackSettings
from dialerd.shell.tracing import TraceSettings
from sip.accounts.digest_server import User, user
from sip.accounts.registrar import Phones
from sip.transport.io_tls import TlsOptions


def stack_settings(config: Config) -> StackSettings:
    """What the configuration says of the SIP stack. OSError: a file it names."""
    sip = config.sip
    first = Bind(sip.bind, sip.port, advertised=sip.advertised, named="[sip] port")
    return StackSettings(
        binds=(first, *(_bind(number, one) for number, one in enumerate(sip.listen, 1))),
        user_agent=sip.user_agent,
        trace=_trace(config.trace),
        phones=phones_of(config),
        sources={trunk.name: trunk.sources for trunk in config.trunk},
        dns=dns_settings(config),
    )


def dns_settings(config: Config) -> DnsSettings:
    """What the configuration says of name servers."""
    dns = config.sip.dns
    return DnsSettings(dns.places, dns.timeout_ms, dns.penalty_s)


def _bind(number: int, listen: Listen) -> Bind:
    clients: Literal["ask", "ignore"] = "ask" if listen.ca else "ignore"
    tls = TlsOptions(listen.certificate, listen.key, listen.ca, clients)
    return Bind(
        listen.bind,
        listen.port_now,
        listen.transport.value,
        listen.side.value,
        listen.advertised,
        tls,
        f"[[sip.listen]] number {number} port",
    )


def _trace(trace: Trace) -> TraceSettings | None:
    if not trace.enabled:
        return None
    return TraceSettings(
        bytes_max=trace.memory_mib << 20,
        calls_max=trace.calls_max,
        keep_s=trace.keep_s,
        homer=(trace.hep_host, trace.hep_port) if trace.hep_host else None,
        homer_agent=trace.hep_id,
        homer_key=trace.hep_key,
    )


def phones_of(config: Config) -> Phones | None:
    """The accounts of telephones; None when no socket is theirs. OSError: the file it names."""
    if not any(listen.side is Side.PHONE for listen in config.sip.listen):
        return None
    phones = config.phones
    users = dict(_read_users(phones.users, phones.realm)) if phones.users else {}
    for one in phones.user:
        ha1 = {"MD5": one.ha1, "SHA-256": one.ha1_sha256}
        known = {name: value.lower() for name, value in ha1.items() if value}
        made = user(one.name, phones.realm, one.password)
        users[one.name] = User(one.name, known) if known else made
    return Phones(
        realm=phones.realm,
        users=users,
        expires_s_min=phones.expires_min_s,
        expires_s_max=phones.expires_max_s,
        contacts_max=phones.contacts_max,
    )


def _read_users(path: Path, realm: str) -> list[tuple[str, User]]:
    """Accounts of the realm in a file as htdigest writes it: name:realm:MD5."""
    found = []
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        where, _, ha1 = rest.partition(":")
        if where == realm and ha1:
            found.append((name, User(name, {"MD5": ha1.strip().lower()})))
    return found
