"""What the configuration asks of the machine, as `dialerd doctor` sees it: ports, modems, files.

Ports are bound for a moment to find out whether they can be; one that our own daemon holds is as it
should be.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from dialerd.cli.checkup import Finding, Level, User, existing, group_of, is_device
from dialerd.cli.common import examined

if TYPE_CHECKING:
    from dialerd.config import Config
    from dialerd.core.control import Pong

EXPIRES_DAYS_WARN: Final = 21
SOCKET_PATH_MAX: Final = 107  # bytes, sockaddr_un of unix(7)
ANSWER_S: Final = 3.0
TAKEN_SHOWN_MAX: Final = 5
_ISO: Final = "%Y%m%d%H%M%SZ"
_MEND: Final = "dialerd fsck says what is damaged; dialerd restore takes a backup"


class Wanted(NamedTuple):
    """A socket that the daemon will open; `kind` is udp or tcp."""

    what: str
    host: str
    port: int
    kind: str


def wanted_sockets(config: Config) -> list[Wanted]:
    """Those with a port of their own; the pairs of RTP are looked at apart."""
    found = [Wanted("SIP", config.sip.bind, config.sip.port, "udp")]
    for one in config.sip.listen:
        kind = "udp" if one.transport == "udp" else "tcp"
        found.append(Wanted(f"SIP over {one.transport}", one.bind, one.port_now, kind))
    if config.admin.enabled:
        found.append(Wanted("HTTP", config.admin.bind, config.admin.port, "tcp"))
    return found


def bind_error(host: str, port: int, kind: str) -> OSError | None:
    """Why a socket cannot be bound there as the daemon would; None: it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    of = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family, of) as probe:
            if of == socket.SOCK_STREAM:  # connections that ended are no obstacle
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def port(wanted: Wanted, *, running: bool) -> Finding:
    """One socket: free before the daemon runs, held while it does."""
    from dialerd.shell.ports import holder

    check = f"port {wanted.port}/{wanted.kind}"
    where = f"{wanted.what} on {wanted.host}:{wanted.port}"
    error = bind_error(wanted.host, wanted.port, wanted.kind)
    if error is None and not running:
        return Finding(check, Level.OK, f"{where} is free")
    if error is None:
        text = f"the daemon runs, but nobody holds {where}"
        return Finding(check, Level.FAIL, text, "its log says why: journalctl -u dialerd")
    if error.errno == errno.EADDRINUSE:
        who = holder(wanted.port, wanted.kind) or "somebody"
        if running:
            return Finding(check, Level.OK, f"{where} is held by {who}")
        return Finding(
            check, Level.FAIL, f"{where} is taken by {who}", "stop it, or choose another port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        text = f"{wanted.host} is no address of this machine"
        return Finding(check, Level.FAIL, text, "ip -brief address shows those it has")
    if error.errno == errno.EACCES:
        remedy = "a port from 1024 on, or sysctl net.ipv4.ip_unprivileged_port_start"
        return Finding(check, Level.FAIL, f"{where} is not for users without privileges", remedy)
    return Finding(check, Level.FAIL, f"{where}: {error.strerror}", "look at the address")


def media_ports(host: str, low: int, high: int, *, running: bool, given: str) -> Finding:
    """The range of RTP. `given` is the kernel's own range, from ip_local_port_range."""
    check = f"ports {low}-{high}/udp"
    try:
        first, last = map(int, given.split())
    except ValueError:
        first, last = 0, -1
    if not running:
        taken = [
            n
            for n in range(low + low % 2, high, 2)
            if (error := bind_error(host, n, "udp")) is not None and error.errno == errno.EADDRINUSE
        ]
        if taken:
            shown = ", ".join(map(str, taken[:TAKEN_SHOWN_MAX]))
            more = f" and {len(taken) - TAKEN_SHOWN_MAX} more" * (len(taken) > TAKEN_SHOWN_MAX)
            text = f"RTP: {shown}{more} taken by others; they are passed over"
            return Finding(check, Level.WARN, text, "another range: [media] port_low, port_high")
    if low <= last and first <= high:
        text = f"RTP: the kernel gives ports {first}-{last} to any program"
        remedy = f"a range outside of them, or sysctl net.ipv4.ip_local_reserved_ports={low}-{high}"
        return Finding(check, Level.WARN, text, remedy)
    return Finding(check, Level.OK, f"RTP: {(high - low + 1) // 2:,} pairs")


def control(path: Path) -> tuple[Finding, Pong | None]:
    """The socket of the CLI, and who answers on it."""
    from dialerd.control.io_client import SyncClient, UnreachableError
    from dialerd.core.control import ControlError, GetStatus, Ping

    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        text = f"{path} is longer than {SOCKET_PATH_MAX} bytes: no socket can be called so"
        return Finding("control", Level.FAIL, text, "a shorter [control] socket"), None
    if not path.exists():
        folder = existing(path.parent)
        if not os.access(folder, os.W_OK | os.X_OK):
            text = f"no daemon runs, and this user cannot make {path}"
            remedy = f"a folder of the daemon's user: RuntimeDirectory=dialerd makes {path.parent}"
            return Finding("control", Level.WARN, text, remedy), None
        return Finding("control", Level.OK, f"no daemon runs on {path}"), None
    try:
        with SyncClient(path, ANSWER_S) as client:
            pong = client.call(Ping())
            examines = examined(client.call(GetStatus()).counters)
    except UnreachableError as error:
        if not _refused(path):
            return Finding("control", Level.FAIL, error.text, "ask again in a minute"), None
        text = f"{path} is left from a daemon that was killed; the next start removes it"
        return Finding("control", Level.OK, text), None
    except ControlError as error:
        return Finding("control", Level.FAIL, error.text, "the same version of both"), None
    text = f"dialerd {pong.version} answers (pid {pong.pid})"
    if examines:
        remedy = "it ends by itself; `dialerd status` shows how far it is"
        return Finding("control", Level.WARN, f"{text}; its store is {examines}", remedy), pong
    return Finding("control", Level.OK, text), pong


def _refused(path: Path) -> bool:
    """Whether nobody listens behind a socket's name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def store(folder: Path) -> Finding:
    """Whether the store can be read by this program."""
    from dialerd.core.ports import StoreError
    from dialerd.store import open_store
    from dialerd.store.lmdb_engine import FILE_NAME
    from dialerd.store.lmdb_store import ENV_NAME

    if not (folder / ENV_NAME / FILE_NAME).exists():
        return Finding("store", Level.OK, f"{folder} is made at the first start")
    try:
        opened = open_store(folder, create=False, readonly=True, linger_s=0.0)
    except StoreError as error:
        return Finding("store", Level.FAIL, str(error), _MEND)
    except OSError as error:
        text = f"{error.filename or folder}: {error.strerror}"
        return Finding("store", Level.FAIL, text, "run this as the daemon's user: --user")
    try:
        told = f"{len(opened.lists())} lists, {len(opened.campaigns())} campaigns in {folder}"
    except StoreError as error:
        return Finding("store", Level.FAIL, str(error), _MEND)
    finally:
        opened.close()
    return Finding("store", Level.OK, told)


def certificates(
    named: Iterable[tuple[str, Path, Path | None]], now: datetime
) -> Iterator[Finding]:
    """What TLS shows to others: (what it is for, certificate, its key)."""
    for what, file, key in named:
        yield _certificate(f"TLS of {what}", file, key, now)


def _certificate(check: str, file: Path, key: Path | None, now: datetime) -> Finding:
    renew = "a new one: certbot renew, or of the carrier; then dialerd reload or a restart"
    try:
        begins, ends = validity(file)
        if key is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file, key)
    except ssl.SSLError as error:
        text = f"{file} with its key: {error.reason or error}"
        return Finding(check, Level.FAIL, text, "the certificate and the key of one pair, PEM")
    except (OSError, ValueError) as error:
        return Finding(check, Level.FAIL, f"{file}: {error}", "a certificate in PEM")
    if now >= ends:
        return Finding(check, Level.FAIL, f"{file} expired on {ends:%Y-%m-%d}", renew)
    if now < begins:
        text = f"{file} is valid only from {begins:%Y-%m-%d} on"
        return Finding(check, Level.FAIL, text, "look at the clock of this machine")
    days = (ends - now).days
    if key is not None and key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
        return Finding(check, Level.WARN, f"{key} may be used by others", f"chmod 600 {key}")
    if days < EXPIRES_DAYS_WARN:
        return Finding(check, Level.WARN, f"{file} expires in {days} days", renew)
    return Finding(check, Level.OK, f"{file} is valid for {days} days")


def validity(file: Path) -> tuple[datetime, datetime]:
    """From when until when the first certificate of a PEM file holds (RFC 5280 4.1.2.5).

    OSError, ValueError: it has none.
    """
    text = file.read_text(encoding="ascii", errors="replace")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in text or end not in text:
        raise ValueError("there is no certificate in it")
    body = text[text.index(begin) : text.index(end) + len(end)]
    der = ssl.PEM_cert_to_DER_cert(body + "\n")
    try:
        parts = _parts(_parts(_parts(der)[0][1])[0][1])  # Certificate, its TBSCertificate
        dates = _parts(parts[4 if parts[0][0] == 0xA0 else 3][1])  # behind [0] version
        first, last = (_moment(tag, value) for tag, value in dates)
    except (IndexError, ValueError):
        raise ValueError("its certificate cannot be read") from None
    return first, last


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents, one behind the other (X.690 8.1); IndexError when cut short."""
    found, at = [], 0
    while at < len(der):
        tag, size = der[at], der[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(der[at : at + count], "big")
            at += count
        if at + size > len(der):
            raise IndexError
        found.append((tag, der[at : at + size]))
        at += size
    return found


def _moment(tag: int, value: bytes) -> datetime:
    """UTCTime (of 1950 to 2049) or GeneralizedTime."""
    text = value.decode("ascii")
    if tag == 0x17:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, _ISO).replace(tzinfo=UTC)


def certificates_of(config: Config) -> list[tuple[str, Path, Path | None]]:
    """Every certificate that the configuration names."""
    named = [
        (f"SIP on {one.bind}:{one.port_now}", one.certificate, one.key)
        for one in config.sip.listen
        if one.certificate is not None
    ]
    if config.admin.certificate is not None:
        named.append(("HTTP", config.admin.certificate, config.admin.key))
    return named


def modems(config: Config, user: User, processes: Path) -> Iterator[Finding]:
    """Devices of the banks, who may use them, and who else does. `processes` is /proc."""
    from dialerd.shell.bank_config import rule_of
    from gsm.io_slots import places

    if not config.bank:
        return
    for bank in config.bank:
        found = rule_of(bank, places)
        if not found:
            text = f"no device at {bank.slots}"
            remedy = "ls -l /dev/serial/by-path; is the bank powered and plugged in?"
            yield Finding(f"bank {bank.name}", Level.FAIL, text, remedy)
            continue
        wrong = [f for one in found for f in _device(bank.name, Path(one.at), user)]
        yield from wrong or [
            Finding(f"bank {bank.name}", Level.OK, f"{len(found)} ports, {user.name} may use them")
        ]
    if (pid := running_program(processes, "ModemManager")) is not None:
        text = f"ModemManager runs (pid {pid}) and talks to the same modems"
        yield Finding("ModemManager", Level.FAIL, text, "systemctl disable --now ModemManager")
    else:
        yield Finding("ModemManager", Level.OK, "does not run")


def _device(bank: str, device: Path, user: User) -> Iterator[Finding]:
    check = f"bank {bank}"
    try:
        status = device.stat()
    except OSError as error:
        text = f"{device}: {error.strerror}"
        yield Finding(check, Level.FAIL, text, "dmesg | grep tty says what became of it")
        return
    if not is_device(status):
        yield Finding(check, Level.FAIL, f"{device} is no device", "look at slots of the bank")
    elif not user.may(status, 6):
        group = group_of(status)
        yield Finding(
            check,
            Level.FAIL,
            f"{user.name} may not use {device} (group {group})",
            f"usermod -a -G {group} {user.name}, or SupplementaryGroups={group} in the unit",
        )


def running_program(processes: Path, name: str) -> int | None:
    """The pid of a program of that name; None: it does not run."""
    for folder in processes.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            said = (folder / "comm").read_text().strip()
        except OSError:  # it ended meanwhile
            continue
        if said == name[:15]:  # the kernel keeps so much of a name
            return int(folder.name)
    return None
