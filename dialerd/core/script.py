"""Scripts and surveys: checking one before it is saved, and walking it with the answers so far.

A script goes forward: from each item to the next one of the file unless `then` or a branch says
otherwise, and never back to where it was. So a conversation always comes to its end. Where one
stands is a function of the answers alone (`walk`); an answer that is changed cuts off what it no
longer leads to, and leads there again when it is changed back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from dialerd.core.chain import fields_of, stray_braces
from dialerd.core.limits import (
    BRANCHES_MAX,
    CHOICES_MAX,
    DECIMALS_MAX,
    ITEMS_MAX,
    TEXT_CHARS_MAX,
)
from dialerd.core.script_answers import (
    BOUNDED,
    AnswerError,
    bound,
    read,
    same,
    samples,
    within,
)
from dialerd.core.script_records import Answer, Asks, Branch, Item, Script

END: Final = "end"
_CHOSEN: Final = frozenset({Asks.CHOICE, Asks.MULTI})
_RANGED: Final = frozenset({Asks.NUMBER, Asks.SCALE, Asks.DATE, Asks.TIME})
_BRANCHED: Final = _CHOSEN | _RANGED | {Asks.YES_NO}


class ScriptFault(NamedTuple):
    """A value that does not fit; `pointer` is its place in the script as people write one."""

    pointer: tuple[str | int, ...]
    text: str


class Walk(NamedTuple):
    """Where a conversation stands.

    `path` is what was and is to be read out and asked, up to the question that waits for an answer:
    the item `at`, or END. `answers` are those of the path; others were cut off by a change.
    """

    path: tuple[Item, ...]
    at: str
    answers: dict[str, Answer]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask."""
        return self.at == END


def walk(script: Script, answers: Mapping[str, Answer]) -> Walk:
    """Follow the answers of a script without faults; an answer that does not fit counts as none."""
    by_id = {item.item_id: item for item in script.items}
    path: list[Item] = []
    used: dict[str, Answer] = {}
    at = script.items[0].item_id
    while at != END and len(path) <= len(by_id):
        item = by_id[at]
        path.append(item)
        if item.asks is None:
            at = item.then
            continue
        if item.item_id not in answers or not _fits(item, answers[item.item_id]):
            break
        value = used[item.item_id] = answers[item.item_id]
        at = leads_to(item, value)
    return Walk(tuple(path), at, used)


def answered(script: Script, item_id: str, given: object) -> Answer:
    """What is kept of an answer that was typed or sent to a question.

    Raises:
        AnswerError: there is no such question, or the answer is not what it asks for.
    """
    for item in script.items:
        if item.item_id == item_id and item.asks is not None:
            return read(item, given)
    raise AnswerError(f"there is no question {item_id!r}")


def leads_to(item: Item, value: Answer) -> str:
    """Where an answer goes on."""
    return next((b.to for b in item.branches if _holds(item, b, value)), item.then)


def _fits(item: Item, value: Answer) -> bool:
    try:
        read(item, list(value) if isinstance(value, tuple) else value)
    except AnswerError:
        return False
    return True


def _holds(item: Item, branch: Branch, value: Answer) -> bool:
    if branch.left_out or value is None:
        return branch.left_out and value is None
    if branch.answer and not same(item, value, branch.answer):
        return False
    return within(item, value, branch.least, branch.most)


def questions(script: Script) -> tuple[Item, ...]:
    """Its questions in their order."""
    return tuple(item for item in script.items if item.asks is not None)


def fields_needed(script: Script) -> dict[str, int]:
    """The contact's fields that are read out, each with the index of the first item."""
    found: dict[str, int] = {}
    for index, item in enumerate(script.items):
        for field in fields_of(item.text):
            found.setdefault(field, index)
    return found


# -- faults ----------------------------------------------------------------------------------------


