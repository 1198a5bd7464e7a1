"""`dialerd retention`: what goes by age."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dialerd.cli.common import config_option, load_config, output_option, print_json, print_pairs
from dialerd.cli.errors import FailedError
from dialerd.cli.progress import waiting


@click.command("retention")
@click.option("-n", "--dry-run", is_flag=True, help="Count what would go, remove nothing.")
@click.option("--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder.")
@config_option
@output_option
def retention(
    dry_run: bool,  # noqa: FBT001
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """Remove what [retention] and campaigns keep no longer; the daemon does so every day itself."""
    from dialerd.shell.chore_list import retention_of
    from dialerd.store import open_store

    config = load_config(config_path)
    folder = data or config.store.path
    store = open_store(folder, create=False, readonly=dry_run, linger_s=0.0)
    try:
        work = retention_of(config, store, folder, time.time_ns() // 1_000_000, dry=dry_run)
        if not work.any:
            raise FailedError("[retention] and all campaigns keep everything for ever")
        with waiting("looking" if dry_run else "removing", wanted=output != "json"):
            for _ in work.steps():
                pass
    finally:
        store.close()
    if output == "json":
        print_json({"dry_run": dry_run, **work.counts})
    else:
        print_pairs([("would go" if dry_run else "gone", ""), *work.counts.items()])
