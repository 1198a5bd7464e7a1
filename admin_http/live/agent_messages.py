"""What goes over an agent's socket: one JSON object a message.

From the agent: an `id` of its choice, an `act` and the act's own fields. The acts are those of
`dialerd.core.agents_view`, and few more that only the socket knows. To the agent: a `type`.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, dataclass_transform

import msgspec
from msgspec import Meta

from admin_http.problems import Problem
from dialerd.core import agents_view as view
from dialerd.core.agents_view import Act, AgentInfo, Work
from dialerd.core.limits import ITEMS_MAX
from dialerd.core.script_records import Answer
from dialerd.core.scripts_view import Sheet

ID_CHARS_MAX: Final = 64
BESIDE: Final = (view.Lost, view.Back)  # the socket says these by itself

Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_CHARS_MAX,
        pattern=r"^[\x21-\x7e]+$(?!\n)",
        description="Of your choice; the answer has the same. Sent again it is not done again.",
    ),
]


class Resync(Act, tag="resync"):
    """Tell me the present state."""


class ShowSheet(Act, tag="sheet"):
    """The questionnaire of the customer on my card."""


class KeepAnswers(Act, tag="answers"):
    """Keep answers of the customer on my card; null: left out."""

    answers: Annotated[dict[str, Answer], Meta(max_length=ITEMS_MAX)]


def _message(act: type[Act]) -> type[msgspec.Struct]:
    """An act with an id."""
    return msgspec.defstruct(
        f"Agent{act.__name__}",
        [("id", Id)],
        bases=(act,),
        namespace={"__doc__": act.__doc__},
        tag=act.__struct_config__.tag,
        frozen=True,
        kw_only=True,
    )


ACTS: Final[tuple[type[Act], ...]] = tuple(
    kind for kind in (*view.AnyAct.__args__, Resync, ShowSheet, KeepAnswers) if kind not in BESIDE
)
_BY_MESSAGE: Final = {_message(act): act for act in ACTS}
MESSAGES: Final = tuple(_BY_MESSAGE)
ANY_MESSAGE: Final[Any] = reduce(or_, MESSAGES)


def act_of(message: Any) -> Act:
    """The act without its id."""
    kind = _BY_MESSAGE[type(message)]
    return kind(**{name: getattr(message, name) for name in kind.__struct_fields__})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Base of what the agent is told."""


class Snapshot(Reply, tag="snapshot"):
    """The present state. What came before is in it; `at` is what you give back as `last`."""

    at: str
    agent: AgentInfo | None  # null: not logged in since the daemon was started
    work: tuple[Work, ...]


class Ack(Reply, tag="ack"):
    """It is done; `agent` is where you stand then."""

    id: str
    agent: AgentInfo | None = None
    sheet: Sheet | None = None


class Refused(Reply, tag="refused"):
    """It is not done; no id: the message could not be read."""

    problem: Problem
    id: str | None = None


class Event(Reply, tag="event"):
    """What has happened to you; topics are `agent` and `card`."""

    at: str
    at_ms: int
    topic: str
    data: dict[str, Any]


class Core(Reply, tag="core"):
    """Whether the daemon can be reached; a snapshot follows when it can again."""

    up: bool


ANY_REPLY: Final[Any] = Snapshot | Ack | Refused | Event | Core
