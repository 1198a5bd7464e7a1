"""Recordings and banks of `dialerd announcements`: which are meant, read ahead, with a bar."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from dialerd.detect.bank import AnnouncementBank
    from dialerd.detect.bank_prints import Prints, Samples

AHEAD: Final = 4  # files in work for each process that decodes
T = TypeVar("T")


def bank_folder(bank: Path | None, config_path: str | None = None, *, makes: bool = False) -> Path:
    """Where a bank is: as told, the configuration's, or the one that comes with dialerd.

    FailedError: it was named and is not there, unless the command `makes` it.
    """
    from dialerd.cli.common import load_config
    from dialerd.cli.errors import FailedError
    from dialerd.config import ConfigError, find_config
    from dialerd.detect.bank import DEFAULT

    if bank is None:
        try:
            found = find_config(config_path)
        except ConfigError:
            return DEFAULT  # no configuration is needed
        bank = load_config(str(found)).detection.announcements
    if not (makes or bank.is_dir() or bank == DEFAULT):
        raise FailedError(f"{bank}: there is no such bank")
    return bank


def bank_of(bank: Path) -> AnnouncementBank:
    """What is in it, without announcements that cannot be read: those are told. TomlError."""
    import click

    from dialerd.detect.bank import read_bank

    whole, left_out = read_bank(bank)
    for error in left_out:
        click.echo(f"{error}\nleft out of the bank", err=True)
    return whole


def heard_folder(data: Path | None, config_path: str | None) -> Path:
    """Where the daemon collects what unanswered calls heard."""
    from dialerd.cli.common import load_config

    return (data or load_config(config_path).store.path) / "announcements" / "heard"


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The recordings named, those of folders in order; hidden ones and the unfinished are not."""
    from dialerd.cli.errors import FailedError
    from dialerd.detect.bank_learn import FILES_MAX

    def below(path: Path) -> Iterator[Path]:
        for each in sorted(path.rglob("*")):
            if each.is_file() and each.name[0] != "." and not each.stem.endswith(".part"):
                yield each

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += islice(below(path), FILES_MAX + 1)
        elif path.exists():
            found.append(path)
        else:
            raise FailedError(f"{path}: no such file or folder")
    if len(found) > FILES_MAX:
        raise FailedError(f"more than {FILES_MAX} files; name fewer")
    return found


def read(path: Path) -> Samples:
    """The beginning of a recording as mono samples at 8 kHz; PromptError, OSError."""
    import numpy as np

    from dialerd.detect.bank_prints import RATE, SECONDS_MAX
    from dialerd.shell.hearing import listen

    parts, samples = [np.zeros(0, np.int16)], 0
    for part in listen(path):
        parts.append(part)
        samples += len(part)
        if samples >= SECONDS_MAX * RATE:
            break
    return np.concatenate(parts)


def tried(path: Path) -> Samples | str:
    """The same, or why not; whoever asked says of which file."""
    from dialerd.core.prompts_view import PromptError

    try:
        return read(path)
    except PromptError as error:
        return str(error).removeprefix(f"{path}: ")
    except OSError as error:
        return error.strerror or str(error)


def printed(files: list[Path]) -> Iterator[tuple[Path, Prints | None, str]]:
    """The prints of each file, or why there are none."""
    from dialerd.detect.bank_prints import prints_of

    def work(path: Path) -> tuple[Prints | None, str]:
        samples = tried(path)
        return (None, samples) if isinstance(samples, str) else (prints_of(samples), "")

    for path, (prints, error) in ahead(files, work):
        yield path, prints, error


def ahead(files: list[Path], work: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    """What is made of each file, in order, some in work ahead."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        rest = iter(files)
        queue = [(path, pool.submit(work, path)) for path in islice(rest, AHEAD * workers)]
        while queue:
            path, done = queue.pop(0)
            yield path, done.result()
            queue += [(following, pool.submit(work, following)) for following in islice(rest, 1)]


def file_name(path: Path) -> str:
    """As JSON can say it: octets that are no UTF-8 are replaced."""
    return str(path).encode(errors="surrogateescape").decode(errors="replace")
