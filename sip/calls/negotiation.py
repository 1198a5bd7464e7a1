"""Offer and answer of one leg (RFC 3264, 6337): what we said last, what it made of the media.

Rules:
- One offer at a time (RFC 3264 section 4, RFC 3261 14.1): ours waits for its answer, and an offer
  of theirs meanwhile is glare. Whose turn comes is for SIP to say (491).
- An answer may come more than once (early in an 18x, again in the 200, another one of another
  fork): the last one counts, as long as no newer exchange began.
- The version in o= grows by one whenever our text changes, and only then (section 8).
- Streams keep their places: what was refused stays there with port 0 (section 8).
- A payload type never changes its meaning in a session (8.3.2): the number for events is kept.
- Keys (RFC 4568): each side says how it protects what it sends. Ours stay through re-offers, so
  that packet counters go on; `rekey` asks for new ones. A leg that requires SRTP is refused
  without; one that offers it takes a plain answer.
- RTCP on the RTP port (RFC 5761 5.1.1) is taken when they offer it, and offered where `rtcp_mux`
  says so; an answer without it means the port beside RTP's, and later offers keep to it.
"""

from __future__ import annotations

import random
from typing import Final

import msgspec

from sip.sdp import agree
from sip.sdp.agree import Protection
from sip.sdp.crypto import SUITES, Crypto, fresh
from sip.sdp.model import (
    STATIC,
    USERNAME,
    Codec,
    Description,
    Direction,
    Media,
    Origin,
    Stream,
)
from sip.sdp.reading import canonical, read
from sip.sdp.writing import write

STATES: Final = ("new", "offering", "agreed", "answered", "offering again")
NEW, OFFERING, AGREED, ANSWERED, AGAIN = range(5)

EVENTS: Final = ("our offer", "their answer", "their offer", "refused")
OFFER, ANSWER, ASKED, REFUSED = range(4)

TABLE: Final[dict[tuple[int, int], int]] = {
    (NEW, OFFER): OFFERING,
    (NEW, ASKED): ANSWERED,
    (OFFERING, ANSWER): AGREED,
    (OFFERING, REFUSED): NEW,
    (AGREED, OFFER): AGAIN,
    (AGREED, ANSWER): AGREED,
    (AGREED, ASKED): ANSWERED,
    (ANSWERED, OFFER): AGAIN,
    (ANSWERED, ASKED): ANSWERED,
    (AGAIN, ANSWER): AGREED,
    (AGAIN, REFUSED): ANSWERED,
}

SUITES_OFFERED = ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM")
EVENT_TYPE = 101
VERSION_MAX = (1 << 62) - 1


class NegotiationError(ValueError):
    """What cannot be agreed on, or came out of turn; `code` is the SIP answer to it."""

    def __init__(self, text: str, code: int = 488) -> None:
        super().__init__(text)
        self.code = code


class Capabilities(msgspec.Struct, frozen=True):
    """What we can do on one leg.

    Attributes:
        host, port: where we receive RTP; a numeric address.
        codecs: numbers of PCMU (0) and PCMA (8), best first.
        event_type: our number for telephone-event, None for no events.
        srtp: "off", "offered" (a plain answer will do) or "required".
        suites: the SRTP suites, best first.
        ours_first: answer with our first codec instead of the offer's first.
        rtcp_mux: offer RTCP on the RTP port.
    """

    host: str
    port: int
    codecs: tuple[int, ...] = agree.OURS
    event_type: int | None = EVENT_TYPE
    srtp: Protection = "off"
    suites: tuple[str, ...] = SUITES_OFFERED
    ours_first: bool = False
    rtcp_mux: bool = False


