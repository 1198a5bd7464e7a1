"""What must hold between the sockets of SIP, their certificates, and the accounts of telephones."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from dialerd.config.keys import host_and_port
from dialerd.config.schema import Admin, Config
from dialerd.config.secrets import opened, password_file_rules
from dialerd.config.sip_tables import Listen, Phone, Side, Transport
from dialerd.toml_faults import Fault

At = tuple[str | int, ...]


def is_address(host: str) -> bool:
    """Whether it is a numeric IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether it can only be this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_wildcard(host: str) -> bool:
    return is_address(host) and ip_address(host).is_unspecified


def sip_rules(config: Config) -> Iterator[Fault]:
    """Sockets, name servers, telephones."""
    sip = config.sip
    yield from _bind_rules(("sip",), sip.bind, sip.advertised)
    yield from _media_rules(config, ("sip", "port"), sip.bind, sip.port)
    taken: dict[tuple[str, str, int], str] = {("udp", sip.bind, sip.port): "[sip]"}
    for index, listen in enumerate(sip.listen):
        at: At = ("sip", "listen", index)
        yield from _bind_rules(at, listen.bind, listen.advertised)
        kind = "udp" if listen.transport is Transport.UDP else "tcp"
        socket = (kind, listen.bind, listen.port_now)
        if socket in taken:
            text = f"{taken[socket]} has {listen.bind}:{listen.port_now} already"
            yield Fault((*at, "port"), text, "give each socket its own port")
        taken.setdefault(socket, f"[[sip.listen]] number {index + 1}")
        if listen.transport is Transport.UDP:
            yield from _media_rules(config, (*at, "port"), listen.bind, listen.port_now)
        yield from _tls_rules(listen, at)
    for index, server in enumerate(sip.dns.servers):
        try:
            known = is_address(host_and_port(server, 53)[0])
        except ValueError:
            known = False
        if not known:
            text = f"{server!r} is no IP address"
            yield Fault(("sip", "dns", "servers", index), text, 'such as "192.0.2.53:5353"')
    yield from _phone_rules(config)


def _media_rules(config: Config, at: At, bind: str, port: int) -> Iterator[Fault]:
    """A call's audio would take the socket of SIP, or fail to, once in some thousand calls."""
    media = config.media
    family = (":" in bind) == (":" in media.bind)
    shared = media.bind == bind or _is_wildcard(bind) or _is_wildcard(media.bind)
    if family and shared and media.port_low <= port <= media.port_high:
        text = f"the SIP port lies inside the RTP port range {media.port_low}-{media.port_high}"
        yield Fault(at, text, "move it, or port_low and port_high of [media]")


def _bind_rules(at: At, bind: str, advertised: str) -> Iterator[Fault]:
    table = "[sip]" if len(at) == 1 else "this table"
    if not is_address(bind):
        text = f"{bind!r} is no IP address"
        yield Fault((*at, "bind"), text, "an address of this machine")
    elif _is_wildcard(bind) and not advertised:
        yield Fault(
            (*at, "bind"),
            f"binding to {bind} leaves no address to show to peers",
            f"set advertised of {table} to the address that the peers reach",
        )


def _tls_rules(listen: Listen, at: At) -> Iterator[Fault]:
    files = {"certificate": listen.certificate, "key": listen.key, "ca": listen.ca}
    if listen.transport is not Transport.TLS:
        for name, path in files.items():
            if path is not None:
                yield Fault((*at, name), f"{name} means something with transport tls only")
        return
    if listen.certificate is None and listen.side is Side.PHONE:
        yield Fault(at, "telephones over TLS need a certificate and a key", key=True)
    yield from pair_rules(listen, at)
    if listen.ca is not None:
        yield from _file_rules(listen.ca, (*at, "ca"), private=False)


def pair_rules(section: Listen | Admin, at: At) -> Iterator[Fault]:
    """A certificate and its key: both or neither, and readable."""
    certificate, key = section.certificate, section.key
    if (certificate is None) != (key is None):
        has, needs = ("key", "certificate") if certificate is None else ("certificate", "key")
        yield Fault((*at, has), f"a {has} without a {needs}")
    if certificate is not None:
        yield from _file_rules(certificate, (*at, "certificate"), private=False)
    if key is not None:
        yield from _file_rules(key, (*at, "key"), private=True)


def _file_rules(path: Path, at: At, *, private: bool) -> Iterator[Fault]:
    try:
        mode = path.stat().st_mode
        opened(path).close()
    except OSError as error:
        yield Fault(at, f"cannot read {path}: {error.strerror or error}")
        return
    if private and mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Fault(at, f"everybody on this machine can read {path}", f"chmod 600 {path}")


def _phone_rules(config: Config) -> Iterator[Fault]:
    phones = config.phones
    if phones.expires_max_s < phones.expires_min_s:
        text = "expires_max_s must not be below expires_min_s"
        yield Fault(("phones", "expires_max_s"), text, f"that is {phones.expires_min_s}")
    if phones.users is not None:
        yield from _file_rules(phones.users, ("phones", "users"), private=True)
    seen: set[str] = set()
    for index, phone in enumerate(phones.user):
        at: At = ("phones", "user", index)
        if phone.name in seen:
            yield Fault((*at, "name"), f"two telephones are named {phone.name!r}")
        seen.add(phone.name)
        yield from _account_rules(phone, at)


def _account_rules(phone: Phone, at: At) -> Iterator[Fault]:
    if phone.password and phone.password_file is not None:
        text = "password and password_file are both set"
        yield Fault((*at, "password_file"), text, "remove one of them")
    if phone.password_file is not None:
        yield from password_file_rules(phone.password_file, (*at, "password_file"))
