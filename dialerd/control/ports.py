"""Requests about the ports of modem banks: whoever runs them answers."""

from __future__ import annotations

from dialerd.core.control_errors import NotFound
from dialerd.core.ports_view import (
    ActOnPort,
    ListPorts,
    ModemPort,
    PortControl,
    PortList,
    SendText,
    SendUssd,
    TextSent,
    UssdAnswer,
)


class PortRequests:
    """Hands each request to `banks`; a daemon without banks has no ports."""

    banks: PortControl | None = None

    async def ports(self, request: ListPorts) -> PortList:
        """The ports of modem banks."""
        if self.banks is None and not request.bank:
            return PortList(items=())
        return await self._there().ports(request)

    async def act_on_port(self, request: ActOnPort) -> ModemPort:
        """Block, unblock or reset one."""
        return await self._there().act_on_port(request)

    async def ussd(self, request: SendUssd) -> UssdAnswer:
        """The network's answer to a code."""
        return await self._there().ussd(request)

    async def send_text(self, request: SendText) -> TextSent:
        """A text is with its centre."""
        return await self._there().send_text(request)

    def _there(self) -> PortControl:
        if self.banks is None:
            raise NotFound("the configuration has no [[bank]]")
        return self.banks
