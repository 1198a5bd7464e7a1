"""`dialerd doctor`: is this machine fit for the configuration, and what is to be done where not."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dialerd.cli.checkup import Finding, Level, User, user_named
from dialerd.cli.common import clean, config_option, output_option, painted, print_json
from dialerd.cli.main import CONFIG, FAILED, OK

if TYPE_CHECKING:
    from dialerd.config import Config

COLOURS: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
PORTS_GIVEN: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
PROCESSES: Final = Path("/proc")


@click.command("doctor")
@click.option(
    "--user", "name", metavar="NAME", help="Look at permissions for this user, as root may do."
)
@config_option
@output_option
def doctor(name: str | None, config_path: str | None, output: str) -> int:
    """Look at what the daemon needs of this machine, and say what to do about what is wrong.

    Ports, modems, clock, open files, real-time priority, disk, TLS certificates, store, time zones,
    the control socket. Each line is ok, warn or fail. Ends with 1 when anything fails, with 3 when
    that is the configuration. Nothing is changed; it may run beside the daemon.
    """
    try:
        user = user_named(name)
    except KeyError:
        raise click.BadParameter(f"there is no user {name!r}", param_hint="--user") from None
    found: list[Finding] = []
    for one in examine(config_path, user):
        found.append(one)
        if output != "json":
            _show(one)
    if output == "json":
        print_json({"ok": _code(found) == OK, "findings": [one._asdict() for one in found]})
    else:
        counts = {level: sum(one.level is level for one in found) for level in Level}
        click.echo(", ".join(f"{n} {level}" for level, n in counts.items()))
    return _code(found)


def _code(found: list[Finding]) -> int:
    failed = [one.check for one in found if one.level is Level.FAIL]
    if "configuration" in failed:
        return CONFIG
    return FAILED if failed else OK


def _show(one: Finding) -> None:
    level = painted(f"{one.level:<4}", COLOURS[one.level])
    click.echo(f"{level}  {one.check}: {clean(one.text)}")
    if one.remedy:
        click.echo(f"      {'':{len(one.check)}}  -> {clean(one.remedy)}")


def examine(config_path: str | None, user: User) -> Iterator[Finding]:
    """Every check, one after the other; those of the machine also without a configuration."""
    from dialerd.cli import checkup_machine as machine
    from dialerd.config import Config, ConfigError, find_config, load
    from dialerd.shell.bank_config import dialects_of

    ahead = machine.wall_ahead_ms()
    try:
        path = find_config(config_path)
        config = load(path, secrets=False)
        dialects_of(config.bank)
        yield Finding("configuration", Level.OK, f"{path} is right")
    except ConfigError as error:
        head, _, rest = str(error).removeprefix("error: ").partition("\n")
        where = rest.strip().split("\n")[0].removeprefix("--> ")
        text = f"{head} ({where})" if where else head
        yield Finding("configuration", Level.FAIL, text, "dialerd check-config shows every fault")
        config = None
    if config is not None:
        yield from _configured(config, user)
    else:
        config = Config()
    sockets = 2 if config.media.rtcp else 1
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    yield machine.files(hard, config.dialing.calls_max, sockets)
    yield machine.real_time(config.media.priority)
    yield from machine.zones(_zone_names(config))
    jump = machine.wall_ahead_ms() - ahead
    installed = Path(__file__).stat().st_mtime
    yield machine.clock(machine.kernel_clock(), jump, installed, time.time())


def _configured(config: Config, user: User) -> Iterator[Finding]:
    """What the configuration names: sockets, devices, folders, certificates."""
    from dialerd.cli import checkup_config as named
    from dialerd.cli import checkup_machine as machine

    finding, running = named.control(config.control.socket)
    yield finding
    for wanted in named.wanted_sockets(config):
        yield named.port(wanted, running=running is not None)
    given = ""
    with suppress(OSError):
        given = PORTS_GIVEN.read_text()
    low, high = config.media.port_low, config.media.port_high
    up = running is not None
    yield named.media_ports(config.media.bind, low, high, running=up, given=given)
    yield from named.modems(config, user, PROCESSES)
    yield named.store(config.store.path)
    mounts = machine.mountinfo()
    folders = {"store": config.store.path}
    if config.recording.folder:
        folders["recordings"] = Path(config.recording.folder)
    for what, folder in folders.items():
        yield machine.kind_of_disk(f"disk of {what}", folder, mounts)
        yield machine.space(f"room of {what}", folder)
        yield machine.syncs(f"commits of {what}", folder, user)
    yield from named.certificates(named.certificates_of(config), datetime.now(UTC))


def _zone_names(config: Config) -> list[str]:
    """Those that are looked up by name: an offset such as +07:00 needs no data."""
    names = ["Asia/Ho_Chi_Minh", "America/New_York", "Europe/London"]  # the shipped regimes'
    if config.dialing.zone[:1] not in ("+", "-"):
        names.insert(0, config.dialing.zone)
    return names
