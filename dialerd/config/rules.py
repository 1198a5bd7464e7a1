"""What must hold between the values of a configuration, beyond each value by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from dialerd.config.bank_rules import bank_rules
from dialerd.config.schema import Config
from dialerd.config.sip_rules import is_address, is_loopback, pair_rules, sip_rules
from dialerd.config.trunk_rules import trunk_rules
from dialerd.core.zones import parse_zone
from dialerd.toml_faults import Fault

UNIX_PATH_BYTES_MAX: Final = 107  # sun_path of unix(7), less its NUL


def rules(config: Config, *, secrets: bool = True) -> Iterator[Fault]:
    """What must hold between values; without `secrets` nothing is said of missing passwords."""
    media = config.media
    if media.port_high <= media.port_low:
        yield Fault(
            ("media", "port_high"),
            "port_high must be above port_low",
            f"port_low is {media.port_low}",
        )
    if not is_address(media.bind):
        text = f"{media.bind!r} is no IP address"
        yield Fault(("media", "bind"), text, "an address of this machine")
    if config.admin.enabled:
        if config.admin.certificate is None and not is_loopback(config.admin.bind):
            yield Fault(
                ("admin", "bind"),
                "plain HTTP is served on loopback only",
                "set certificate and key (`dialerd tls init` makes them), or use 127.0.0.1, with a"
                " TLS proxy in front if need be",
            )
        yield from pair_rules(config.admin, ("admin",))
    for key in ("webhook_networks", "proxies"):
        for network in getattr(config.admin, key):
            try:
                ip_network(network, strict=False)
            except ValueError:
                where = ("admin", key)
                yield Fault(where, f"{network!r} is no network", "for example 10.20.0.0/16")
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
    yield from sip_rules(config)
    yield from trunk_rules(config, secrets=secrets)
    yield from bank_rules(config, secrets=secrets)
