"""`dialerd token`: tokens for the HTTP API. Needs no running daemon."""

from __future__ import annotations

from datetime import timedelta

import click

from admin_http import tokens
from admin_http.people import directory
from admin_http.people.store import Txn
from admin_http.tokens import Scope, utc_now
from dialerd.cli.admin_store import change, opened
from dialerd.cli.common import (
    config_option,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
    tell,
)
from dialerd.cli.spec_flags import seconds

DAYS_MAX = 3_650


@click.group("token")
def token() -> None:
    """Tokens for the HTTP API; a running daemon notices changes by itself."""


@token.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; repeat. Default: read.",
)
@click.option(
    "--expires", metavar="TIME", help="How long it is valid, such as 30d (default: ever)."
)
@click.option(
    "--user",
    metavar="NAME",
    default="",
    help="Whose it is, with that user's role; else a program's.",
)
@config_option
@output_option
def add(
    name: str,
    scopes: tuple[str, ...],
    expires: str | None,
    user: str,
    config_path: str | None,
    output: str,
) -> None:
    """Make a token and print it. It is shown this once and stored as a hash only."""
    now = utc_now()
    expires_at = None
    if expires:
        length = timedelta(seconds=seconds(expires, "--expires"))
        if not timedelta(0) < length <= timedelta(days=DAYS_MAX):
            raise click.UsageError(f"--expires: 1s to {DAYS_MAX}d")
        expires_at = now + length
    allowed = tuple(Scope(scope) for scope in scopes or ("read",))
    with opened(config_path) as store:

        def work(txn: Txn) -> str:
            if user:
                directory.get(txn, user)
            return tokens.add(txn, name, allowed, now, expires_at, user)

        detail = ", ".join(allowed) + (f" of {user}" if user else "")
        secret = change(store, f"token add {name}", work, detail)
    if output == "json":
        print_json({"name": name, "token": secret, "expires_at": expires_at})
        return
    click.echo(secret)
    click.echo("keep it safe: it is not shown again", err=True)


@token.command("ls")
@config_option
@output_option
def ls(config_path: str | None, output: str) -> None:
    """Every token: name, scopes, expiry."""
    with opened(config_path) as store, store.read() as txn:
        found = tokens.all_tokens(txn)
    now = utc_now()
    if output == "json":
        rows = [
            {
                "name": t.name,
                "scopes": t.scopes,
                "user": t.user,
                "created_at": t.created_at,
                "expires_at": t.expires_at,
                "valid": t.valid(now),
            }
            for t in found
        ]
        print_json(rows)
        return
    zone = load_zone(config_path)
    print_table(
        ("name", "user", "scopes", "made", "expires"),
        [
            (
                t.name,
                t.user,
                ", ".join(t.scopes),
                local_time(t.created_at, zone),
                ("" if t.valid(now) else "expired ")
                + (local_time(t.expires_at, zone) if t.expires_at else "never"),
            )
            for t in found
        ],
    )


@token.command("revoke")
@click.argument("name")
@config_option
@output_option
def revoke(name: str, config_path: str | None, output: str) -> None:
    """Remove a token; whoever uses it is refused from now on."""
    with opened(config_path) as store:
        change(store, f"token revoke {name}", lambda txn: tokens.revoke(txn, name))
    tell(output, f"revoked {name}", revoked=name)
