"""What may be told to the daemon about prompts."""

from __future__ import annotations

from typing import Final

from dialerd.core.control_base import Reply, Request
from dialerd.core.spec_parts import PromptName

RATE: Final = 8_000  # samples a second, as telephones play them
SECONDS_MAX: Final = 600  # of one prompt


class PromptError(ValueError):
    """What cannot be a prompt, or is none; the text names it and says why."""


class PromptChanged(Request["PromptTaken"]):
    """A prompt was imported or replaced: play what its name stands for now.

    With `remove` the daemon removes it first; Conflict when an unfinished campaign names it.
    """

    name: PromptName
    remove: bool = False


class PromptTaken(Reply):
    """What the name stands for now; `why` says why it stands for nothing that can be played."""

    name: str
    seconds: float
    why: str = ""
