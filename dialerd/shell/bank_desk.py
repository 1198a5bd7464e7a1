"""What people ask of ports while the daemon runs: lists, blocks, resets, USSD codes, texts."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from dialerd.core.control_errors import Conflict, Invalid, NotFound, Unavailable
from dialerd.core.dialer import Dialer
from dialerd.core.lines_view import PortInfo, Use
from dialerd.core.ports_view import (
    ActOnPort,
    ListPorts,
    ModemPort,
    PortAction,
    PortList,
    SendText,
    SendUssd,
    TextSent,
    UssdAnswer,
)
from dialerd.core.statistics import port_use
from dialerd.shell.bank_port import BankPort
from dialerd.shell.banks import Banks
from dialerd.shell.clock import Clock
from dialerd.shell.trunk_view import trunk_info, use
from gsm import events as gsm
from gsm.number import DialString, RefusedError
from gsm.port import Port

log = logging.getLogger("dialerd.banks")

USSD_S: Final = 90.0  # for a network's answer; the port itself gives up before
TEXT_S: Final = 120.0  # for a centre to take all parts of a text
_DEEDS: Final = {
    PortAction.BLOCK: "blocked", PortAction.UNBLOCK: "unblocked", PortAction.RESET: "reset",
}  # fmt: skip
T = TypeVar("T")


class BankDesk:
    """Implements `dialerd.core.ports_view.PortControl` over the running banks."""

    def __init__(self, banks: Banks, dialer: Dialer, clock: Clock) -> None:
        """Hears what the ports tell from now on."""
        self._banks = banks
        self._dialer = dialer
        self._clock = clock
        self._refs = itertools.count(1)
        self._asked: dict[str, asyncio.Future[gsm.UssdReply]] = {}  # by port
        self._sent: dict[tuple[str, int], asyncio.Future[gsm.SmsSent | gsm.SmsFailed]] = {}
        banks.listeners.append(self._hear)
        banks.use_of = self._use_of

    async def ports(self, request: ListPorts) -> PortList:
        """Every port now; NotFound."""
        if request.bank and request.bank not in self._banks.ports:
            raise NotFound(f"there is no bank {request.bank!r}")
        counted = self._counted()
        return PortList(
            items=tuple(
                port.info(counted.get((port.bank, port.slot)))
                for port in self._banks.all_ports()
                if request.bank in {"", port.bank}
            )
        )

    def _use_of(self, port: BankPort) -> Use | None:
        found = port_use(self._dialer.floor, port.bank, port.slot)
        return None if found is None else use(found)

    async def act_on_port(self, request: ActOnPort) -> ModemPort:
        """Block, unblock or reset one; NotFound, Conflict."""
        port = self._find(request.port)
        why = f"{request.reason or _DEEDS[request.action]} (by {request.who})"
        do: dict[PortAction, Callable[[Port, int], object]] = {
            PortAction.BLOCK: lambda one, now_ns: one.block(why, None, now_ns),
            PortAction.UNBLOCK: lambda one, now_ns: one.unblock(now_ns),
            PortAction.RESET: lambda one, now_ns: one.reset(now_ns, why),
        }
        log.warning("port %s: %s by %s", port.runner.name, request.action, request.who)
        if refused := port.runner.do(do[request.action]):
            raise Conflict(f"port {port.runner.name}: {refused}")
        return port.info(self._counted().get((port.bank, port.slot)))

    async def ussd(self, request: SendUssd) -> UssdAnswer:
        """The network's answer to a code; NotFound, Conflict, Unavailable."""
        port = self._find(request.port)
        name = port.runner.name
        if name in self._asked:
            raise Conflict(f"port {name} waits for the answer to another code")
        log.info("port %s: code %s by %s", name, request.code, request.who)
        answer = self._asked[name] = asyncio.get_running_loop().create_future()
        try:
            self._do(port, lambda one, now_ns: one.ussd(request.code, now_ns))
            found = await self._wait(answer, USSD_S, f"port {name}: no answer of the network")
        finally:
            del self._asked[name]
        return UssdAnswer(kind=found.kind, text=found.text)

    async def send_text(self, request: SendText) -> TextSent:
        """A text is with its centre; NotFound, Conflict, Invalid, Unavailable."""
        port = self._find(request.port)
        try:
            number = DialString(request.number)
        except RefusedError as error:
            raise Invalid(str(error)) from None
        ref = next(self._refs)
        key = port.runner.name, ref
        answer = self._sent[key] = asyncio.get_running_loop().create_future()
        log.info("port %s: text to %s by %s", port.runner.name, request.number, request.who)
        try:
            self._do(port, lambda one, now_ns: one.sms(ref, number, request.text, now_ns))
            found = await self._wait(answer, TEXT_S, f"port {key[0]}: the centre does not answer")
        finally:
            del self._sent[key]
        if isinstance(found, gsm.SmsFailed):
            raise Unavailable(f"port {key[0]}: {found.why}" + f" ({found.code})" * bool(found.code))
        return TextSent(parts=found.parts)

    def _do(self, port: BankPort, what: Callable[[Port, int], str]) -> None:
        """Ask the machine; Conflict with its reason when it refuses."""
        answer = port.runner.do(what)
        if answer != "":
            raise Conflict(f"port {port.runner.name}: {answer or 'its machine failed'}")

    @staticmethod
    async def _wait(answer: asyncio.Future[T], seconds: float, late: str) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise Unavailable(late) from None

    def _hear(self, port: BankPort, fact: gsm.Fact) -> None:
        waiting: asyncio.Future[Any] | None = None
        if isinstance(fact, gsm.UssdReply):
            waiting = self._asked.get(port.runner.name)
        elif isinstance(fact, gsm.SmsSent | gsm.SmsFailed):
            waiting = self._sent.get((port.runner.name, fact.ref))
        if waiting is not None and not waiting.done():
            waiting.set_result(fact)

    def _find(self, name: str) -> BankPort:
        bank, _, slot = name.rpartition("/")
        if bank in self._banks.ports and slot in self._banks.ports[bank]:
            return self._banks.ports[bank][slot]
        found = [port for port in self._banks.all_ports() if port.slot == name]
        if len(found) > 1:
            names = ", ".join(port.runner.name for port in found[:5])
            raise NotFound(f"several banks have a port {name!r}: {names}")
        if not found:
            raise NotFound(f"there is no port {name!r}")
        return found[0]

    def _counted(self) -> Mapping[tuple[str, str], PortInfo]:
        """What the dialer knows of each port."""
        figures = self._dialer.statistics(self._clock.now_ns())
        return {
            (trunk.name, port.name): port
            for trunk in figures.trunks
            if trunk.kind == "gsm"
            for port in trunk_info(trunk).ports
        }
