"""What carries calls: trunks, and the ports of gateways and modem banks."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from admin_http.documents import Document
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.lines_view import ListTrunks, TrunkInfo, TrunkList
from dialerd.core.people_view import IdleLines, ListIdle
from dialerd.core.ports_view import (
    ActOnPort,
    ListPorts,
    ModemPort,
    PortAction,
    PortList,
    SendUssd,
    UssdAnswer,
)

Part = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f/]+$(?!\n)")]


class OneTrunk(Document):
    """Which line."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]


class OnePort(Document):
    """Which port of which bank."""

    bank: Part
    slot: Part


class BankQuestion(Document):
    """Of which bank; empty: of all."""

    bank: Annotated[str, Meta(max_length=128)] = ""


class PortOrder(Document):
    """What to do with a port, and why."""

    action: PortAction
    reason: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")] = ""


class UssdCode(Document):
    """A code, or an answer to a menu."""

    code: Annotated[str, Meta(min_length=1, max_length=182)]


@route("GET", "/v1/trunks", Scope.READ, access=staff)
async def trunks(call: Call) -> TrunkList:
    """The trunks: use, registration, health, cost and what is left."""
    return await call.services.control.call(ListTrunks())


@route("GET", "/v1/trunks/{name}", Scope.READ, access=staff)
async def trunk(call: Call, path: OneTrunk) -> TrunkInfo:
    """One trunk with its ports."""
    return (await call.services.control.call(ListTrunks(name=path.name))).items[0]


@route("GET", "/v1/lines/idle", Scope.READ, access=staff)
async def idle_lines(call: Call) -> IdleLines:
    """Why each line and port that carries no call does not."""
    return await call.services.control.call(ListIdle())


@route("GET", "/v1/ports", Scope.READ, access=staff, also=(404,))
async def ports(call: Call, query: BankQuestion) -> PortList:
    """The ports of modem banks: signal, carrier, locks, balance, and why each is idle."""
    return await call.services.control.call(ListPorts(bank=query.bank))


@route("GET", "/v1/ports/{bank}/{slot}", Scope.READ, access=staff)
async def port(call: Call, path: OnePort) -> ModemPort:
    """One port of a bank."""
    found = await call.services.control.call(ListPorts(bank=path.bank))
    for one in found.items:
        if one.slot == path.slot:
            return one
    raise ProblemError(404, f"the bank {path.bank!r} has no slot {path.slot!r}")


@route(
    "POST",
    "/v1/ports/{bank}/{slot}/actions",
    Scope.OPERATE,
    access=staff,
    example={"action": "block"},
)
async def act_on_port(call: Call, path: OnePort, body: PortOrder) -> ModemPort:
    """Block, unblock or reset it."""
    request = ActOnPort(
        port=f"{path.bank}/{path.slot}", action=body.action, who=call.who, reason=body.reason
    )
    return await call.services.control.call(request)


@route(
    "POST", "/v1/ports/{bank}/{slot}/ussd", Scope.OPERATE, access=staff, example={"code": "*101#"}
)
async def send_ussd(call: Call, path: OnePort, body: UssdCode) -> UssdAnswer:
    """Send a code to the network of its SIM, and wait for what it says."""
    request = SendUssd(port=f"{path.bank}/{path.slot}", code=body.code, who=call.who)
    return await call.services.control.call(request)
