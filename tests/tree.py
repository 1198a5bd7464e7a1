"""The sources as the tidy tests see them: files, imports, functions."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("fastpath", "sip", "gsm", "dialerd", "admin_http")
CODE = (*PACKAGES, "bench", "tests")
GIT_FILES = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
CYTHON_HEAD = re.compile(
    r"(\s*)(?:async\s+)?(?:c|cp)?def\s+(?!class|enum|struct|extern|packed)[^=]*?(\w+)\("
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> tuple[Path, ...]:
    """Every file git sees, new ones included; without git, every file outside of build folders."""
    listing = subprocess.run(GIT_FILES, cwd=ROOT, capture_output=True, check=False)
    if listing.returncode == 0:
        found = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        skipped = {".venv", "build", "__pycache__", ".git"}
        found = [p for p in ROOT.rglob("*") if not skipped & set(p.relative_to(ROOT).parts)]
    return tuple(sorted(p for p in found if p.is_file()))


def name_of(path: Path) -> str:
    """The path as findings show it."""
    return path.relative_to(ROOT).as_posix()


def sources(*suffixes: str, within: tuple[str, ...] = PACKAGES) -> list[Path]:
    """Files of the given suffixes in the given top folders."""
    return [p for p in files() if p.suffix in suffixes and name_of(p).split("/")[0] in within]


def lines_of(*suffixes: str, within: tuple[str, ...] = CODE) -> Iterator[tuple[str, str]]:
    """ "file:line" and the text, of every line."""
    for path in sources(*suffixes, within=within):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield f"{name_of(path)}:{number}", line


@cache
def syntax(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of the parsed file: each rule looks at all of them."""
    return tuple(ast.walk(syntax(path)))


def walk(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """ "file:line" and node, of every node that has a line."""
    for node in nodes(path):
        if line := getattr(node, "lineno", None):
            yield f"{name_of(path)}:{line}", node


def module_name(path: Path) -> str:
    """The dotted name it is imported by."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """ "file:line" and dotted name of everything imported; `from a import b` gives a.b."""
    if path.suffix in {".pyx", ".pxd"}:
        found = cython_imports(path.read_text())
    else:
        found = python_imports(path)
    return ((f"{name_of(path)}:{line}", name) for line, name in found)


def python_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Imports anywhere in the file, those inside of functions and TYPE_CHECKING too."""
    package = module_name(path)
    if path.stem != "__init__":
        package = package.rpartition(".")[0]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).strip(".")
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def cython_imports(text: str) -> Iterator[tuple[int, str]]:
    """Imports and cimports by their looks."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*from\s+([\w.]+)\s+c?import\s+\(?([\w, ]*)", line):
            for name in found[2].split(","):
                yield number, f"{found[1]}.{name.split(' as ')[0].strip()}".rstrip(".")
        elif found := re.match(r"\s*c?import\s+([\w.]+)", line):
            yield number, found[1]


def functions(path: Path) -> Iterator[tuple[str, str, int]]:
    """ "file:line", name and length of each function; docstrings and blank lines do not count."""
    found = python_functions if path.suffix == ".py" else cython_functions
    return ((f"{name_of(path)}:{line}", name, length) for line, name, length in found(path))


def python_functions(path: Path) -> Iterator[tuple[int, str, int]]:
    """From `def` to the last line."""
    lines = path.read_text().splitlines()
    for node in nodes(path):
        if not isinstance(node, Function):
            continue
        length = code_lines(lines[node.lineno - 1 : node.end_lineno])
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            length -= code_lines(lines[first.lineno - 1 : first.end_lineno])
        yield node.lineno, node.name, length


def cython_functions(path: Path) -> Iterator[tuple[int, str, int]]:
    """By indentation: a function ends before the next line that is not deeper than its head."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if head := CYTHON_HEAD.match(line):
            end = number + 1
            while end < len(lines) and not closes(lines[end], len(head[1])):
                end += 1
            yield number + 1, head[2], code_lines(lines[number:end])


def closes(line: str, indent: int) -> bool:
    """Whether a line stands outside of the function whose head is indented so far."""
    text = line.lstrip()
    return bool(text) and len(line) - len(text) <= indent and text[0] not in ")#"


def code_lines(lines: list[str]) -> int:
    """Lines that are not blank."""
    return sum(1 for line in lines if line.strip())
