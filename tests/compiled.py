"""The modules of sip that are compiled: plain Python with a .pxd beside it that declares types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from tests import tree

ATTRIBUTE = re.compile(r"    cdef (?:public|readonly) [\w. ]+? (\w+)(?:\s*#.*)?$")
CLASS = re.compile(r"cdef class (\w+)")
REBUILD = "run `make build`, or: python setup.py build_ext --inplace"


def modules() -> list[Path]:
    """The .py of each."""
    return [p.with_suffix(".py") for p in tree.sources(".pxd", within=("sip", "gsm", "dialerd"))]


def binary(source: Path) -> Path:
    """Where the compiled form of a module lies."""
    return source.with_suffix(EXTENSION_SUFFIXES[0])


def stale() -> list[str]:
    """What was edited after it was compiled: Python would run the old code."""
    return [
        f"{tree.name_of(p)} is newer than its extension: {REBUILD}"
        for p in modules()
        if binary(p).exists()
        and max(p.stat().st_mtime, p.with_suffix(".pxd").stat().st_mtime)
        > binary(p).stat().st_mtime
    ]


def declared(text: str) -> dict[str, set[str]]:
    """Of a .pxd: the attributes of each class."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if match := CLASS.match(line):
            found[match[1]] = set()
        elif (match := ATTRIBUTE.match(line)) and found:
            found[list(found)[-1]].add(match[1])
    return found


def slots(syntax: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Of a .py: the `__slots__` of each class that has some."""
    for node in syntax.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "__slots__":
                names = ast.literal_eval(part.value)
                yield node.name, {names} if isinstance(names, str) else set(names)
