"""`dialerd webhook`: who is told of calls that are over. The HTTP process tells them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

import click

from admin_http.hooks import keeping
from admin_http.hooks.keeping import HookError
from admin_http.hooks.records import Webhook
from admin_http.hooks.signing import shown
from admin_http.people.store import AdminStore
from dialerd.cli.admin_store import change, opened
from dialerd.cli.common import (
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
    tell,
    who,
)
from dialerd.cli.errors import FailedError

TRIES_SHOWN = 10


@click.group("webhook")
def webhook() -> None:
    """Webhooks; a running HTTP process notices changes by itself."""


@contextlib.contextmanager
def hooks(config_path: str | None) -> Iterator[AdminStore]:
    """The store that they are in; FailedError for what is refused."""
    with opened(config_path) as store:
        try:
            yield store
        except HookError as error:
            raise FailedError(str(error)) from None


@webhook.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--campaign", "campaigns", multiple=True, help="Of this campaign alone; repeat.")
@config_option
@output_option
def add(
    name: str, url: str, campaigns: tuple[str, ...], config_path: str | None, output: str
) -> None:
    """Tell URL of every call that is over from now on. The secret is shown this once."""
    from dialerd.cli.common import load_config
    from dialerd.core.control import GetCampaign
    from dialerd.store import open_store

    networks = load_config(config_path).admin.webhook_networks
    ids: list[int] = []
    if campaigns:
        with connect(config_path) as client:
            ids = [client.call(GetCampaign(campaign=one)).id for one in campaigns]
    with hooks(config_path) as store:
        keeping.check(name, url, plain=bool(networks))
        ended = open_store(load_config(config_path).store.path, readonly=True)
        try:
            last = ended.last_ended()
        finally:
            ended.close()
        made = keeping.made(name, url, tuple(dict.fromkeys(ids)), last, who(), datetime.now(UTC))
        change(store, f"webhook add {name}", lambda txn: keeping.add(txn, made), url)
    if output == "json":
        print_json({**_facts(made), "secret": shown(made.secret)})
        return
    click.echo(shown(made.secret))
    click.echo("keep it safe: it is not shown again", err=True)


@webhook.command("ls")
@config_option
@output_option
def ls(config_path: str | None, output: str) -> None:
    """Every webhook: where it goes and how that goes."""
    with hooks(config_path) as store, store.read() as txn:
        found = keeping.every(txn)
    if output == "json":
        print_json([_facts(one) for one in found])
        return
    print_table(
        ("name", "url", "campaigns", "told", "tries", "state"),
        [(one.name, one.url, _campaigns(one), one.told, one.tries, _state(one)) for one in found],
    )


@webhook.command("show")
@click.argument("name")
@config_option
@output_option
def show(name: str, config_path: str | None, output: str) -> None:
    """One webhook and its last tries."""
    with hooks(config_path) as store, store.read() as txn:
        one = keeping.get(txn, name)
        tries = keeping.tries(txn, name)[-TRIES_SHOWN:]
    if output == "json":
        print_json({**_facts(one), "deliveries": tries})
        return
    zone = load_zone(config_path)
    print_pairs([(key, _shown(value, zone)) for key, value in _facts(one).items()])
    if tries:
        click.echo()
        print_table(
            ("at", "event", "status", "ms", "detail"),
            [(local_time(t.at, zone), t.event, t.status, t.took_ms, t.detail) for t in tries],
        )


@webhook.command("pause")
@click.argument("name")
@config_option
@output_option
def pause(name: str, config_path: str | None, output: str) -> None:
    """Tell it nothing until `resume`; what ends meanwhile waits."""
    with hooks(config_path) as store:
        what = f"webhook pause {name}"
        change(store, what, lambda txn: keeping.pause(txn, name, keeping.PAUSED))
    tell(output, f"paused {name}", name=name, paused=True)


@webhook.command("resume")
@click.argument("name")
@config_option
@output_option
def resume(name: str, config_path: str | None, output: str) -> None:
    """Tell it again, from where it stood."""
    with hooks(config_path) as store:
        change(store, f"webhook resume {name}", lambda txn: keeping.pause(txn, name, ""))
    tell(output, f"resumed {name}", name=name, paused=False)


@webhook.command("rm")
@click.argument("name")
@config_option
@output_option
def rm(name: str, config_path: str | None, output: str) -> None:
    """Tell it nothing more, and forget it."""
    with hooks(config_path) as store:
        change(store, f"webhook rm {name}", lambda txn: keeping.remove(txn, name))
    tell(output, f"removed {name}", removed=name)


def _shown(value: object, zone: tzinfo | None) -> object:
    """A fact for a person to read."""
    match value:
        case None:
            return ""
        case datetime():
            return local_time(value, zone)
        case tuple():
            return ", ".join(map(str, value)) or "all"
        case _:
            return value


def _facts(one: Webhook) -> dict[str, Any]:
    """All but its secret."""
    return {
        "name": one.name,
        "url": one.url,
        "campaigns": one.campaigns,
        "created_at": one.created_at,
        "who": one.who,
        "paused": one.paused,
        "told": one.told,
        "missed": one.missed,
        "tries": one.tries,
        "failing_since": one.failing_since,
        "last_at": one.last_at,
        "last": one.last,
    }


def _campaigns(one: Webhook) -> str:
    return ", ".join(map(str, one.campaigns)) or "all"


def _state(one: Webhook) -> str:
    if one.paused:
        return f"paused: {one.paused}"
    return f"failing: {one.last}" if one.tries else one.last or "nothing told yet"
