"""The lists of a campaign and the numbers of their people, as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from dialerd.core.flow_checks import FlowFault
from dialerd.core.limits import LISTS_MAX, RETRY_GAP_S_MAX, WEIGHT_MAX
from dialerd.core.list_records import ListMix, ListShare, Newcomers
from dialerd.core.spec_parts import Name, Spec


class NumberOutcome(StrEnum):
    """Outcomes after which another number of the same person may be tried first."""

    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    MACHINE = "machine"


class ListSpec(Spec):
    """One of several lists: `{list = "vip", weight = 3}`."""

    list: Annotated[Name, Meta(description="Its name.")]
    weight: Annotated[int, Meta(ge=1, le=WEIGHT_MAX, description="Its share of the calls.")] = 1


Lists = Annotated[
    tuple[ListSpec, ...],
    Meta(max_length=LISTS_MAX, description="Several lists; a number of two is called once."),
]
Mix = Annotated[
    ListMix, Meta(description="Several lists: side by side by weight, or one after another.")
]
NewPeople = Annotated[
    Newcomers,
    Meta(
        description="People who come into its lists after the approval: call them, leave them to "
        "another campaign, or await them, which also keeps it running when everybody was called."
    ),
]
NextNumberOn = Annotated[
    tuple[NumberOutcome, ...],
    Meta(
        max_length=len(NumberOutcome),
        description="After what another number of the same person is tried before this one is "
        "tried again; one that is done with always gives way.",
    ),
]
NextNumberGap = Annotated[
    int, Meta(ge=0, le=RETRY_GAP_S_MAX, description="Before another number of the same person.")
]


def list_faults(name: str, lists: Sequence[ListSpec]) -> list[FlowFault]:
    """What in a list or several does not fit; pointers begin at the spec."""
    faults: list[FlowFault] = []
    if bool(name) == bool(lists):
        faults.append(FlowFault(("list",), "either a list or several lists"))
    seen: set[str] = set()
    for index, one in enumerate(lists):
        if one.list in seen:
            faults.append(FlowFault(("lists", index, "list"), f"{one.list!r} stands there twice"))
        seen.add(one.list)
    return faults


def to_lists(lists: Sequence[ListSpec], ids: Mapping[str, int]) -> tuple[ListShare, ...]:
    """The records that the store keeps; unknown lists are 0."""
    return tuple(ListShare(ids.get(one.list, 0), one.weight) for one in lists)


def from_lists(lists: Sequence[ListShare], names: Mapping[int, str]) -> tuple[ListSpec, ...]:
    """The way back; a list without a name is its id."""
    return tuple(
        ListSpec(list=names.get(one.list_id, str(one.list_id)), weight=one.weight) for one in lists
    )
