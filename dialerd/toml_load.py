"""Read a TOML file into typed structs, and tell the user everything that is wrong with it at once.

Every fault names file:line:column, shows the line with a caret, and offers the nearest known key or
value. Used for `conf/dialerd.toml` and for campaign files.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from itertools import islice
from pathlib import Path as FilePath
from typing import Any, TypeVar

import msgspec

from dialerd.toml_bounds import outsized
from dialerd.toml_faults import Fault, Finding, TomlError, located_error, nearest, render
from dialerd.toml_places import Path

__all__ = ["Fault", "Finding", "TomlError", "check", "located_error", "read", "text_of"]

T = TypeVar("T", bound=msgspec.Struct)

BYTES_MAX = 1 << 20
FAULTS_MAX = 1_000  # further ones are not looked for

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_ENDLESS = re.compile(r"[0-9][0-9_]{4000,}")
_WITHIN = re.compile(r" - at `\$.*`$")
_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_GOT = re.compile(r"^Expected `([^`]+)`, got `([^`]+)`$")
_BOUND = re.compile(r"^Expected `[^`]+` (>=|<=|>|<) (.+)$")
_LENGTH = re.compile(r"^Expected `(\w+)` of length (>=|<=) (\d+)$")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_BOUNDS = {
    ">=": "must be {} or more",
    "<=": "must be {} or less",
    ">": "must be above {}",
    "<": "must be below {}",
}


def read(
    path: FilePath,
    kind: type[T],
    *,
    rules: Callable[[T], Iterable[Fault]] | None = None,
    raw_rules: Callable[[Mapping[str, Any]], Iterable[Fault]] | None = None,
    prepare: Callable[[dict[str, Any]], None] | None = None,
    text: str | None = None,
) -> T:
    """Read, check and convert `path`, or a `text` as if it stood there.

    Args:
        path: The file; at most 1 MiB, UTF-8.
        kind: The struct the document must fit. `Path` fields count from its folder.
        rules: What must hold between values, run when every value by itself is right.
        raw_rules: Checks on the text as written, before `${env:NAME}` is filled in.
        prepare: Takes out of the document, before any check, what the caller does not need.
        text: What the file holds; None: it is read.

    Raises:
        TomlError: with every fault found.
    """
    text = text_of(path) if text is None else text
    too_much = outsized(text)
    if too_much is not None:
        line, said = too_much
        found = Finding(str(path), line, 1, said, "split it")
        shown = text.split("\n", line)[line - 1][:200]
        raise TomlError(render(found, shown, 1), (found,))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(path, text, error) from None
    except RecursionError:
        raise TomlError(f"error: {path}: nested too deeply") from None
    except ValueError:  # Python reads no number of so many digits
        raise _endless(path, text) from None
    if prepare is not None:
        prepare(document)
    return check(document, kind, text=text, path=path, rules=rules, raw_rules=raw_rules)


def check(
    document: dict[str, Any],
    kind: type[T],
    *,
    text: str,
    path: FilePath,
    rules: Callable[[T], Iterable[Fault]] | None = None,
    raw_rules: Callable[[Mapping[str, Any]], Iterable[Fault]] | None = None,
) -> T:
    """Check a parsed document against its struct; `text` and `path` locate the faults."""
    faults = list(islice(raw_rules(document), FAULTS_MAX)) if raw_rules else []
    filled = _fill(document, (), faults)
    faults += islice(_struct_faults(filled, kind, ()), FAULTS_MAX)
    if faults:
        raise located_error(path, text, faults)
    value = _located(msgspec.convert(filled, kind, dec_hook=_path_hook), path.absolute().parent)
    faults = list(islice(rules(value), FAULTS_MAX)) if rules else []
    if faults:
        raise located_error(path, text, faults)
    return value


def text_of(path: FilePath) -> str:
    """A file as it is read, its lines ended by LF; TomlError."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):  # it would never end
                raise TomlError(f"error: {path} is no regular file")
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise TomlError(f"error: cannot read {path}: {error.strerror or error}") from None
    if len(data) > BYTES_MAX:
        raise TomlError(f"error: {path} is larger than {BYTES_MAX // 1024} KiB")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        found = Finding(str(path), line, column, "not UTF-8 text", "save the file as UTF-8")
        raise TomlError(
            f"error: {found.text}\n  --> {path}:{line}:{column}\n   = help: {found.hint}", (found,)
        ) from None


def _syntax(path: FilePath, text: str, error: tomllib.TOMLDecodeError) -> TomlError:
    message = str(error)
    where = _AT.search(message)
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    if where is not None:
        message = message[: where.start()]
        if where[1]:
            line, column = int(where[1]), int(where[2])
    found = Finding(str(path), line, column, f"not valid TOML: {message}", _syntax_hint(message))
    return TomlError(render(found, lines[line - 1], 1), (found,))


def _endless(path: FilePath, text: str) -> TomlError:
    at = next((found.start() for found in _ENDLESS.finditer(text)), 0)
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    found = Finding(str(path), line, column, "a number of too many digits", "write fewer")
    return TomlError(render(found, text.split("\n", line)[line - 1], 1), (found,))


def _syntax_hint(message: str) -> str:
    if "Invalid value" in message:
        return "texts need quotes; true and false are written in small letters"
    if "Expected '='" in message:
        return "a key is followed by = and a value"
    if "Cannot overwrite" in message:
        return "the key stands twice"
    if "Cannot declare" in message:
        return "the table stands twice"
    return ""


