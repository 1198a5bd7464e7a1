"""The positions that `Places` finds must be those where tomllib's values stand."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.toml_places import Places

TEXT = '''# comment with [brackets] = "x"
top = 1   # after
"quoted key" = "a # not comment"
a.b.'c d' = 'lit'
arr = [ 1, # one
  [2, 3], { x = "in", y = [4] },
]
long = """
first
second""" # tail
raw = \'\'\'x\'\'\'
inline = { one = 1, two.three = "z" }
[table]
key = true
[table.sub]
date = 2026-11-22T10:00:00Z
[[many]]
name = "first"
[[many]]
name = "second"
[many.inner]
deep = 1.5
[[many.list]]
v = 1
[[many.list]]
v = 2
'''


def at(places: Places, *path: str | int) -> str:
    start, length = places.values[path]
    return places.text[start : start + length]


def test_every_value_is_found_at_its_place() -> None:
    places = Places(TEXT)
    assert at(places, "top") == "1"
    assert at(places, "quoted key") == '"a # not comment"'
    assert at(places, "a", "b", "c d") == "'lit'"
    assert at(places, "arr", 0) == "1"
    assert at(places, "arr", 1, 1) == "3"
    assert at(places, "arr", 2, "x") == '"in"'
    assert at(places, "arr", 2, "y", 0) == "4"
    assert at(places, "long") == '"""'
    assert at(places, "raw") == "'''x'''"
    assert at(places, "inline", "two", "three") == '"z"'
    assert at(places, "table", "key") == "true"
    assert at(places, "table", "sub", "date") == "2026-11-22T10:00:00Z"
    assert at(places, "many", 0, "name") == '"first"'
    assert at(places, "many", 1, "name") == '"second"'
    assert at(places, "many", 1, "inner", "deep") == "1.5"
    assert at(places, "many", 1, "list", 1, "v") == "2"


def test_keys_have_places_too() -> None:
    places = Places(TEXT)
    start, length = places.keys[("inline", "two", "three")]
    assert TEXT[start : start + length] == "three"
    assert places.line_col(places.keys[("many", 1, "name")].start) == (20, 1)


def test_find_falls_back_to_what_is_around() -> None:
    places = Places("[a]\nb = 1\n")
    assert places.line_col(places.find(("a", "missing"), key=True).start) == (1, 2)
    assert places.find(("nothing",)) == (0, 0)


def leaves(
    value: object, path: tuple[str | int, ...] = ()
) -> list[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
    return [(path, value)]


def test_values_read_at_their_places_are_tomllibs() -> None:
    """The text under each span, parsed alone, gives the value that tomllib gave."""
    places = Places(TEXT)
    for path, value in leaves(tomllib.loads(TEXT)):
        start, length = places.values[path]
        if TEXT[start : start + 3] in {'"""', "'''"}:
            continue
        assert tomllib.loads("v = " + TEXT[start : start + length])["v"] == value


KEYS = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True), st.text(max_size=6))
SCALARS = st.one_of(st.integers(-(10**9), 10**9), st.booleans(), st.text(max_size=12))
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
)


def quoted(text: str) -> str:
    body = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{body}"'


def dump(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(dump(item) for item in value) + "]"
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{quoted(key)} = {dump(item)}" for key, item in value.items()) + " }"
        )
    return str(value)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_any_document(tree: dict[str, object]) -> None:
    text = "".join(f"{quoted(key)} = {dump(value)} # note\n" for key, value in tree.items())
    assert tomllib.loads(text) == tree
    places = Places(text)
    for path, value in leaves(tree):
        start, length = places.values[path]
        assert text[start : start + length] == dump(value)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="[]{}=\"'#\\.,\n ab1", max_size=60))
def test_any_text_ends_without_error(text: str) -> None:
    for start, length in Places(text).values.values():
        assert 0 <= start <= start + length <= len(text)


@pytest.mark.parametrize(
    "text", ["[", "[[", "a", "a =", "a = [", "a = {", 'a = "', "a = [1 2]", "{", "]", "a = {b}"]
)
def test_broken_texts_end(text: str) -> None:
    for start, length in Places(text).values.values():
        assert 0 <= start <= start + length <= len(text)