def script_faults(script: Script) -> list[ScriptFault]:
    """Every reason why a script cannot be gone through as its author meant."""
    items = script.items
    if not 1 <= len(items) <= ITEMS_MAX:
        return [ScriptFault(("items",), f"must be 1 to {ITEMS_MAX} items")]
    ids = [item.item_id for item in items]
    faults: list[ScriptFault] = []
    for index, item in enumerate(items):
        if item.item_id == END or item.item_id in ids[:index]:
            faults.append(ScriptFault(("items", index, "id"), f"the id {item.item_id!r} is taken"))
        faults += [
            ScriptFault(("items", index, *fault.pointer), fault.text)
            for fault in _item_faults(item, ids)
        ]
    return faults or [*_untaken(script), *_loops(script)] or list(_unreached(script))


def _item_faults(item: Item, ids: list[str]) -> Iterator[ScriptFault]:
    if not 1 <= len(item.text) <= TEXT_CHARS_MAX or stray_braces(item.text):
        yield ScriptFault(("text",), f"must be 1 to {TEXT_CHARS_MAX} characters with {{fields}}")
    if item.then != END and item.then not in ids:
        yield ScriptFault(("then",), _no_item(item.then, ids))
    if item.asks is None:
        if item.required or item.choices or item.least or item.most or item.branches:
            yield ScriptFault(("asks",), "only a question has answers: say what it asks")
        return
    yield from _choice_faults(item)
    bounds = list(_bound_faults(item))
    yield from bounds
    if not bounds:
        yield from _branch_faults(item, ids)


def _choice_faults(item: Item) -> Iterator[ScriptFault]:
    if item.asks not in _CHOSEN:
        if item.choices:
            yield ScriptFault(("choices",), f"{item.asks} has no choices")
        return
    if not 1 <= len(item.choices) <= CHOICES_MAX:
        yield ScriptFault(("choices",), f"needs 1 to {CHOICES_MAX} choices: it is a dead end")
    ids = [choice.choice_id for choice in item.choices]
    for index, one in enumerate(ids):
        if one in ids[:index]:
            yield ScriptFault(("choices", index, "id"), f"the id {one!r} is taken")


def _bound_faults(item: Item) -> Iterator[ScriptFault]:
    if not 0 <= item.decimals <= (DECIMALS_MAX if item.asks is Asks.NUMBER else 0):
        yield ScriptFault(("decimals",), f"only a number has decimals, at most {DECIMALS_MAX}")
    elif item.asks is Asks.SCALE and not (item.least and item.most):
        yield ScriptFault(("least",), "a scale needs its least and its most")
    elif item.asks not in BOUNDED and (item.least or item.most):
        yield ScriptFault(("least" if item.least else "most",), f"{item.asks} has no bounds")
    else:
        bad = list(_bad_bounds(item, item.least, item.most))
        yield from bad
        most = item.most or (str(len(item.choices)) if item.asks is Asks.MULTI else "")
        if not bad and item.least and most and _crossed(item, item.least, most):
            yield ScriptFault(("least",), f"no answer is from {item.least} to {most}: a dead end")


def _bad_bounds(item: Item, least: str, most: str) -> Iterator[ScriptFault]:
    for name, text in (("least", least), ("most", most)):
        try:
            if text:
                bound(item, text)
        except AnswerError as error:
            yield ScriptFault((name,), f"{text!r}: {error}")


def _crossed(item: Item, least: str, most: str) -> bool:
    low, high = bound(item, least), bound(item, most)
    return low > high  # type: ignore[operator] # of one question both are of one kind


def _branch_faults(item: Item, ids: list[str]) -> Iterator[ScriptFault]:
    if len(item.branches) > BRANCHES_MAX:
        yield ScriptFault(("branches",), f"must be at most {BRANCHES_MAX}")
    for index, branch in enumerate(item.branches):
        for where, text in _one_branch(item, branch, ids):
            yield ScriptFault(("branches", index, *where), text)


