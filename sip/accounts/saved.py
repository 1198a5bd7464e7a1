"""One address of a telephone as data: read from a REGISTER, kept, checked (RFC 3261, 10.3)."""

from __future__ import annotations

import ipaddress

import msgspec

from fastpath.sipscan import Message
from sip.errors import SipError
from sip.events import Address
from sip.messages.contacts import Contact, contacts, elements, seconds
from sip.messages.headers import text
from sip.messages.uri import parse
from sip.transactions.table import Transactions
from sip.transport.local import of_one_host


class Reached(msgspec.Struct, frozen=True):
    """Where a telephone is called: what an `Invite` needs."""

    request_uri: str
    target: Address
    routes: tuple[str, ...]
    q: int


class Saved(msgspec.Struct, frozen=True):
    """A binding as plain data, for a store. `left_s` counts from when it was taken."""

    user: str
    contact: str
    source: Address
    left_s: int
    call_id: str
    cseq: int
    q: int = 1_000
    path: tuple[str, ...] = ()
    instance: str = ""


def listed(message: Message, name: str) -> tuple[str, ...]:
    """The elements of a header that is a list."""
    values = (value.decode("utf-8", "replace") for value in message.get_all(name))
    return tuple(element for value in values for element in elements(value))


def wanted(contact: Contact, message: Message) -> Saved:
    """What one Contact asks for; user, source and path are the request's."""
    left_s = contact.expires_s
    if left_s < 0:
        header = message.get_all("Expires")
        left_s = seconds(header[0].decode("latin-1")) if header else 3_600
    instance = contact.params.get("+sip.instance", "")
    regid = contact.params.get("reg-id", "")
    return Saved(
        "",
        contact.uri,
        ("", 0, 0),
        left_s,
        message.call_id.decode("latin-1"),
        message.cseq,
        contact.q,
        (),
        f"{instance};{regid}" if instance else "",
    )


def check(saved: Saved, path: tuple[str, ...]) -> None:
    """What is registered will stand in an INVITE of ours; SipError when it cannot."""
    if parse(text(saved.contact, "Contact")).scheme not in {"sip", "sips"}:
        raise SipError("a contact that is no SIP URI")
    if "?" in saved.contact.rpartition("@")[2]:
        raise SipError("a contact with headers in it cannot be a Request-URI (19.1.1)")
    text(saved.instance, "instance")
    for value in path:
        contacts([text(value, "Path")])


def check_source(source: Address, layer: Transactions) -> None:
    """Whether a telephone can be reached there after a restart; ValueError when it cannot."""
    host, port, flow = source
    if not 0 <= flow < len(layer.identities) or not 0 < port < 65_536:
        raise ValueError("no such place")
    identity = layer.identities[flow]
    address = ipaddress.ip_address(host)
    if identity.reliable or not of_one_host(address) or identity.local.side != "phone":
        raise ValueError("nobody is there")
