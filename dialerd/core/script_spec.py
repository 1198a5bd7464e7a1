"""A script as people write it, in TOML or JSON.

[[items]]
id = "hello"
text = "Xin chào {name}, em gọi từ ..."       # content to read out

[[items]]
id = "pleased"
text = "Anh/chị có hài lòng không?"
asks = "scale"
least = 1
most = 5
required = true
branches = [{ most = 2, to = "why" }, { least = 5, to = "end" }]
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from dialerd.core.limits import (
    BRANCHES_MAX,
    CHOICES_MAX,
    DECIMALS_MAX,
    ITEMS_MAX,
    NAME_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from dialerd.core.script import END, ScriptFault, script_faults
from dialerd.core.script_records import Asks, Branch, Choice, Item, Script
from dialerd.core.spec_parts import Column, Name, Spec, StepId

ID_TEXT = r"^[^\x00-\x1f\x7f-\x9f,;]+$(?!\n)"
Long = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_CHARS_MAX,
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]+$(?!\n)",
        description="What is read out or asked; {column} is the customer's.",
        extra={"hint": "printable characters and line ends"},
    ),
]
ChoiceId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARS_MAX,
        pattern=ID_TEXT,
        extra={"hint": "printable characters, no comma or semicolon"},
    ),
]
Bound = Annotated[int | float | str, Meta(description="A number, a date, a time, a length.")]


class ChoiceSpec(Spec):
    """One of the answers that may be chosen."""

    id: ChoiceId
    text: Annotated[Column, Meta(description="As it is shown; empty: the id.")] = ""


class BranchSpec(Spec):
    """Where an answer leads; all that is given must hold, the first that does is taken."""

    to: Annotated[StepId, Meta(description='The id of an item, or "end".')]
    answer: Annotated[
        bool | int | float | str | None,
        Meta(description="A choice's id, yes or no, a number, a date; of several choices one."),
    ] = None
    least: Bound | None = None
    most: Bound | None = None
    left_out: Annotated[bool, Meta(description="The question was left without an answer.")] = False


class ItemSpec(Spec):
    """Content to read out, or with `asks` a question."""

    id: StepId
    text: Long
    asks: Annotated[Asks | None, Meta(description="The kind of answer; without it: content.")] = (
        None
    )
    then: Annotated[StepId, Meta(description='Where it goes on; "end".')] | None = None
    required: bool = False
    choices: Annotated[tuple[ChoiceId | ChoiceSpec, ...], Meta(max_length=CHOICES_MAX)] = ()
    least: Bound | None = None
    most: Bound | None = None
    decimals: Annotated[int, Meta(ge=0, le=DECIMALS_MAX)] = 0
    branches: Annotated[tuple[BranchSpec, ...], Meta(max_length=BRANCHES_MAX)] = ()
    hint: Annotated[Column, Meta(description="For the agent only.")] = ""


class ScriptSpec(Spec):
    """A whole script; saving it again under its name makes a new version."""

    name: Name
    items: Annotated[
        tuple[ItemSpec, ...],
        Meta(min_length=1, max_length=ITEMS_MAX, description="The first is where it begins."),
    ]


def to_script(spec: ScriptSpec) -> Script:
    """The record that the store keeps: where each item goes on is written out."""
    following = [*(item.id for item in spec.items[1:]), END]
    return Script(
        tuple(_item(item, after) for item, after in zip(spec.items, following, strict=True))
    )


def _item(item: ItemSpec, after: str) -> Item:
    return Item(
        item.id,
        item.text,
        item.then or after,
        item.asks,
        item.required,
        tuple(
            Choice(one, one) if isinstance(one, str) else Choice(one.id, one.text or one.id)
            for one in item.choices
        ),
        _text(item.least),
        _text(item.most),
        item.decimals,
        tuple(
            Branch(b.to, _text(b.answer), _text(b.least), _text(b.most), b.left_out)
            for b in item.branches
        ),
        item.hint,
    )


def _text(value: float | str | None) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def spec_of(name: str, script: Script) -> ScriptSpec:
    """The way back, for people to read and change."""
    following = [*(item.item_id for item in script.items[1:]), END]
    return ScriptSpec(
        name=name,
        items=tuple(
            ItemSpec(
                id=item.item_id,
                text=item.text,
                asks=item.asks,
                then=None if item.then == after else item.then,
                required=item.required,
                choices=tuple(
                    c.choice_id
                    if c.text == c.choice_id
                    else ChoiceSpec(id=c.choice_id, text=c.text)
                    for c in item.choices
                ),
                least=item.least or None,
                most=item.most or None,
                decimals=item.decimals,
                branches=tuple(
                    BranchSpec(
                        to=b.to,
                        answer=b.answer or None,
                        least=b.least or None,
                        most=b.most or None,
                        left_out=b.left_out,
                    )
                    for b in item.branches
                ),
                hint=item.hint,
            )
            for item, after in zip(script.items, following, strict=True)
        ),
    )


def spec_faults(spec: ScriptSpec) -> list[ScriptFault]:
    """What in a script does not fit the rest of it; pointers begin at the spec."""
    return script_faults(to_script(spec))
