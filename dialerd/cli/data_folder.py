"""Commands that work on a data folder itself, beside a running daemon or without one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialerd.cli.common import load_config

if TYPE_CHECKING:
    from datetime import tzinfo

    from dialerd.store import LmdbStore

data_option = click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder."
)


@contextlib.contextmanager
def opened(
    data: Path | None, config_path: str | None, *, create: bool = False, readonly: bool = False
) -> Iterator[LmdbStore]:
    """The store of a command, closed behind it."""
    from dialerd.store import open_store

    path = data or load_config(config_path).store.path
    store = open_store(path, create=create, readonly=readonly, linger_s=0.0)
    try:
        yield store
    finally:
        store.close()


def zone_of(config_path: str | None, data: Path | None) -> tzinfo:
    """The zone that times are shown in: the configuration's, or its default beside `--data`."""
    from dialerd.config import Config, parse_zone

    config = Config() if data and not config_path else load_config(config_path)
    return parse_zone(config.dialing.zone)
