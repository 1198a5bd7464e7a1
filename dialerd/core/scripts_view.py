"""What may be asked about scripts, flows and a customer's questionnaire of the running daemon.

A page or program of an agent reads a `Sheet`, sends each answer as it is given, and shows the sheet
that comes back. What was answered is on disk before it does: after a reload, a lost connection or a
crash the sheet is the same, half filled or whole.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import Meta

from dialerd.core.control_base import Instant, Reply, Request
from dialerd.core.flow_spec import FlowSpec
from dialerd.core.limits import AGENT_NAME_CHARS_MAX, ITEMS_MAX
from dialerd.core.script_records import Answer, Asks
from dialerd.core.script_spec import ScriptSpec
from dialerd.core.spec_parts import Name

Ref = Annotated[
    str, Meta(min_length=1, max_length=200, description="Name of a campaign, or its id.")
]
Whoever = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Version = Annotated[int, Meta(ge=0, le=1 << 31, description="0: the newest.")]
Id = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class ListScripts(Request["Saved"]):
    """The newest version of every script and flow, by name."""


class SavedInfo(Reply):
    """One version of a script or flow."""

    name: str
    version: int
    at: Instant
    who: str
    size: int  # items of a script, steps of a flow


class Saved(Reply):
    """What is saved."""

    scripts: tuple[SavedInfo, ...]
    flows: tuple[SavedInfo, ...]


class GetScript(Request["ScriptInfo"]):
    """One version of a script."""

    name: Name
    version: Version = 0


class SaveScript(Request["ScriptInfo"]):
    """A new version; the newest one again when nothing has changed. Campaigns keep theirs.

    With `behind` only if that is the newest version; 0: if there is none.
    """

    spec: ScriptSpec
    who: Whoever
    behind: Version | None = None


class CheckScript(Request["Checked"]):
    """What saving would refuse, and what else may surprise; nothing is kept."""

    spec: ScriptSpec


class ScriptInfo(Reply):
    """A version of a script as people write it."""

    version: int
    at: Instant
    who: str
    spec: ScriptSpec


class GetFlow(Request["FlowInfo"]):
    """One version of a flow."""

    name: Name
    version: Version = 0


class SaveFlow(Request["FlowInfo"]):
    """A new version; the newest one again when nothing has changed. Campaigns keep theirs.

    With `behind` only if that is the newest version; 0: if there is none.
    """

    spec: FlowSpec
    who: Whoever
    behind: Version | None = None


class CheckFlow(Request["Checked"]):
    """What saving would refuse, and what else may surprise; nothing is kept."""

    spec: FlowSpec


class FlowInfo(Reply):
    """A version of a flow as people write it; `notes` are what is no fault and may surprise."""

    version: int
    at: Instant
    who: str
    spec: FlowSpec
    notes: tuple[str, ...] = ()


class RemoveFlow(Request["Gone"]):
    """Forget a flow with all its versions; Conflict while an unfinished campaign names it."""

    name: Name
    who: Whoever


class Gone(Reply):
    """What was removed."""

    name: str


class Checked(Reply):
    """It may be saved; `notes` are what is no fault and may surprise."""

    notes: tuple[str, ...] = ()


class GetSheet(Request["Sheet"]):
    """The questionnaire of a customer in one call; `attempt` 0: the last one that has one."""

    campaign: Ref
    lead: Id
    attempt: Id = 0


class SaveAnswers(Request["Sheet"]):
    """Keep answers, each in place of an older one; null takes the question as left out.

    All of them or none: Invalid names each that is not what its question asks for.
    """

    campaign: Ref
    lead: Id
    attempt: Id
    answers: Annotated[dict[str, Answer], Meta(max_length=ITEMS_MAX)]
    agent: Annotated[str, Meta(max_length=AGENT_NAME_CHARS_MAX)] = ""


class SheetChoice(Reply):
    """One that may be chosen."""

    id: str
    text: str


class SheetItem(Reply):
    """Content or a question, as it stands on the way through the script.

    `expects` says in words what may be answered, `shown` what was.
    """

    id: str
    text: str  # with the customer's columns filled in
    asks: Asks | None = None
    required: bool = False
    choices: tuple[SheetChoice, ...] = ()
    expects: str = ""
    hint: str = ""
    answered: bool = False
    answer: Answer = None
    shown: str = ""


class Sheet(Reply):
    """A customer's questionnaire in one call.

    `items` are the way so far, up to the question `at` that waits for an answer ("end": none does).
    `kept` has every answer, those too that a change of another one has cut off.
    """

    campaign: str
    lead: int
    attempt: int
    script: str
    version: int
    items: tuple[SheetItem, ...]
    at: str
    complete: bool
    kept: dict[str, Answer]


class ScriptControl(Protocol):
    """The part of `dialerd.core.control.Control` about scripts, flows and answers."""

    async def scripts(self, request: ListScripts) -> Saved:
        """What is saved."""
        ...

    async def script(self, request: GetScript) -> ScriptInfo:
        """One version; NotFound."""
        ...

    async def save_script(self, request: SaveScript) -> ScriptInfo:
        """Invalid with every fault and its place."""
        ...

    async def flow(self, request: GetFlow) -> FlowInfo:
        """One version; NotFound."""
        ...

    async def save_flow(self, request: SaveFlow) -> FlowInfo:
        """Invalid with every fault and its place."""
        ...

    async def check_script(self, request: CheckScript) -> Checked:
        """Invalid with every fault and its place."""
        ...

    async def check_flow(self, request: CheckFlow) -> Checked:
        """Invalid with every fault and its place."""
        ...

    async def remove_flow(self, request: RemoveFlow) -> Gone:
        """Forget it; NotFound, Conflict with its users."""
        ...

    async def sheet(self, request: GetSheet) -> Sheet:
        """A customer's questionnaire; NotFound where there is none."""
        ...

    async def save_answers(self, request: SaveAnswers) -> Sheet:
        """Keep answers; Invalid with the questions that they do not fit, NotFound."""
        ...