class Negotiation:
    """The offer/answer machine of one leg. Texts go in and out; `result` is what holds now."""

    __slots__ = (
        "_at",
        "_can",
        "_event_type",
        "_keys",
        "_mux",
        "_places",
        "_proto",
        "_rng",
        "_session",
        "_state",
        "_text",
        "_theirs",
        "_undo",
        "_version",
        "_wish",
        "result",
    )

    def __init__(self, can: Capabilities, session_id: int, rng: random.Random) -> None:
        """`rng` makes SRTP keys: it must be the system's. ValueError for what nobody can offer."""
        if not 0 < can.port < 65_536 or not can.codecs or set(can.codecs) - set(agree.OURS):
            raise ValueError("a port in 1-65535 and the codecs 0 and 8 are all that can be offered")
        if not set(can.suites) <= set(SUITES) or (can.srtp != "off" and not can.suites):
            raise ValueError(f"not suites for SRTP: {can.suites}")
        host = canonical(can.host)
        if ":" not in host and not host.replace(".", "").isdigit():
            raise ValueError(f"not an address: {can.host!r}")
        self._can = msgspec.structs.replace(can, host=host)
        self._session = session_id
        self._version = session_id
        self._rng = rng
        self._state = NEW
        self._text = b""  # what we said last
        self._event_type = can.event_type
        self._wish: Direction = "sendrecv"
        self._places: tuple[Stream, ...] = ()  # the refused streams, and ours at _at
        self._at = 0
        self._proto = "RTP/SAVP" if can.srtp == "required" else "RTP/AVP"
        self._keys: tuple[Crypto, ...] = ()  # ours: as offered, then the one agreed on
        self._mux = can.rtcp_mux
        self._theirs = b""  # their text that `result` was made of
        self._undo: tuple[Direction, tuple[Crypto, ...]] = ("sendrecv", ())
        self.result: Media | None = None

    @classmethod
    def of(cls, text: bytes, rng: random.Random, *, wish: Direction | None = None) -> Negotiation:
        """One that already said `text`, a description of ours; ValueError when it is not that.

        `wish` is how we want the media, if `text` only says what the peer allowed.
        """
        said = read(text)
        at = agree.our_place(said)
        stream = said.streams[at]
        event = agree.events(stream)
        found = cls(
            Capabilities(
                host=stream.host or said.host,
                port=stream.port,
                event_type=EVENT_TYPE if event is None else event.payload_type,
                srtp=agree.protection_of(stream),
            ),
            said.origin.id,
            rng,
        )
        found._state = ANSWERED
        found._text = text
        found._version = said.origin.version
        found._places = tuple(agree.refused(s) for s in said.streams)
        found._at = at
        found._proto = stream.proto
        found._keys = stream.crypto
        found._mux = stream.rtcp_mux
        found._wish = wish or stream.direction or said.direction or "sendrecv"
        return found

    @property
    def state(self) -> str:
        """One of `STATES`."""
        return STATES[self._state]

    @property
    def pending(self) -> bool:
        """Whether an offer of ours waits for its answer."""
        return self._state in {OFFERING, AGAIN}

    @property
    def text(self) -> bytes:
        """Our last description."""
        return self._text

    def _next(self, event: int) -> int:
        """The state after an event; NegotiationError when it comes out of turn."""
        after = TABLE.get((self._state, event))
        if after is None:
            glare = self.pending and event in {OFFER, ASKED}
            raise NegotiationError(f"{EVENTS[event]} while {self.state}", 491 if glare else 500)
        return after

    # our offers

    def offer(self, *, rekey: bool = False) -> bytes:
        """Offer what we have, from now on or anew. NegotiationError while an offer is pending."""
        return self._turn(self._wish, rekey=rekey)

    def hold(self, mode: Direction = "sendonly") -> bytes:
        """Offer to hear nothing any more: "sendonly" (music may play) or "inactive"."""
        return self._turn(mode)

    def resume(self) -> bytes:
        """Offer to talk again."""
        return self._turn("sendrecv")

    def _turn(self, wish: Direction, *, rekey: bool = False) -> bytes:
        after = self._next(OFFER)
        self._undo = self._wish, self._keys
        self._wish = wish
        self._state = after
        return self._make_offer(rekey=rekey)

    def _make_offer(self, *, rekey: bool) -> bytes:
        can = self._can
        if can.srtp != "off" and (rekey or not self._keys):
            self._keys = tuple(fresh(i, s, self._rng) for i, s in enumerate(can.suites, 1))
        held = self.result is not None and not self.result.listens
        # RFC 3264 8.4: who is on hold itself and holds the other offers inactive.
        direction: Direction = "inactive" if held and self._wish == "sendonly" else self._wish
        codecs = [STATIC[n] for n in can.codecs]
        return self._say(codecs, self._event_type, direction, self._keys)

    def _say(
        self,
        codecs: list[Codec],
        event_type: int | None,
        direction: Direction,
        keys: tuple[Crypto, ...],
    ) -> bytes:
        """Our description; a new version when it is another text than before."""
        stream = agree.writes(
            self._can.port,
            codecs,
            event_type,
            direction,
            proto=self._proto,
            crypto=keys,
            rtcp_mux=self._mux,
        )
        streams = (*self._places[: self._at], stream, *self._places[self._at + 1 :])
        host = self._can.host
        origin = Origin(USERNAME, self._session, self._version, host)
        text = write(Description(origin, host, streams=streams))
        if self._text and text != self._text:
            self._version = min(self._version + 1, VERSION_MAX)
            origin = Origin(USERNAME, self._session, self._version, host)
            text = write(Description(origin, host, streams=streams))
        self._text = text
        return text

    def refused(self) -> None:
        """Our offer was refused or withdrawn: what held before holds on (RFC 3261 14.1)."""
        self._state = self._next(REFUSED)
        self._wish, self._keys = self._undo

    # their answers

    def answered(self, remote: bytes) -> Media:
        """Their answer to our offer, or the same one again. NegotiationError when it is none.

        After an error the offer still waits: hang up, or say `refused`.
        """
        after = self._next(ANSWER)
        if self._state == AGREED and remote == self._theirs and self.result is not None:
            return self.result
        media = self._settled(remote)
        self._state = after
        if media.sending is not None:
            self._keys = (media.sending,)
        if media.event_type is not None:
            self._event_type = media.event_type
        self._mux = media.rtcp_mux
        self._theirs, self.result = remote, media
        return media

    def _settled(self, remote: bytes) -> Media:
        """What our text and theirs make of the media."""
        try:
            return agree.settle(read(self._text), read(remote))
        except ValueError as error:
            raise NegotiationError(str(error)) from None

    # their offers

    def offered(self, remote: bytes) -> bytes:
        """Our answer to their offer; NegotiationError (488, or 491 while ours is pending)."""
        after = self._next(ASKED)
        can = self._can
        try:
            said = read(remote)
            at = agree.pick(said, can.codecs, can.srtp)
            media = agree.reads(said, at, can.codecs, ours_first=can.ours_first)
        except ValueError as error:
            raise NegotiationError(str(error)) from None
        stream = said.streams[at]
        sending = self._our_key(stream)
        self._state = after
        self._places = tuple(agree.refused(s) for s in said.streams)
        self._at = at
        self._proto = stream.proto
        self._mux = stream.rtcp_mux
        self._keys = (sending,) if sending else ()
        event = media.event_type if can.event_type is not None else None
        if event is not None:
            self._event_type = event
        direction = agree.both(self._wish, media.direction)
        codec = Codec(media.payload_type, media.law, agree.CLOCK)
        text = self._say([codec], event, direction, self._keys)
        self._theirs, self.result = remote, self._settled(remote)
        return text

    def _our_key(self, stream: Stream) -> Crypto | None:
        """Our key for the first of their lines; the one we had if the suite stays.

        None for plain RTP.
        """
        if self._can.srtp == "off" or not stream.crypto:
            return None
        theirs = stream.crypto[0]
        for ours in self._keys:
            if ours.suite == theirs.suite:
                return msgspec.structs.replace(ours, tag=theirs.tag)
        return fresh(theirs.tag, theirs.suite, self._rng)
