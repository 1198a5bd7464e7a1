"""Hosts to addresses, and which address of ours leads to one."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from concurrent.futures import ThreadPoolExecutor

from sip.io_dns import DnsResolver
from sip.io_lookup import lookup
from sip.locate import Wanted

ELSEWHERE = ("192.0.2.1", 9)  # of nobody (RFC 5737): what leads to the world


def resolve(host: str, port: int, family: int = socket.AF_INET) -> str:
    """An address of a host, numeric hosts of any family; OSError when there is none.

    `family` AF_UNSPEC: whichever comes first.
    """
    numeric = host.strip("[]")
    if ":" in numeric:
        family = socket.AF_INET6
    try:
        found = socket.getaddrinfo(numeric, port, family, socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise OSError(f"cannot resolve {host}: {error.strerror}") from error
    address = str(found[0][4][0])
    if ipaddress.ip_address(address.partition("%")[0]).is_multicast:
        raise OSError(f"{host} is a multicast address: nobody there can answer a call")
    return address


def service(
    host: str, transport: str, *, v6: bool = False, resolver: DnsResolver | None = None
) -> tuple[str, int] | None:
    """Address and port of a host by its SRV records, while the caller waits; None without any."""
    search = lookup(
        Wanted(host.strip("[]").lower(), 0, transport),
        {(transport, v6)},
        resolver or DnsResolver(),
        random.SystemRandom(),
    )
    # The loop of the caller, if there is one, is busy waiting for this.
    with ThreadPoolExecutor(1) as pool:
        try:
            found = pool.submit(asyncio.run, search).result()
        except OSError:
            return None  # no name server: the system's own ways may still know the host
    return (found[0].host, found[0].port) if found else None


def local_address(target: tuple[str, int]) -> str:
    """The local address from which the kernel would reach a target."""
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])
