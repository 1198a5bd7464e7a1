"""Frames: what is written is read, and no bytes whatever raise anything but FrameError."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.control import frames
from dialerd.control.frames import FrameError, Kind, Reader
from dialerd.control.limits import CONTAINER_MAX
from dialerd.core import control as api
from tests.control.desk import spec


def read(data: bytes, bytes_max: int = 1 << 16) -> list[list[object]]:
    return list(Reader(bytes_max).feed(data))


def test_request_round_trip() -> None:
    request = api.CreateCampaign(spec=spec(), who="an")
    (frame,) = read(frames.request(7, "create_campaign", request))
    assert frame[:3] == [Kind.REQUEST, 7, "create_campaign"]
    assert frames.read_params("create_campaign", frame[3]) == request


def test_times_keep_their_instant() -> None:
    start = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    request = api.CreateCampaign(spec=spec(start_at=start), who="an")
    (frame,) = read(frames.request(1, "create_campaign", request))
    found = frames.read_params("create_campaign", frame[3])
    assert isinstance(found, api.CreateCampaign)
    assert found.spec.start_at == start


def test_every_refusal_comes_back_as_it_left() -> None:
    for kind in api.ErrorKind:
        error = api.ERRORS[kind]("no", allowed=("a",), faults=(api.FieldFault("bad", "/x"),))
        (frame,) = read(frames.refusal(3, error))
        found = frames.read_refusal(frame)
        assert type(found) is type(error)
        assert (found.text, found.allowed, found.faults) == ("no", ("a",), error.faults)


def test_an_unknown_refusal_is_still_a_refusal() -> None:
    found = frames.read_refusal([Kind.REFUSAL, 1, "from_the_future", "text", 5, None])
    assert type(found) is api.ControlError
    assert found.text == "text"


def test_event_round_trip() -> None:
    live = api.LiveEvent(seq=9, at_ms=5, topic="call", data={"a": [1, "x"], "b": None})
    (frame,) = read(frames.event(4, live))
    assert frames.read_event(frame) == live


def test_every_method_of_the_protocol_is_served() -> None:
    parts = (api.Control, *api.Control.__bases__)
    methods = {name for part in parts for name in vars(part) if not name.startswith("_")}
    assert set(frames.METHODS) | {"subscribe"} == methods
    for method in frames.METHODS.values():
        assert issubclass(method.request, api.Request)
        assert issubclass(method.reply, api.Reply)
        # The reply that the request's type promises is the one the protocol's method returns.
        (base,) = method.request.__orig_bases__  # type: ignore[attr-defined]
        assert base.__args__[0].__forward_arg__ == method.reply.__name__


BAD = {
    "nothing known": b"\xc1",
    "a number": msgpack.packb(5),
    "a map": msgpack.packb({"a": 1}),
    "an empty list": msgpack.packb([]),
    "an unknown kind": msgpack.packb([9, 1, "ping", {}]),
    "too short": msgpack.packb([0, 1, "ping"]),
    "too long": msgpack.packb([0, 1, "ping", {}, 1]),
    "id a text": msgpack.packb([0, "1", "ping", {}]),
    "id negative": msgpack.packb([0, -1, "ping", {}]),
    "id huge": msgpack.packb([0, 1 << 40, "ping", {}]),
    "id a bool": msgpack.packb([0, True, "ping", {}]),
    "kind a list": msgpack.packb([[0], 1, "ping", {}]),
    "kind a map": msgpack.packb([{}, 1, "ping", {}]),
    "bad utf-8": b"\x94\x00\x01\xa2\xff\xff\x80",
    "a list of four billion": b"\xdd\xff\xff\xff\xff",
    "a map of four billion": b"\xdf\xff\xff\xff\xff",
    "a long list": b"\xdd" + (CONTAINER_MAX + 1).to_bytes(4, "big"),
    "deep": b"\x91" * 60_000 + b"\x00",
    "a bad time": b"\xc7\x0c\xff" + b"\xff" * 12,
    "a long extension": b"\xc9\x00\x00\xff\xff\x05" + b"x" * 65_535,
    "a key that is no text": b"\x81\x01\x01",
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_frame(name: str) -> None:
    with pytest.raises(FrameError):
        read(BAD[name])


def test_a_frame_over_the_bound() -> None:
    reader = Reader(1000)
    chunk = b"\xdb\x00\x01\x00\x00" + b"x" * 500
    with pytest.raises(FrameError):
        for _ in range(5):
            list(reader.feed(chunk))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    try:
        for frame in read(data, 4096):
            assert isinstance(frame, list)
    except FrameError:
        pass


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8), st.integers(0, 2**32))
def test_frames_may_arrive_in_any_pieces(names: list[str], seed: int) -> None:
    rng = random.Random(seed)
    stream = b"".join(
        frames.request(n, "campaign", api.GetCampaign(campaign=name))
        for n, name in enumerate(names)
    )
    reader, found, at = Reader(1 << 16), [], 0
    while at < len(stream):
        step = rng.randint(1, 9)
        found += list(reader.feed(stream[at : at + step]))
        at += step
    assert [frame[3]["campaign"] for frame in found] == names


@pytest.mark.parametrize(
    ("method", "params", "pointer"),
    [
        ("act", {"campaign": "a", "action": "fly", "who": "x"}, "/action"),
        ("act", {"campaign": "", "action": "start", "who": "x"}, "/campaign"),
        ("act", {"campaign": "a", "action": "start", "who": "a\nb"}, "/who"),
        ("campaigns", {"limit": 100_000}, "/limit"),
        ("campaigns", {"limit": "5"}, "/limit"),
        ("campaigns", {"surprise": 1}, ""),
        ("campaigns", [1, 2], ""),
        ("campaigns", None, ""),
        ("subscribe", {"topics": ["Call!"]}, "/topics/0"),
        ("subscribe", {"topics": ["a"] * 100}, "/topics"),
    ],
)
def test_params_that_do_not_fit(method: str, params: object, pointer: str) -> None:
    with pytest.raises(api.Invalid) as caught:
        frames.read_params(method, params)
    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "12345"}, "/spec/name"),
        ({"name": "a\u0007b"}, "/spec/name"),
        ({"name": "x" * 201}, "/spec/name"),
        ({"steps": [{"prompt": "../../etc/passwd"}]}, "/spec/steps/0/prompt"),
        ({"steps": [{"prompt": "a/../../etc/passwd"}]}, "/spec/steps/0/prompt"),
        ({"steps": [{"prompt": "a", "keys": {"x": "end"}}]}, "/spec/steps/0/keys"),
        ({"steps": [{"prompt": "a", "keys": {"1": "a b"}}]}, "/spec/steps/0/keys"),
        ({"caller_id": "+84\n"}, "/spec/caller_id"),
        ({"name": "abc\n"}, "/spec/name"),
        ({"steps": [{"prompt": "a", "wait_ms": -1}]}, "/spec/steps/0/wait_ms"),
        ({"caller_id": "+84\r\nX: y"}, "/spec/caller_id"),
        ({"hours": [{"start": "8:00", "end": "17:00"}]}, "/spec/hours/0/start"),
        ({"cap": {"calls_max": 0}}, "/spec/cap/calls_max"),
        ({"calls_per_s_max": float("nan")}, "/spec/calls_per_s_max"),
        ({"start_at": "yesterday"}, "/spec/start_at"),
        ({"mode": "predictve"}, "/spec/mode"),
    ],
)
def test_specs_that_do_not_fit(change: dict[str, object], pointer: str) -> None:
    params = {"spec": {**msgspec.to_builtins(spec()), **change}, "who": "x"}
    with pytest.raises(api.Invalid) as caught:
        frames.read_params("create_campaign", params)
    assert caught.value.faults[0].pointer == pointer


class Pupil(msgspec.Struct, forbid_unknown_fields=True):
    age: Annotated[int, msgspec.Meta(ge=3)]
    name: Annotated[str, msgspec.Meta(max_length=5, pattern="^[a-z]*$")] = ""
    marks: Annotated[tuple[float, ...], msgspec.Meta(max_length=2)] = ()
    sort: Literal["day", "boarder"] = "day"
    mother: str | None = None


@pytest.mark.parametrize(
    ("said", "detail", "pointer"),
    [
        ({"age": "x"}, "must be a whole number, not a text", "/age"),
        ({"age": 2}, "must be at least 3", "/age"),
        ({"age": 3, "name": "abcdef"}, "must have at most 5 characters", "/name"),
        ({"age": 3, "name": "A"}, "is not well-formed", "/name"),
        ({"age": 3, "marks": [1, 2, 3]}, "must have at most 2 entries", "/marks"),
        ({"age": 3, "marks": [1, "y"]}, "must be a number, not a text", "/marks/1"),
        ({"age": 3, "sort": "night"}, "cannot be 'night'", "/sort"),
        ({"age": 3, "mother": 1}, "must be a text or nothing, not a whole number", "/mother"),
        ({}, "needs the field 'age'", ""),
        ({"age": 3, "aunt": 1}, "has no field 'aunt'", ""),
        ([], "must be an object, not a list", ""),
    ],
)
def test_what_does_not_fit_is_said_in_words(said: object, detail: str, pointer: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(said, Pupil)
    refusal = frames.invalid(str(caught.value))
    assert refusal.faults == (api.FieldFault(detail, pointer),)
    assert refusal.text == (f"{detail} at {pointer}" if pointer else detail)


def test_words_that_are_not_known_stay_as_they_are() -> None:
    assert frames.invalid("Invalid RFC3339 encoded datetime - at `$.a[0].b`").faults == (
        api.FieldFault("Invalid RFC3339 encoded datetime", "/a/0/b"),
    )
