"""Scripts: what is refused at save time, typed answers, and where any answers lead."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.limits import ANSWER_CHARS_MAX, ITEMS_MAX
from dialerd.core.script import (
    END,
    answered,
    fields_needed,
    leads_to,
    questions,
    script_faults,
    walk,
)
from dialerd.core.script_answers import AnswerError, read, samples, shown
from dialerd.core.script_records import Asks, Branch, Choice, Item, Script
from dialerd.core.script_spec import ScriptSpec, spec_of, to_script


def content(item_id, then=END, text="Hello"):
    return Item(item_id, text, then)


def ask(item_id, asks, then=END, *branches, **more):
    return Item(item_id, "Well?", then, asks, branches=branches, **more)


def choices(*ids):
    return tuple(Choice(one, one.upper()) for one in ids)


def faults(*items):
    return [f"{'/'.join(map(str, f.pointer))}: {f.text}" for f in script_faults(Script(items))]


SURVEY = Script(
    (
        content("hello", "free"),
        ask("free", Asks.YES_NO, "pleased", Branch("again", "no"), required=True),
        ask(
            "pleased", Asks.SCALE, "bye", Branch("why", most="3"),
            required=True, least="1", most="5",
        ),
        ask("why", Asks.MULTI, "bye", choices=choices("price", "staff")),
        ask("again", Asks.DATE, "bye"),
        content("bye"),
    )
)  # fmt: skip


def test_a_script_without_fault():
    assert script_faults(SURVEY) == []
    assert [item.item_id for item in questions(SURVEY)] == ["free", "pleased", "why", "again"]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ((content("a", "b"),), "items/0/then: there is no item 'b'; items: a, end"),
        ((content("a", "a"),), "items/0/then: a loop: a -> a"),
        ((content("a"), content("b")), "items/1/id: no answer leads to 'b'"),
        ((content("a", "a2"), content("a2"), content("a")), "items/2/id: the id 'a' is taken"),
        ((content(END),), "items/0/id: the id 'end' is taken"),
        ((content("a", text="{x"),), "items/0/text: must be 1 to 10000 characters with {fields}"),
        ((ask("q", Asks.CHOICE),), "items/0/choices: needs 1 to 100 choices: it is a dead end"),
        ((ask("q", Asks.TEXT, choices=choices("a")),), "items/0/choices: text has no choices"),
        (
            (ask("q", Asks.CHOICE, choices=choices("a", "a")),),
            "items/0/choices/1/id: the id 'a' is taken",
        ),
        ((ask("q", Asks.SCALE),), "items/0/least: a scale needs its least and its most"),
        (
            (ask("q", Asks.NUMBER, least="5", most="4"),),
            "items/0/least: no answer is from 5 to 4: a dead end",
        ),
        (
            (ask("q", Asks.MULTI, choices=choices("a"), least="2"),),
            "items/0/least: no answer is from 2 to 1: a dead end",
        ),
        (
            (ask("q", Asks.NUMBER, least="x"),),
            "items/0/least: 'x': must be a whole number",
        ),
        (
            (ask("q", Asks.DATE, most="2026-02-30"),),
            "items/0/most: '2026-02-30': must be a date such as 2026-11-23 or 23/11/2026",
        ),
        ((ask("q", Asks.YES_NO, least="1"),), "items/0/least: yes_no has no bounds"),
        ((ask("q", Asks.TEXT, decimals=1),), "items/0/decimals: only a number has decimals"),
        (
            (ask("q", Asks.CHOICE, END, Branch(END, "c"), choices=choices("a")),),
            "items/0/branches/0/answer: there is no choice 'c': a",
        ),
        (
            (ask("q", Asks.TEXT, END, Branch(END, "hi")),),
            "items/0/branches/0/answer: answers of text are not foreseen one by one",
        ),
        (
            (ask("q", Asks.YES_NO, END, Branch(END, "maybe")),),
            "items/0/branches/0/answer: 'maybe': must be yes or no",
        ),
        (
            (ask("q", Asks.CHOICE, END, Branch(END, least="1"), choices=choices("a")),),
            "items/0/branches/0/least: choice has no order to branch by",
        ),
        ((ask("q", Asks.TEXT, END, Branch(END)),), "items/0/branches/0/to: says not when"),
        (
            (ask("q", Asks.NUMBER, END, Branch(END, "1", left_out=True)),),
            "items/0/branches/0/left_out: what was left out has no value",
        ),
        (
            (ask("q", Asks.NUMBER, END, Branch("x", "1")),),
            "items/0/branches/0/to: there is no item 'x'; items: q, end",
        ),
        ((Item("a", "Hi", END, required=True),), "items/0/asks: only a question has answers"),
        # What no answer can do.
        (
            (ask("q", Asks.SCALE, END, Branch(END, "6"), least="1", most="5"),),
            "items/0/branches/0/to: no answer takes this branch",
        ),
        (
            (ask("q", Asks.NUMBER, END, Branch(END, least="1"), Branch(END, "7")),),
            "items/0/branches/1/to: no answer takes this branch",
        ),
        (
            (ask("q", Asks.YES_NO, END, Branch(END, left_out=True), required=True),),
            "items/0/branches/0/to: no answer takes this branch",
        ),
        (
            (
                ask("q", Asks.YES_NO, "b", Branch(END, "yes"), Branch(END, "no"), required=True),
                content("b"),
            ),
            "items/1/id: no answer leads to 'b'",
        ),
        (
            (ask("q", Asks.NUMBER, "b", Branch("b", "1")), content("b", "q")),
            "items/1/then: a loop: q -> b -> q",
        ),
        (
            (content("a", "q"), ask("q", Asks.YES_NO, END, Branch("a", "no"))),
            "items/1/branches/0/to: a loop: a -> q -> a",
        ),
    ],
)
def test_what_is_refused_at_save_time(items, said):
    assert len(faults(*items)) == 1
    assert faults(*items)[0].startswith(said)


def test_a_question_that_may_be_left_out_leads_on():
    """Both answers have a branch, and leaving it out has none: then `then` is reached."""
    asked = ask("q", Asks.YES_NO, "b", Branch(END, "yes"), Branch(END, "no"))
    assert faults(asked, content("b")) == []


def test_size():
    assert faults() == [f"items: must be 1 to {ITEMS_MAX} items"]
    many = [content(str(i), str(i + 1)) for i in range(ITEMS_MAX)]
    assert faults(*many[:-1], content(str(ITEMS_MAX - 1))) == []
    assert faults(*many, content(str(ITEMS_MAX))) == [f"items: must be 1 to {ITEMS_MAX} items"]


# -- answers ---------------------------------------------------------------------------------------

GOOD = [
    (ask("q", Asks.TEXT), " Xin chào\nanh ", "Xin chào\nanh"),
    (ask("q", Asks.CHOICE, choices=choices("a", "b")), "b", "b"),
    (ask("q", Asks.CHOICE, choices=(Choice("a", "Đỏ"),)), "đỏ", "a"),
    (ask("q", Asks.MULTI, choices=choices("a", "b", "c")), "c, a;c", ("a", "c")),
    (ask("q", Asks.MULTI, choices=choices("a", "b")), ["b"], ("b",)),
    (ask("q", Asks.NUMBER), "-12", -12),
    (ask("q", Asks.NUMBER), 7, 7),
    (ask("q", Asks.NUMBER, decimals=2), "3,5", 3.5),
    (ask("q", Asks.NUMBER, decimals=2), "-0.25", -0.25),
    (ask("q", Asks.NUMBER, decimals=1), 2.0, 2.0),
    (ask("q", Asks.NUMBER, least="1", most="9"), "9", 9),
    (ask("q", Asks.DATE), "29/2/2028", "2028-02-29"),
    (ask("q", Asks.DATE), "2026-1-9", "2026-01-09"),
    (ask("q", Asks.TIME), "8h30", "08:30"),
    (ask("q", Asks.TIME), "17", "17:00"),
    (ask("q", Asks.YES_NO), "Có", True),
    (ask("q", Asks.YES_NO), "không", False),
    (ask("q", Asks.YES_NO), False, False),
    (ask("q", Asks.SCALE, least="1", most="5"), "5", 5),
    (ask("q", Asks.PHONE), "+84 (912) 345-678", "+84912345678"),
    (ask("q", Asks.TEXT), "  ", None),
    (ask("q", Asks.MULTI, choices=choices("a")), [], None),
    (ask("q", Asks.DATE), None, None),
]


@pytest.mark.parametrize(("item", "typed", "kept"), GOOD)
def test_answers_as_they_are_typed(item, typed, kept):
    assert read(item, typed) == kept
    assert type(read(item, typed)) is type(kept)
    again = read(item, list(kept) if isinstance(kept, tuple) else kept)
    assert again == kept  # what is kept is an answer itself


BAD = [
    (ask("q", Asks.TEXT), "a\x1b[1m", "a text"),
    (ask("q", Asks.TEXT, most="3"), "abcd", "a text, at most 3 characters"),
    (ask("q", Asks.TEXT), 3, "a text"),
    (ask("q", Asks.CHOICE, choices=choices("a", "b")), "c", "one of a, b"),
    (ask("q", Asks.MULTI, choices=choices("a", "b"), most="1"), "a,b", "any of a, b, at most 1"),
    (ask("q", Asks.MULTI, choices=choices("a")), ["a", 3], "any of a"),
    (ask("q", Asks.MULTI, choices=choices("a")), 3, "any of a"),
    (ask("q", Asks.NUMBER), "1.5", "a whole number"),
    (ask("q", Asks.NUMBER), "1.000", "a whole number"),  # a thousand to some, one to others
    (ask("q", Asks.NUMBER), True, "a whole number"),
    (ask("q", Asks.NUMBER, decimals=1), float("nan"), "a number with up to 1 decimals"),
    (ask("q", Asks.NUMBER, decimals=1), "1.55", "a number with up to 1 decimals"),
    (ask("q", Asks.NUMBER, least="1", most="9"), "10", "a whole number, 1 to 9"),
    (ask("q", Asks.NUMBER), "9" * 99, "a whole number"),
    (ask("q", Asks.DATE), "30/2/2026", "a date"),
    (ask("q", Asks.DATE, least="2026-01-01"), "2025-12-31", "at least 2026-01-01"),
    (ask("q", Asks.DATE), 5, "a date"),
    (ask("q", Asks.TIME), "24:00", "a time such as 08:30"),
    (ask("q", Asks.TIME), "noon", "a time such as 08:30"),
    (ask("q", Asks.YES_NO), "perhaps", "yes or no"),
    (ask("q", Asks.YES_NO), 1, "yes or no"),
    (ask("q", Asks.SCALE, least="1", most="5"), 0, "a whole number, 1 to 5"),
    (ask("q", Asks.SCALE, least="1", most="5"), "2.5", "a whole number, 1 to 5"),
    (ask("q", Asks.PHONE), "12", "a telephone number of 3 to 15 digits"),
    (ask("q", Asks.TEXT, required=True), "", "an answer is required: a text"),
    (ask("q", Asks.TEXT), "x" * (ANSWER_CHARS_MAX + 1), "at most 10000 characters"),
]


@pytest.mark.parametrize(("item", "typed", "said"), BAD)
def test_a_wrong_answer_is_told_what_is_expected(item, typed, said):
    with pytest.raises(AnswerError, match=said.replace("+", r"\+")):
        read(item, typed)


def test_only_questions_are_answered():
    with pytest.raises(AnswerError, match="no question 'hello'"):
        answered(SURVEY, "hello", "x")
    with pytest.raises(AnswerError, match="no question 'gone'"):
        answered(SURVEY, "gone", "x")
    assert answered(SURVEY, "pleased", "4") == 4


@pytest.mark.parametrize(
    ("item", "value", "text"),
    [
        (ask("q", Asks.CHOICE, choices=choices("a")), "a", "A"),
        (ask("q", Asks.MULTI, choices=choices("a", "b")), ("a", "b"), "A; B"),
        (ask("q", Asks.YES_NO), True, "yes"),
        (ask("q", Asks.NUMBER, decimals=2), 3.5, "3.50"),
        (ask("q", Asks.SCALE), 3, "3"),
        (ask("q", Asks.TEXT), None, ""),
    ],
)
def test_answers_as_people_read_them(item, value, text):
    assert shown(item, value) == text


# -- walking ---------------------------------------------------------------------------------------


def ids(stands):
    return [item.item_id for item in stands.path]


def test_a_walk_waits_for_each_answer():
    assert ids(walk(SURVEY, {})) == ["hello", "free"]
    assert walk(SURVEY, {}).at == "free"
    stands = walk(SURVEY, {"free": True, "pleased": 5})
    assert ids(stands) == ["hello", "free", "pleased", "bye"]
    assert stands.complete


def test_a_changed_answer_cuts_off_what_it_led_to():
    answers = {"free": True, "pleased": 2, "why": ("price",)}
    assert walk(SURVEY, answers).answers == answers
    changed = walk(SURVEY, answers | {"pleased": 4})
    assert changed.answers == {"free": True, "pleased": 4}
    assert changed.complete
    refused = walk(SURVEY, answers | {"free": False})
    assert refused.answers == {"free": False}
    assert refused.at == "again"
    assert walk(SURVEY, answers).answers == answers  # and back again


def test_left_out_is_an_answer_where_it_may_be():
    answers = {"free": True, "pleased": 1, "why": None}
    assert walk(SURVEY, answers).complete
    assert walk(SURVEY, {"free": None}).at == "free"


def test_an_answer_that_does_not_fit_counts_as_none():
    assert walk(SURVEY, {"free": True, "pleased": 9}).at == "pleased"
    assert walk(SURVEY, {"free": "perhaps"}).at == "free"


def test_of_several_choices_the_first_branch_that_holds_is_taken():
    item = ask(
        "q", Asks.MULTI, END, Branch("b", "b"), Branch("a", "a"), choices=choices("a", "b", "c")
    )
    assert leads_to(item, ("a", "b")) == "b"
    assert leads_to(item, ("a",)) == "a"
    assert leads_to(item, ("c",)) == END


def test_fields_of_the_list():
    script = Script((content("a", "b", "Hi {name}"), content("b", text="{sum} {name}")))
    assert fields_needed(script) == {"name": 0, "sum": 1}


@given(st.data())
def test_samples_take_every_branch_that_some_answer_takes(data):
    """The twin: every whole number of the range, tried one by one."""
    low, high = sorted(data.draw(st.tuples(st.integers(-20, 20), st.integers(-20, 20))))
    bound = st.integers(-25, 25).map(str) | st.just("")
    branch = st.builds(Branch, st.just(END), bound, bound, bound)
    branches = data.draw(st.lists(branch.filter(lambda b: b.answer or b.least or b.most)))
    item = Item(
        "q", "?", "last", Asks.SCALE, required=True, least=str(low), most=str(high),
        branches=tuple(Branch(f"b{i}", b.answer, b.least, b.most) for i, b in enumerate(branches)),
    )  # fmt: skip
    tried = {leads_to(item, value) for value in range(low, high + 1)}
    assert {leads_to(item, value) for value in samples(item)} == tried


ANY_ITEM = st.sampled_from(["a", "b", "c", "d", END])


@st.composite
def scripts(draw):
    items = []
    for item_id in "abcd":
        kind = draw(st.sampled_from([None, Asks.YES_NO, Asks.CHOICE]))
        if kind is None:
            items.append(content(item_id, draw(ANY_ITEM)))
            continue
        options = ["yes", "no"] if kind is Asks.YES_NO else ["x", "y"]
        branches = [Branch(draw(ANY_ITEM), one) for one in options if draw(st.booleans())]
        of = choices("x", "y") if kind is Asks.CHOICE else ()
        required = draw(st.booleans())
        items.append(ask(item_id, kind, draw(ANY_ITEM), *branches, choices=of, required=required))
    return Script(tuple(items))


def all_walks(script):
    """Every way through, by trying every answer to every question: (paths, whether one loops)."""
    by_id = {item.item_id: item for item in script.items}
    todo, seen, loops = [("a",)], set(), False
    while todo:
        path = todo.pop()
        seen.add(path[-1])
        item = by_id[path[-1]]
        for value in samples(item) if item.asks else [None]:
            to = leads_to(item, value) if item.asks else item.then
            if to in path:
                loops = True
            elif to != END:
                todo.append((*path, to))
    return seen, loops


@given(scripts())
def test_faults_are_what_trying_everything_finds(script):
    seen, loops = all_walks(script)
    found = [fault.text for fault in script_faults(script)]
    looped = any("a loop" in text for text in found)
    assert not loops or looped  # one among items that nothing leads to is told as well
    if not found:
        assert seen == set("abcd")
    if not looped and not any("branch" in text for text in found):
        missing = {text[-2] for text in found if text.startswith("no answer leads to")}
        assert missing == set("abcd") - seen


@given(scripts(), st.dictionaries(st.sampled_from("abcd"), st.sampled_from([True, "x", None, 3])))
def test_a_walk_ends_whatever_the_answers(script, answers):
    if script_faults(script):
        return
    stands = walk(script, answers)
    assert len(set(ids(stands))) == len(stands.path) <= 4
    assert stands.answers.items() <= answers.items()
    assert walk(script, stands.answers) == stands


def test_a_script_as_people_write_it_and_back():
    item = {"id": "q", "text": "?", "asks": "number", "least": 1, "most": 2.5, "decimals": 1}
    branch = {"to": "end", "answer": 2}
    written = {"name": "s", "items": [{"id": "a", "text": "Hi"}, item | {"branches": [branch]}]}
    spec = msgspec.convert(written, ScriptSpec)
    made = to_script(spec)
    assert made.items[0].then == "q"
    assert made.items[1].then == END
    assert made.items[1].branches == (Branch(END, "2"),)
    assert to_script(spec_of("s", made)) == made
