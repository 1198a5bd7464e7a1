"""`dialerd user`: who may log in to the HTTP API. Needs no running daemon."""

from __future__ import annotations

import getpass
import sys
import warnings
from typing import Any

import click

from admin_http.limits import PASSWORD_CHARS_MAX, USERS_MAX
from admin_http.people import directory, passwords
from admin_http.people.passwords import PasswordError
from admin_http.people.roles import USERS, Role, User
from admin_http.tokens import utc_now
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
from dialerd.cli.data_folder import opened as opened_store
from dialerd.cli.errors import FailedError

stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
role_option = click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="What the user may do."
)
campaign_option = click.option(
    "--campaign",
    "campaigns",
    multiple=True,
    metavar="CAMPAIGN",
    help="By id or name: what a viewer sees; repeat.",
)
agent_option = click.option(
    "--agent", metavar="NAME", help="Whom a user of the role agent works as."
)

phone_option = click.option(
    "--phone",
    "phones",
    multiple=True,
    metavar="ACCOUNT",
    help="What may be rung for a supervisor to listen in; repeat.",
)


@click.group("user")
def user() -> None:
    """Users of the HTTP API; a running daemon notices changes by itself."""


def _asked() -> str:
    """The password as it is typed, twice; FailedError without a terminal that can hide it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            asked = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        except getpass.GetPassWarning:
            text = "no terminal can ask for the password; --password-stdin reads it from a pipe"
            raise FailedError(text) from None
    return str(asked)


def _password(name: str, *, from_stdin: bool) -> str:
    """A new password, as its hash; FailedError for one that is not taken."""
    if from_stdin:
        given = sys.stdin.readline(PASSWORD_CHARS_MAX + 2).removesuffix("\n").removesuffix("\r")
    else:
        given = _asked()
    try:
        passwords.check_new(name, given)
    except PasswordError as error:
        raise FailedError(str(error)) from None
    return passwords.make(given)


def _campaign_ids(config_path: str | None, names: tuple[str, ...]) -> tuple[int, ...]:
    if not names:
        return ()
    with opened_store(None, config_path, readonly=True) as store:
        return tuple(store.find_campaign(name).campaign_id for name in names)


@user.command("add")
@click.argument("name")
@role_option
@campaign_option
@agent_option
@phone_option
@stdin_option
@config_option
@output_option
def add(
    name: str,
    role: str | None,
    campaigns: tuple[str, ...],
    agent: str | None,
    phones: tuple[str, ...],
    config_path: str | None,
    output: str,
    *,
    password_stdin: bool,
) -> None:
    """Make a user. There is none in the beginning, and no password but the one you give."""
    if role is None:
        raise click.UsageError(f"--role: one of {', '.join(Role)}")
    now = utc_now()
    made = User(
        name=name,
        role=Role(role),
        created_at=now,
        campaigns=_campaign_ids(config_path, campaigns),
        agent=agent,
        phones=phones,
    )
    with opened(config_path) as store:
        directory.fitting(made)
        with store.read() as txn:
            if txn.get(USERS, name.encode()) is not None:
                raise FailedError(f"there is a user named {name!r} already")
        hashed = _password(name, from_stdin=password_stdin)

        def work(txn: Any) -> None:
            directory.add(txn, made)
            directory.set_password(txn, name, hashed, now)

        change(store, f"user add {name}", work, f"as {role}")
    tell(output, f"{name} is {role}", user=name, role=role)


@user.command("list")
@config_option
@output_option
def list_users(config_path: str | None, output: str) -> None:
    """Every user: role, what it sees, since when."""
    with opened(config_path) as store, store.read() as txn:
        found = txn.scan(USERS, USERS_MAX)
    if output == "json":
        names = ("name", "role", "campaigns", "agent", "phones", "disabled", "created_at",
                 "password_at")  # fmt: skip
        print_json([{name: getattr(one, name) for name in names} for one in found])
        return
    zone = load_zone(config_path)
    rows = [
        (
            one.name,
            f"{one.role}{' (disabled)' if one.disabled else ''}",
            ", ".join(map(str, one.campaigns or one.phones)) or (one.agent or ""),
            local_time(one.created_at, zone),
            local_time(one.password_at, zone) if one.password_at else "none",
        )
        for one in found
    ]
    print_table(("name", "role", "campaigns, agent, telephones", "made", "password of"), rows)


@user.command("passwd")
@click.argument("name")
@stdin_option
@config_option
@output_option
def passwd(name: str, config_path: str | None, output: str, *, password_stdin: bool) -> None:
    """Another password; every session of the user ends."""
    with opened(config_path) as store:
        with store.read() as txn:
            directory.get(txn, name)
        hashed = _password(name, from_stdin=password_stdin)
        change(
            store,
            f"user passwd {name}",
            lambda txn: directory.set_password(txn, name, hashed, utc_now()),
        )
    tell(output, f"{name} has another password", user=name, password="another")  # noqa: S106


@user.command("disable")
@click.argument("name")
@config_option
@output_option
def disable(name: str, config_path: str | None, output: str) -> None:
    """Out at once, and not in again until `enable`; its tokens, too."""
    _set(config_path, f"user disable {name}", name, disabled=True)
    tell(output, f"{name} is disabled", user=name, disabled=True)


@user.command("enable")
@click.argument("name")
@config_option
@output_option
def enable(name: str, config_path: str | None, output: str) -> None:
    """May log in again."""
    _set(config_path, f"user enable {name}", name, disabled=False)
    tell(output, f"{name} is enabled", user=name, disabled=False)


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@campaign_option
@agent_option
@phone_option
@config_option
@output_option
def change_role(
    name: str,
    role: str,
    campaigns: tuple[str, ...],
    agent: str | None,
    phones: tuple[str, ...],
    config_path: str | None,
    output: str,
) -> None:
    """Another role, with what it sees, whom it works as and where it listens in."""
    ids = _campaign_ids(config_path, campaigns)
    more = {"campaigns": ids, "agent": agent, "phones": phones}
    _set(config_path, f"user role {name} {role}", name, role=Role(role), **more)
    tell(output, f"{name} is {role}", user=name, role=role)


@user.command("remove")
@click.argument("name")
@config_option
@output_option
def remove(name: str, config_path: str | None, output: str) -> None:
    """Remove a user with its sessions and tokens; the audit log keeps what it did."""
    with opened(config_path) as store:
        change(store, f"user remove {name}", lambda txn: directory.remove(txn, name))
    tell(output, f"removed {name}", removed=name)


def _set(config_path: str | None, what: str, name: str, **fields: object) -> None:
    with opened(config_path) as store:
        change(store, what, lambda txn: directory.change(txn, name, **fields))
