"""Hosts to addresses, and which address of ours leads to one."""

from __future__ import annotations

import ipaddress
import socket

ELSEWHERE = ("192.0.2.1", 9)  # of nobody (RFC 5737): what leads to the world


def is_numeric(host: str) -> bool:
    """Whether it is an address already."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


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


def local_address(target: tuple[str, int]) -> str:
    """The local address from which the kernel would reach a target."""
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])
