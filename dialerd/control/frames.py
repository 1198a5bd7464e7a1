"""Frames of the control socket: MessagePack arrays, one after the other, no length prefix.

    [0, id, method, params]                        request
    [1, id, result]                                reply
    [2, id, kind, text, allowed, faults]           refusal (ErrorKind; faults: [[detail, pointer]])
    [3, subscription, seq, at_ms, topic, data]     event

`id` is the client's, unique among its open requests; a subscription's id is that of its request.
A request id of 0 is the daemon's own: a refusal with it says why it closes the connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any, Final, Protocol, get_type_hints

import msgpack
import msgspec

from dialerd.control.limits import CONTAINER_MAX
from dialerd.core.control import (
    ERRORS,
    Control,
    ControlError,
    ErrorKind,
    FieldFault,
    LiveEvent,
    Subscribe,
)

ID_MAX = (1 << 32) - 1
SUBSCRIBE = "subscribe"


class FrameError(Exception):
    """The peer does not speak this protocol; the connection is of no more use."""


class Kind(IntEnum):
    """First element of a frame."""

    REQUEST = 0
    REPLY = 1
    REFUSAL = 2
    EVENT = 3


class Method(msgspec.Struct, frozen=True):
    """The types of one method."""

    request: type[msgspec.Struct]
    reply: type[msgspec.Struct]


def _methods() -> dict[str, Method]:
    """Read from the protocol itself, so that there is one list of methods."""
    found = {}
    parts = reversed(Control.__mro__[: Control.__mro__.index(Protocol)])
    for name, function in (pair for part in parts for pair in vars(part).items()):
        if name.startswith("_") or name == SUBSCRIBE or not callable(function):
            continue
        hints = get_type_hints(function)
        found[name] = Method(hints["request"], hints["return"])
    return found


METHODS = _methods()
NAMES = {method.request: name for name, method in METHODS.items()}


class Reader:
    """Cuts a byte stream into frames. At most `bytes_max` are kept of an unfinished frame."""

    def __init__(self, bytes_max: int, container_max: int = CONTAINER_MAX) -> None:
        """A frame larger than `bytes_max`, or a longer list in it, is a FrameError."""
        self._unpacker = msgpack.Unpacker(
            max_buffer_size=bytes_max,
            raw=False,
            strict_map_key=True,
            timestamp=3,
            max_ext_len=64,
            max_array_len=container_max,  # a list is allocated before its elements have arrived
            max_map_len=container_max,
        )

    def feed(self, data: bytes) -> Iterator[list[Any]]:
        """Every frame completed by `data`.

        Raises:
            FrameError: bytes that are no frame; nothing more can be read.
        """
        try:
            self._unpacker.feed(data)
            for frame in self._unpacker:
                if not isinstance(frame, list) or len(frame) < 3 or frame[0] not in _SHAPES:
                    raise FrameError("not a frame")
                if len(frame) != _SHAPES[frame[0]] or not _is_id(frame[1]):
                    raise FrameError("a frame of the wrong shape")
                yield frame
        except FrameError:
            raise
        except msgpack.BufferFull:
            raise FrameError("a frame is too large") from None
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            raise FrameError(f"not MessagePack: {type(error).__name__}") from None
        except msgpack.UnpackException as error:
            raise FrameError(f"not MessagePack: {error}") from None


_SHAPES = {Kind.REQUEST: 4, Kind.REPLY: 3, Kind.REFUSAL: 6, Kind.EVENT: 6}


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= ID_MAX


_encode = msgspec.msgpack.Encoder().encode


def request(number: int, method: str, params: msgspec.Struct | int) -> bytes:
    """A request frame (`unsubscribe` takes the subscription's id).

    Raises:
        ControlError: INVALID, for a value that has no encoding (a time before the year 1 in UTC).
    """
    try:
        return _encode([Kind.REQUEST, number, method, params])
    except (OverflowError, UnicodeEncodeError) as error:
        raise ERRORS[ErrorKind.INVALID](f"a value cannot be sent: {error}") from None


def reply(number: int, result: msgspec.Struct | None) -> bytes:
    """A reply frame."""
    return _encode([Kind.REPLY, number, result])


def refusal(number: int, error: ControlError) -> bytes:
    """A refusal frame."""
    faults = [[fault.detail, fault.pointer] for fault in error.faults]
    return _encode([Kind.REFUSAL, number, error.kind, error.text, list(error.allowed), faults])


def event(number: int, live: LiveEvent) -> bytes:
    """An event frame of subscription `number`."""
    return _encode([Kind.EVENT, number, live.seq, live.at_ms, live.topic, live.data])


def read_refusal(frame: list[Any]) -> ControlError:
    """The error that a refusal frame carries."""
    _, _, kind, text, allowed, faults = frame
    try:
        error = ERRORS[ErrorKind(kind)]
        pairs = tuple(FieldFault(str(detail), str(pointer)) for detail, pointer in faults)
        return error(str(text), allowed=tuple(map(str, allowed)), faults=pairs)
    except (ValueError, TypeError):
        return ControlError(str(text))


def read_event(frame: list[Any]) -> LiveEvent:
    """The event that an event frame carries; FrameError when it is none."""
    try:
        return msgspec.convert(
            {"seq": frame[2], "at_ms": frame[3], "topic": frame[4], "data": frame[5]}, LiveEvent
        )
    except msgspec.ValidationError as error:
        raise FrameError(str(error)) from None


def read_params(method: str, params: Any) -> msgspec.Struct:
    """The typed request of a request frame.

    Raises:
        ControlError: INVALID, with a pointer to the value that does not fit.
    """
    kind = Subscribe if method == SUBSCRIBE else METHODS[method].request
    try:
        return msgspec.convert(params, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None


def invalid(message: str) -> ControlError:
    """A msgspec message, ``... - at `$.a[0].b` ``, as a refusal with an RFC 6901 pointer."""
    text, _, where = message.partition(" - at `")
    path = where.rstrip("`").removeprefix("key` in `").removeprefix("$")
    pointer = path.removesuffix("[...]").replace("[", "/").replace("]", "").replace(".", "/")
    fault = FieldFault(detail=_in_words(text), pointer=pointer)
    at = f" at {fault.pointer}" if fault.pointer else ""
    return ERRORS[ErrorKind.INVALID](f"{fault.detail}{at}", faults=(fault,))


_TYPES: Final = {
    "int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false",
    "array": "a list", "object": "an object", "null": "nothing", "bytes": "bytes",
    "datetime": "a date with its time", "date": "a date",
}  # fmt: skip
_PARTS: Final = {"str": "characters", "bytes": "octets", "array": "entries", "object": "fields"}
_LIMITS: Final = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_Words = Callable[[re.Match[str]], str]
# msgspec's message, and the same in words
_WORDS: Final[tuple[tuple[re.Pattern[str], _Words], ...]] = (
    (
        re.compile(r"Expected `([^`]+)`, got `([^`]+)`"),
        lambda m: f"must be {_types(m[1])}, not {_types(m[2])}",
    ),
    (
        re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)"),
        lambda m: f"must have {_LIMITS[m[2]]} {m[3]} {_PARTS.get(m[1], 'parts')}",
    ),
    (
        re.compile(r"Expected `[^`]+` (>=|<=|>|<) (.+)"),
        lambda m: f"must be {_LIMITS[m[1]]} {m[2]}",
    ),
    (re.compile(r"Expected `str` matching regex .+", re.DOTALL), lambda _: "is not well-formed"),
    (re.compile(r"Object missing required field `(.+)`"), lambda m: f"needs the field {m[1]!r}"),
    (re.compile(r"Object contains unknown field `(.+)`"), lambda m: f"has no field {m[1]!r}"),
    (re.compile(r"Invalid enum value (.+)"), lambda m: f"cannot be {m[1]}"),
)


def _types(names: str) -> str:
    return " or ".join(_TYPES.get(name.strip(), name.strip()) for name in names.split("|"))


def _in_words(text: str) -> str:
    """What does not fit, as people say it; other messages of msgspec stay as they are."""
    for pattern, words in _WORDS:
        found = pattern.fullmatch(text)
        if found is not None:
            return words(found)
    return text
