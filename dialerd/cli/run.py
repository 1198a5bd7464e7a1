"""`dialerd run` and `dialerd check-config`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialerd.cli.common import clean, config_option, output_option, print_json
from dialerd.cli.main import CONFIG, OK

if TYPE_CHECKING:
    from dialerd.config import Config


@click.command("run")
@config_option
@click.option("--check", is_flag=True, help="Only check the configuration.")
def run(config_path: str | None, check: bool) -> int:  # noqa: FBT001 - a flag
    """Run the daemon until it is stopped (Ctrl-C, SIGTERM or `dialerd stop`)."""
    from dialerd.config import find_config, load

    path = find_config(config_path)
    config = load(path)
    if check:
        _look_further(config, path)
        click.echo(f"{path} is right")
        return OK
    daemon = importlib.import_module("dialerd.daemon")  # the whole program hangs below it
    return daemon.run(config, path) or OK


def _look_further(config: Config, path: Path) -> tuple[str, ...]:
    """Into the files that it names: dialects, what detection hears by; ConfigError.

    Returns which announcements cannot be read, which no call needs.
    """
    from dialerd.shell.bank_config import dialects_of
    from dialerd.shell.ear_files import read_ear_files

    dialects_of(config.bank)
    left_out = read_ear_files(config, path).left_out
    for text in left_out:
        click.echo(f"announcement not used: {clean(text)}", err=True)
    return left_out


@click.command("check-config")
@config_option
@output_option
def check_config(config_path: str | None, output: str) -> int:
    """Check a configuration file whole; the effective values with -o json (secrets masked)."""
    from dialerd.config import ConfigError, find_config, load, masked
    from dialerd.shell.bank_config import rule_of, shared
    from gsm.io_slots import places

    path = find_config(config_path)
    try:
        config = load(path)
        left_out = _look_further(config, path)
    except ConfigError as error:
        if output != "json":
            raise
        print_json({"ok": False, "file": str(path), "findings": error.findings, "text": str(error)})
        return CONFIG
    if output == "json":
        print_json({"ok": True, "file": str(path), "config": masked(config), "left_out": left_out})
        return OK
    channels = sum(trunk.channels for trunk in config.trunk)
    counted = [_counted(len(config.trunk), "trunk"), _counted(channels, "channel")]
    if config.bank:
        ports = sum(len(rule_of(bank, places)) for bank in config.bank)
        there = f"{_counted(ports, 'port')} there now"
        for text in shared(config.bank, places):
            click.echo(f"warning: {clean(text)}", err=True)
        counted += [_counted(len(config.bank), "bank") + f" ({there})"]
    click.echo(f"{path} is right: {', '.join(counted)}")
    return OK


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)
