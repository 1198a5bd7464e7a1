"""What may be asked about the ports of modem banks, and of a port. Money is in the SIM's currency.

A port is named `bank/slot`, or by its slot alone where no other bank has one of that name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Protocol

from msgspec import Meta

from dialerd.core.control_base import Instant, Reply, Request
from dialerd.core.lines_view import Use

TEXT_MAX: Final = 1000  # characters of a text message

PortRef = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Who = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]


class PortAction(StrEnum):
    """What may be done to a port."""

    BLOCK = "block"  # no calls until it is unblocked; one that is up goes on
    UNBLOCK = "unblock"  # every lock of its SIM is taken off
    RESET = "reset"  # its module starts anew, as soon as it is idle


class ListPorts(Request["PortList"]):
    """Every port of every bank now, or those of one `bank`."""

    bank: Annotated[str, Meta(max_length=128)] = ""


class ModemPort(Reply):
    """One port now.

    `state` is a state of the port's machine; `why` says why it takes no call, `until` when that is
    over by itself. `rssi_dbm`, `balance` and `valid_until` (a day) are None while nobody knows.
    """

    bank: str
    slot: str
    state: str
    ready: bool
    why: str
    until: Instant | None
    device: str
    dialect: str
    manufacturer: str
    model: str
    imei: str
    iccid: str
    imsi: str
    number: str
    carrier: str
    operator: str
    registration: str
    rssi_dbm: int | None
    audio: str
    busy: bool
    placed: int
    answered: int
    locks: tuple[str, ...] = ()
    balance: float | None = None
    valid_until: str | None = None
    minutes_left: int | None = None
    crashes: int = 0
    use: Use = Use()


class PortList(Reply):
    """By bank, in the order of their slots."""

    items: tuple[ModemPort, ...]


class ActOnPort(Request["ModemPort"]):
    """Block, unblock or reset a port."""

    port: PortRef
    action: PortAction
    who: Who
    reason: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")] = ""


class SendUssd(Request["UssdAnswer"]):
    """Send a code, or an answer to a menu, to a SIM's network, and wait for what it says."""

    port: PortRef
    code: Annotated[str, Meta(min_length=1, max_length=182)]
    who: Who


class UssdAnswer(Reply):
    """What it said; `kind` is done, question, ended, busy, unsupported, timeout or error."""

    kind: str
    text: str


class SendText(Request["TextSent"]):
    """Send a text message from a port's SIM, and wait until its centre has taken it."""

    port: PortRef
    number: Annotated[str, Meta(min_length=1, max_length=32)]
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    who: Who


class TextSent(Reply):
    """In how many parts it went."""

    parts: int


class PortControl(Protocol):
    """The part of `Control` about ports."""

    async def ports(self, request: ListPorts) -> PortList:
        """The ports of modem banks; NotFound for a bank that there is not."""
        ...

    async def act_on_port(self, request: ActOnPort) -> ModemPort:
        """Block, unblock or reset one; NotFound, Conflict."""
        ...

    async def ussd(self, request: SendUssd) -> UssdAnswer:
        """The network's answer to a code; NotFound, Conflict, Unavailable when none comes."""
        ...

    async def send_text(self, request: SendText) -> TextSent:
        """A text is with its centre; NotFound, Conflict, Unavailable when it is not."""
        ...
