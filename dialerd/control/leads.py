"""Requests that change who is called: do-not-call entries and callbacks, in the store."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from dialerd.control.agents import callback_info
from dialerd.control.refusing import refused
from dialerd.core import leads_view as view
from dialerd.core.agent_records import Callback
from dialerd.core.agents_view import CallbackInfo
from dialerd.core.control_errors import FieldFault, Invalid
from dialerd.core.ports import Store, StoreError
from dialerd.core.records import Campaign, DoNotCall

if TYPE_CHECKING:
    from dialerd.control.daemon import Daemon

log = logging.getLogger("dialerd.control")
TIME_MAX_MS: Final = 1 << 42  # the year 2109: what the store's keys hold


class LeadShelf(Store, Protocol):
    """What else is needed of the store."""

    def book_callback(self, booked: Callback, *, move: bool) -> Awaitable[Callback]:
        """In place of an earlier one."""

    def cancel_callback(
        self, campaign_id: int, lead_id: int, again_s: int | None
    ) -> Awaitable[Callback]:
        """Take a promise back."""


class LeadRequests:
    """Their part of the control service."""

    if TYPE_CHECKING:
        _store: LeadShelf
        _daemon: Daemon
        _find: Callable[[str], Campaign]

    async def add_bans(self, request: view.AddBans) -> view.BansAdded:
        """Numbers onto a list of those that nobody dials."""
        of, now_ms = self._campaign_id(request.campaign), self._daemon.now_ms()
        until_ms = 0 if request.until is None else _ms(request.until, "/until")
        if until_ms and until_ms <= now_ms:
            raise _invalid("it would be over already", "/until")
        source = request.source or request.who
        entries = [
            DoNotCall(phone, now_ms, source, request.kind, of, until_ms) for phone in request.phones
        ]
        try:
            added = await self._store.dnc_add(entries)
        except StoreError as error:
            raise refused(error) from None
        log.info("%d numbers onto %s by %r", added, request.kind, request.who)
        return view.BansAdded(added=added)

    async def remove_ban(self, request: view.RemoveBan) -> view.BanRemoved:
        """A number off one list."""
        of = self._campaign_id(request.campaign)
        try:
            removed = await self._store.dnc_remove(request.phone, kind=request.kind, campaign_id=of)
        except StoreError as error:
            raise refused(error) from None
        if removed:
            log.info("a number off %s by %r: %s", request.kind, request.who, request.reason)
        return view.BanRemoved(removed=removed)

    async def book_callback(self, request: view.BookCallback) -> CallbackInfo:
        """Promise a call."""
        campaign, now_ms = self._find(request.campaign), self._daemon.now_ms()
        due_s = _ms(request.due, "/due") // 1_000
        open_s = 0
        if request.anybody_at is not None:
            open_s = _ms(request.anybody_at, "/anybody_at") // 1_000
            if open_s < due_s:
                raise _invalid("anybody's before it is due", "/anybody_at")
        booked = Callback(
            campaign.campaign_id,
            request.lead,
            0,
            due_s,
            request.agent or "",
            open_s if request.agent else 0,
            now_ms,
            request.who,
            note=request.note,
        )
        try:
            kept = await self._store.book_callback(booked, move=request.move)
        except StoreError as error:
            raise refused(error) from None
        self._daemon.campaign_changed(campaign)  # the dialer asks anew when its people are due
        return callback_info(kept, now_ms // 1_000)

    async def cancel_callback(self, request: view.CancelCallback) -> view.CallbackCancelled:
        """Take a promise back."""
        campaign, now_ms = self._find(request.campaign), self._daemon.now_ms()
        again_s = now_ms // 1_000 if request.call_again else None
        try:
            was = await self._store.cancel_callback(campaign.campaign_id, request.lead, again_s)
        except StoreError as error:
            raise refused(error) from None
        self._daemon.campaign_changed(campaign)
        log.info("callback of campaign %d cancelled by %r", campaign.campaign_id, request.who)
        return view.CallbackCancelled(was=callback_info(was, now_ms // 1_000))

    def _campaign_id(self, name: str | None) -> int:
        return 0 if name is None else self._find(name).campaign_id


def _invalid(text: str, pointer: str) -> Invalid:
    return Invalid(text, faults=(FieldFault(text, pointer),))


def _ms(at: datetime, pointer: str) -> int:
    """A time with a zone as Unix ms; Invalid where there is none, or it cannot be kept."""
    try:
        found = int(at.timestamp() * 1_000) if at.tzinfo is not None else -1
    except (OverflowError, ValueError):
        found = -1
    if not 0 < found < TIME_MAX_MS:
        raise _invalid("a time with its zone, until the year 2109", pointer)
    return found
