"""Legs over SIP: what the dialer wants of a leg, done with the SIP transport and the media engine."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dialerd.core.effects import Dial, Play, Release, StopPlay
from dialerd.core.events import AnyEvent
from dialerd.lines.sip_line import SipLines
from dialerd.shell.media import Media
from sip.events import Accepted, Ended, Incoming, Provisional, SipEvent
from sip.io_udp import UdpTransport

log = logging.getLogger("dialerd.calls")


class Calls:
    """Legs in progress. Bound to its transport after construction, since each needs the other."""

    def __init__(self, lines: SipLines, media: Media, feed: Callable[[AnyEvent], None]) -> None:
        self._lines = lines
        self._media = media
        self._feed = feed
        self._transport: UdpTransport | None = None

    def bind(self, transport: UdpTransport) -> None:
        """The transport that carries the legs."""
        self._transport = transport

    @property
    def transport(self) -> UdpTransport:
        """The bound transport."""
        if self._transport is None:
            raise AssertionError("bind() comes before the first call")
        return self._transport

    def dial(self, effect: Dial) -> None:
        """Send the INVITE of a leg."""
        try:
            port = self._media.open(effect.leg)
            invite = self._lines.invite(effect, self._media.shown, port)
        except (OSError, KeyError) as error:
            log.warning("leg %d on trunk %s: %s", effect.leg, effect.trunk, error)
            self._media.close(effect.leg)
            self._feed(self._lines.refused(effect.leg))
            return
        self.transport.invite(invite)

    def release(self, effect: Release) -> None:
        """Hang a leg up."""
        self.transport.release(effect.leg)

    def play(self, effect: Play) -> None:
        """Start a prompt; a call whose prompt cannot be played is hung up rather than left silent."""
        if not self._media.play(effect.leg, effect.prompt, effect.token):
            self.transport.release(effect.leg)

    def stop_play(self, effect: StopPlay) -> None:
        """Silence a leg."""
        self._media.stop_play(effect.leg)

    def on_sip(self, event: SipEvent) -> None:
        """What SIP tells: media first, then the core."""
        if isinstance(event, Incoming):
            # Inbound calls have no destination yet: 480 tells the caller's network so.
            self.transport.reject(event.leg, 480)
            return
        if isinstance(event, Provisional) and event.sdp is not None:
            self._media.connect(event.leg, event.sdp)
        elif isinstance(event, Accepted):
            if not self._media.connect(event.leg, event.sdp):
                log.warning("leg %d: no usable audio in the answer", event.leg)
                self.transport.release(event.leg)
        elif isinstance(event, Ended):
            self._media.close(event.leg)
        told = self._lines.translate(event)
        if told is not None:
            self._feed(told)