def _one_branch(item: Item, branch: Branch, ids: list[str]) -> Iterator[ScriptFault]:
    if branch.to != END and branch.to not in ids:
        yield ScriptFault(("to",), _no_item(branch.to, ids))
    if not (branch.answer or branch.least or branch.most or branch.left_out):
        yield ScriptFault(("to",), "says not when: give it answer, least, most or left_out")
    if branch.left_out and (branch.answer or branch.least or branch.most):
        yield ScriptFault(("left_out",), "what was left out has no value")
    if branch.answer and item.asks not in _BRANCHED:
        yield ScriptFault(("answer",), f"answers of {item.asks} are not foreseen one by one")
    elif branch.answer and item.asks in _CHOSEN:
        choices = [choice.choice_id for choice in item.choices]
        if branch.answer not in choices:
            listed = ", ".join(choices)
            yield ScriptFault(("answer",), f"there is no choice {branch.answer!r}: {listed}")
    elif branch.answer:
        try:
            same(item, item.asks is Asks.YES_NO, branch.answer)
        except AnswerError as error:
            yield ScriptFault(("answer",), f"{branch.answer!r}: {error}")
    if branch.least or branch.most:
        if item.asks not in _RANGED:
            where = "least" if branch.least else "most"
            yield ScriptFault((where,), f"{item.asks} has no order to branch by")
        else:
            yield from _bad_bounds(item, branch.least, branch.most)


def _no_item(name: str, ids: list[str]) -> str:
    return f"there is no item {name!r}; items: {', '.join([*ids, END])}"


def _ways(item: Item) -> dict[str, int]:
    """Where an item can lead, with the branch that leads there (-1: `then`)."""
    if item.asks is None:
        return {item.then: -1}
    found: dict[str, int] = {}
    for value in samples(item):
        index = next((i for i, b in enumerate(item.branches) if _holds(item, b, value)), -1)
        found.setdefault(item.branches[index].to if index >= 0 else item.then, index)
    return found


def _untaken(script: Script) -> Iterator[ScriptFault]:
    """Branches that no answer takes: one before them does, or the question forbids it."""
    for place, item in enumerate(script.items):
        if item.asks is None:
            continue
        values = samples(item)
        taken = {
            next((i for i, b in enumerate(item.branches) if _holds(item, b, value)), -1)
            for value in values
        }
        for index in range(len(item.branches)):
            if index not in taken:
                yield ScriptFault(
                    ("items", place, "branches", index, "to"), "no answer takes this branch"
                )


def _loops(script: Script) -> Iterator[ScriptFault]:
    """Each way back, at the place that says it."""
    index = {item.item_id: place for place, item in enumerate(script.items)}
    ways = [_ways(item) for item in script.items]
    done: set[int] = set()
    for start in range(len(ways)):
        if start in done:
            continue
        trail, todo = [start], [iter(ways[start].items())]
        while trail:
            way = next(todo[-1], None)
            if way is None:
                done.add(trail.pop())
                todo.pop()
                continue
            to, branch = index.get(way[0], -1), way[1]
            if to in trail:
                circle = [script.items[place].item_id for place in trail[trail.index(to) :]]
                said = " -> ".join([*circle, way[0]])
                where = ("then",) if branch < 0 else ("branches", branch, "to")
                yield ScriptFault(("items", trail[-1], *where), f"a loop: {said}")
            elif to >= 0 and to not in done:
                trail.append(to)
                todo.append(iter(ways[to].items()))


def _unreached(script: Script) -> Iterator[ScriptFault]:
    by_id = {item.item_id: item for item in script.items}
    todo = [script.items[0].item_id]
    seen: set[str] = set()
    while todo:
        item = by_id.get(todo.pop())
        if item is not None and item.item_id not in seen:
            seen.add(item.item_id)
            todo += _ways(item)
    for index, item in enumerate(script.items):
        if item.item_id not in seen:
            yield ScriptFault(("items", index, "id"), f"no answer leads to {item.item_id!r}")
