"""Requests about calls in progress: whoever carries them answers."""

from __future__ import annotations

from dialerd.core.calls_view import (
    CallControl,
    CallList,
    CallNow,
    EndCall,
    GetCall,
    ListCalls,
    LiveCall,
    SuperviseCall,
    TransferCall,
)
from dialerd.core.control_errors import NotFound


class CallRequests:
    """Hands each request to `live`; without one there are no calls."""

    live: CallControl | None = None

    async def calls(self, request: ListCalls) -> CallList:
        """A page of them."""
        if self.live is None:
            return CallList(items=(), total=0)
        return await self.live.calls(request)

    async def call_now(self, request: GetCall) -> CallNow:
        """One with its history so far."""
        return await self._carried(request.attempt).call_now(request)

    async def end_call(self, request: EndCall) -> LiveCall:
        """Hang up."""
        return await self._carried(request.attempt).end_call(request)

    async def transfer_call(self, request: TransferCall) -> LiveCall:
        """Put it through."""
        return await self._carried(request.attempt).transfer_call(request)

    async def supervise_call(self, request: SuperviseCall) -> LiveCall:
        """Listen in on it."""
        return await self._carried(request.attempt).supervise_call(request)

    def _carried(self, attempt: int) -> CallControl:
        if self.live is None:
            raise NotFound(f"no call of attempt {attempt} is in progress")
        return self.live
