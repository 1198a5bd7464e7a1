"""Bridges and rooms of the media engine: who talks with whom."""

from typing import final

from typing_extensions import disjoint_base

from fastpath.rtp_engine import StreamEngine

@final
class RoomHandle:
    """One room, inside of the engine."""

@disjoint_base
@disjoint_base
class PartyEngine(StreamEngine):
    """Streams that meet, on whichever threads they are.

    A stream is in one bridge or one room at a time: the newest wins. Its prompts and keys go before
    what the others say. Closing a stream takes it out. KeyError for a stream or room that is not
    open; ValueError for a stream that echoes.
    """

    def bridge(self, a: int, b: int, *, events: bool = True) -> None:
        """The peers of two streams hear each other: packet by packet, payloads untouched.

        Between PCMU and PCMA by table. `events` passes RFC 4733 keys on to a peer that agreed on
        them; they are told as DigitHeard in any case. ValueError for a stream and itself, and for
        the audio of a modem, which meets others in a room.
        """

    def unbridge(self, stream: int) -> None:
        """End the stream's bridge; nothing happens when it has none."""

    def bridged(self, stream: int) -> tuple[int, int, int] | None:
        """The stream at the other end, packets passed to this peer, and packets that were not.

        None without a bridge. Not passed are those that came while we spoke to it ourselves, longer
        than 60 ms, or too many at once.
        """

    def room(self, *, over: bool = False) -> int:
        """A new room; OSError (ENOBUFS) when there are 4096.

        `over`: its parties hear it over what is played to them, too; else a prompt goes first.
        """

    def join(
        self,
        room: int,
        stream: int,
        role: str = "agent",
        *,
        hears: set[int] | None = None,
        heard_by: set[int] | None = None,
    ) -> None:
        """Enter a room, or change the role in it: customer, agent, listening, whispering, barging.

        Everybody hears customers, agents and who barges; agents and supervisors hear who whispers;
        nobody hears who listens. `hears` and `heard_by` name streams of the room instead. OSError
        (ENOBUFS) when 64 parties are in; ValueError for another role.
        """

    def overhear(
        self, room: int, stream: int, role: str = "customer", *, played: bool = False
    ) -> None:
        """A room hears what a stream's peer says, and with `played` what is played to it.

        The stream goes on as before, in a bridge or alone, and neither side of it notices. When it
        joins this room nothing is left out; when it leaves, it is overheard again. OSError
        (ENOBUFS) when there is no place; ValueError for one that is overheard already.
        """

    def overhear_no_more(self, stream: int) -> None:
        """End that, and its seat in the room; nothing happens when nobody overhears it."""

    def leave(self, stream: int) -> None:
        """Leave the room; nothing happens when the stream is in none."""

    def parties(self, room: int) -> set[int]:
        """The streams in a room."""

    def close_room(self, room: int) -> None:
        """Everybody leaves."""

    def mute(self, stream: int, on: bool = True) -> None:
        """What the peer says is heard by nobody. ValueError when it meets nobody."""

    def park(self, stream: int, on: bool = True) -> None:
        """Take the peer out of the conversation: it hears only what is played, and nobody hears it.

        ValueError when it meets nobody.
        """
