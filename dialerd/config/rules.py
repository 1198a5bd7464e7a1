"""What must hold between the values of a configuration, beyond each value by itself."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta, timezone, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dialerd.config.schema import Config, Trunk
from dialerd.toml_faults import Fault, nearest

SECRET_BYTES_MAX: Final = 4096
UNIX_PATH_BYTES_MAX: Final = 107  # sun_path of unix(7), less its NUL
_OFFSET: Final = re.compile(r"^([+-])(\d{2}):(\d{2})$(?!\n)")


def parse_zone(text: str) -> tzinfo:
    """A zone from `+07:00` or a name of the time zone database; ValueError otherwise."""
    if (match := _OFFSET.match(text)) is not None:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes >= 24 * 60 or int(match[3]) > 59:
            raise ValueError(f"no such offset: {text}")
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes), text)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone: {text!r}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def rules(config: Config) -> Iterator[Fault]:
    """What must hold between values."""
    media = config.media
    if media.port_high <= media.port_low:
        yield Fault(
            ("media", "port_high"),
            "port_high must be above port_low",
            f"port_low is {media.port_low}",
        )
    if media.bind == config.sip.bind and media.port_low <= config.sip.port <= media.port_high:
        yield Fault(
            ("sip", "port"), "the SIP port lies inside the RTP port range", "move one of them"
        )
    if config.sip.bind in {"0.0.0.0", "::"} and not config.sip.advertised:  # noqa: S104
        yield Fault(
            ("sip", "bind"),
            f"binding to {config.sip.bind} leaves no address to show to peers",
            "set [sip] advertised to the address that the carriers reach",
        )
    for table, bind in (("sip", config.sip.bind), ("media", media.bind)):
        if not _is_address(bind):
            yield Fault((table, "bind"), f"{bind!r} is no IP address", "an address of this machine")
    if config.admin.enabled and not _is_loopback(config.admin.bind):
        yield Fault(
            ("admin", "bind"),
            "plain HTTP is served on loopback only",
            "use 127.0.0.1 and put a TLS proxy in front",
        )
    if len(os.fsencode(config.control.socket)) > UNIX_PATH_BYTES_MAX:
        yield Fault(
            ("control", "socket"),
            f"the path is longer than {UNIX_PATH_BYTES_MAX} bytes",
            "use a shorter folder",
        )
    try:
        parse_zone(config.dialing.zone)
    except ValueError as error:
        yield Fault(
            ("dialing", "zone"),
            str(error),
            'an offset such as "+07:00", or a name such as "Asia/Ho_Chi_Minh"',
        )
    if not config.numbering.plan.is_file():
        yield Fault(("numbering", "plan"), f"there is no file {config.numbering.plan}")
    if not media.prompts.is_dir():
        yield Fault(("media", "prompts"), f"there is no folder {media.prompts}")
    yield from _trunk_rules(config.trunk)
    yield from _line_rules(config)


def _trunk_rules(trunks: Iterable[Trunk]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, trunk in enumerate(trunks):
        at = ("trunk", index)
        if trunk.name in seen:
            first = seen[trunk.name] + 1
            yield Fault(
                (*at, "name"),
                f"two trunks are named {trunk.name!r}",
                f"the other is [[trunk]] number {first}",
            )
        seen.setdefault(trunk.name, index)
        if trunk.loopback and not _is_loopback(trunk.host):
            yield Fault(
                (*at, "host"),
                f"a loopback trunk must have a loopback address, not {trunk.host}",
                "use 127.0.0.1, or remove loopback = true",
            )
        if trunk.password and trunk.password_file is not None:
            yield Fault(
                (*at, "password_file"),
                "password and password_file are both set",
                "remove one of them",
            )
        if (trunk.password or trunk.password_file is not None) and not trunk.username:
            yield Fault((*at, "password"), "a password without a username", "set username")
        if len(set(trunk.codecs)) != len(trunk.codecs):
            yield Fault((*at, "codecs"), "a codec stands twice")
        if trunk.password_file is not None:
            yield from _password_file_rules(trunk.password_file, (*at, "password_file"))


def _line_rules(config: Config) -> Iterator[Fault]:
    """Trunks against the rest of the file: a plan that knows their carriers, and not ourselves."""
    known = _carriers(config.numbering.plan)
    here = {config.sip.bind, config.sip.advertised}
    if config.sip.bind in {"0.0.0.0", "::"}:  # noqa: S104
        here |= {"127.0.0.1", "::1"}
    for index, trunk in enumerate(config.trunk):
        if trunk.port == config.sip.port and trunk.host in here:
            yield Fault(
                ("trunk", index, "port"),
                f"this trunk leads to dialerd's own socket, {trunk.host}:{trunk.port}",
                "give the carrier's port, or move [sip] port",
            )
        for at, carrier in enumerate(trunk.carriers):
            if known and carrier not in known:
                yield Fault(
                    ("trunk", index, "carriers", at),
                    f"the numbering plan has no carrier {carrier!r}",
                    nearest(carrier, known, "carriers"),
                )


def _carriers(plan: Path) -> list[str]:
    """Names in a numbering plan; none when it cannot be read, for whoever needs it will say so."""
    try:
        with plan.open("rb") as file:
            found = tomllib.load(file)["mobile"]["carrier"]
        return [str(carrier["name"]) for carrier in found]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _password_file_rules(path: Path, at: tuple[str | int, ...]) -> Iterator[Fault]:
    try:
        mode = path.stat().st_mode
        first_line(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        yield Fault(at, f"cannot read {path}: {getattr(error, 'strerror', None) or error}")
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Fault(at, f"everybody on this machine can read {path}", f"chmod 600 {path}")


def first_line(path: Path) -> str:
    """The secret in a file: its first line; OSError, ValueError."""
    with path.open("rb") as file:
        line = file.read(SECRET_BYTES_MAX).decode().split("\n", 1)[0].rstrip("\r")
    if not line:
        raise ValueError("its first line is empty")
    return line


def secret_rules(raw: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """A password written into a file that everybody can read is refused."""
    trunks = raw.get("trunk")
    if not isinstance(trunks, list):
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not mode & stat.S_IROTH:
        return
    for index, trunk in enumerate(trunks):
        password = trunk.get("password") if isinstance(trunk, dict) else None
        if isinstance(password, str) and password and not re.fullmatch(r"\$\{env:\w+\}", password):
            yield Fault(
                ("trunk", index, "password"),
                "a password in a file that everybody on this machine can read",
                f"chmod 600 {path}, or use password_file or ${{env:NAME}}",
                key=True,
            )
