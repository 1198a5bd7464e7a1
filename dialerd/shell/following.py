"""The engine follows what a leg's two descriptions agreed on: where, in which law, held or not."""

from __future__ import annotations

import logging

from dialerd.core.keys import Dtmf
from fastpath.rtp import MediaEngine
from fastpath.srtp_keys import SrtpKeys
from sip.sdp import Crypto, Media
from sip.sdp.agree import held_by_host

log = logging.getLogger("dialerd.media")

ANYBODY = "0.0.0.0"  # noqa: S104 - the engine's word for a peer to be learned from its packets


def follow(
    engine: MediaEngine,
    stream: int,
    media: Media,
    before: Media | None,
    dtmf: Dtmf = Dtmf.AUTO,
    *,
    silent: bool = False,
    rtcp: bool = True,
) -> None:
    """Make a stream do what was agreed on; `before` is what it does now.

    `silent`: it hears, and says nothing before the next `follow`.
    A peer that names itself instead of its address, or an address that is not to be believed
    (`sip.sdp.agree.settle`), is learned from its packets. ValueError for what cannot be reached
    (the other IP version, multicast, broadcast); OSError when SRTP is agreed on and its library is
    missing.
    """
    if media.sending is None or media.receiving is None:
        if before is not None and before.sending is not None:
            engine.unsecure(stream)  # a leg that requires SRTP never agrees on this
    elif before is None or (before.sending, before.receiving) != (media.sending, media.receiving):
        engine.secure(stream, _keys(media.sending), _keys(media.receiving))
    if silent:
        engine.pause(stream)
    if before is None or _place(media) != _place(before):
        events = -1 if media.event_type is None else media.event_type
        law = 8 if media.law == "PCMA" else 0
        engine.connect(stream, _host(media), media.port, media.payload_type, events, law=law)
        engine.hear_tones(stream, dtmf.hears_tones(events=media.event_type is not None))
    moved = before is None or (_reports(media), _place(media)) != (_reports(before), _place(before))
    if rtcp and moved:
        host, port, mux = _reports(media)
        if not engine.report(stream, host, port, mux=mux):
            log.warning("no socket on port %d: no RTCP", engine.port(stream) + 1)
    if media.listens and not silent:
        engine.resume(stream)
    elif not silent:
        engine.pause(stream)


def _keys(crypto: Crypto) -> SrtpKeys:
    return SrtpKeys(crypto.suite, crypto.key, crypto.mki_bytes)


def _host(media: Media) -> str:
    """A numeric host, or `ANYBODY` for one on hold or known by its name only."""
    return media.host if _numeric(media.host) and not held_by_host(media.host) else ANYBODY


def _numeric(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _reports(media: Media) -> tuple[str, int, bool]:
    """Where a=rtcp wants reports (RFC 3605); empty and 0: beside RTP."""
    host, port = media.rtcp if media.rtcp_port else ("", 0)
    if not _numeric(host) or held_by_host(host):
        host, port = "", 0
    return host, port, media.rtcp_mux


def _place(media: Media) -> tuple[object, ...]:
    """What a change of means another peer, for which the latch learns anew."""
    return media.host, media.port, media.payload_type, media.event_type
