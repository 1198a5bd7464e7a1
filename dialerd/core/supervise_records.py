"""How people listen in on calls: what they ask for."""

from __future__ import annotations

from enum import StrEnum

from dialerd.core.record import Record


class SuperviseMode(StrEnum):
    """Who hears a supervisor; a supervisor hears everybody."""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent
    BARGE = "barge"  # both


class Supervise(Record):
    """A person's order: hear a call at the telephone `phone`, speak in another way, or leave.

    `who` is the person: one has one place at a call. `mode` None: leave.
    """

    who: str
    mode: SuperviseMode | None
    phone: str = ""