def _fill(value: Any, path: Path, faults: list[Fault]) -> Any:
    """Replace `${env:NAME}` in texts."""
    if isinstance(value, dict):
        return {key: _fill(item, (*path, key), faults) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, (*path, index), faults) for index, item in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def one(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            faults.append(
                Fault(
                    path,
                    f"the environment variable {match[1]} is not set",
                    "set it, or write the value",
                )
            )
        return found or ""

    filled = _ENV.sub(one, value)
    if "${" in _ENV.sub("", value):
        faults.append(Fault(path, "not a known substitution", "only ${env:NAME} is filled in"))
    return filled


def _path_hook(kind: type, value: Any) -> Any:
    if kind is FilePath and isinstance(value, str):
        if not value or "\0" in value:
            raise ValueError("not a path")
        return FilePath(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


NO_FILES = ("alsa:",)  # beginnings of names that stand where a file may


def _located(value: T, base: FilePath) -> T:
    """Make every relative path of a struct absolute, in place (it has just been made)."""
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        if isinstance(item, FilePath) and not str(item).startswith(NO_FILES):
            msgspec.structs.force_setattr(
                value, field.name, FilePath(os.path.normpath(base / item.expanduser()))
            )
        elif isinstance(item, msgspec.Struct):
            _located(item, base)
        elif isinstance(item, tuple):
            for element in item:
                if isinstance(element, msgspec.Struct):
                    _located(element, base)
    return value


def _bare(kind: Any) -> Any:
    """Strip `Annotated` and `| None`."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        left = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        if len(left) == 1:
            return _bare(left[0])
    return kind


def _table_name(path: Path) -> str:
    if not path:
        return "the file"
    name = ".".join(str(part) for part in path if isinstance(part, str))
    if isinstance(path[-1], int):
        return f"[[{name}]] number {path[-1] + 1}"
    return f"[{name}]"


def _struct_faults(table: Any, kind: type[msgspec.Struct], path: Path) -> Iterator[Fault]:
    if not isinstance(table, dict):
        yield Fault(path, f"{path[-1]!r} must be a table, got {_kind_of(table)}")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            yield Fault(
                (*path, key),
                f"unknown key {key!r} in {_table_name(path)}",
                nearest(key, list(fields)),
                key=True,
            )
        else:
            yield from _faults(value, field.type, (*path, key))
    for name, field in fields.items():
        if field.required and name not in table:
            yield Fault(
                path, f"{_table_name(path)} needs the key {name!r}", _example(field.type), key=True
            )


def _faults(value: Any, kind: Any, path: Path) -> Iterator[Fault]:
    bare = _bare(kind)
    origin = typing.get_origin(bare)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        yield from _struct_faults(value, bare, path)
        return
    inner: list[Fault] = []
    if origin in (list, tuple) and isinstance(value, list):
        element = typing.get_args(bare)[0]
        for index, item in enumerate(value):
            inner += _faults(item, element, (*path, index))
    elif origin is dict and isinstance(value, dict):
        key_kind, value_kind = typing.get_args(bare)
        for key, item in value.items():
            inner += _leaf_faults(key, key_kind, (*path, key), key=True)
            inner += _faults(item, value_kind, (*path, key))
    yield from inner
    if origin in (list, tuple) and isinstance(value, dict):
        yield Fault(path, f"{path[-1]!r} must be a list, got a table", f"write [[{path[-1]}]]")
    elif not inner:
        yield from _leaf_faults(value, kind, path)


def _leaf_faults(value: Any, kind: Any, path: Path, *, key: bool = False) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind, dec_hook=_path_hook)
    except msgspec.ValidationError as error:
        text, hint = _explain(_WITHIN.sub("", str(error)), value, kind)
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        said = f"the key {name!r} is not allowed here" if key else f"{name!r} {text}"
        yield Fault(path, said, hint, key=key)


def _explain(message: str, value: Any, kind: Any) -> tuple[str, str]:
    """Turn msgspec's words into the user's, with a suggestion."""
    extra = _extra(kind)
    if (match := _GOT.match(message)) is not None:
        wanted = " or ".join(_KINDS.get(name.strip(), name.strip()) for name in match[1].split("|"))
        if _bare(kind) is FilePath:
            wanted = "a path in quotes"
        return f"must be {wanted}, got {_kind_of(value)}", extra
    if (match := _BOUND.match(message)) is not None:
        return f"{_BOUNDS[match[1]].format(match[2])}, got {_short(value)}", extra
    if (match := _LENGTH.match(message)) is not None:
        what = "entries" if match[1] == "array" else "characters"
        limit = "at least" if match[2] == ">=" else "at most"
        return f"must have {limit} {match[3]} {what}", extra
    if message.startswith("Invalid enum value") and (words := _choices(_bare(kind))):
        return f"cannot be {_short(value)}", nearest(str(value), words, "values")
    if "matching regex" in message:
        return f"cannot be {_short(value)}", extra
    return message[:1].lower() + message[1:], extra


def _choices(bare: Any) -> list[str]:
    """All that a value of an enum or a Literal may be."""
    if isinstance(bare, type) and issubclass(bare, Enum):
        return [str(item.value) for item in bare]
    return [str(one) for one in typing.get_args(bare)]


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:76] + " ..."


def _kind_of(value: Any) -> str:
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    name = names.get(type(value), "a date or time")
    if isinstance(value, bool):
        return str(value).lower()
    return (
        f"{name} ({value!r})"
        if isinstance(value, int | float | str) and len(str(value)) <= 40
        else name
    )


def _extra(kind: Any) -> str:
    """The `hint` that a field's Meta carries."""
    if typing.get_origin(kind) is typing.Annotated:
        for meta in typing.get_args(kind)[1:]:
            if isinstance(meta, msgspec.Meta) and meta.extra and meta.extra.get("hint"):
                return str(meta.extra["hint"])
    return ""


def _example(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Annotated:
        for meta in typing.get_args(kind)[1:]:
            if isinstance(meta, msgspec.Meta) and meta.description:
                return meta.description
    return ""
