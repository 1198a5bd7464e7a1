"""`dialerd list`: imported lists."""

from __future__ import annotations

import click

from dialerd.cli.common import (
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
    who,
)
from dialerd.cli.errors import FailedError
from dialerd.cli.numbers import load_numbering
from dialerd.core.control import ListLists
from dialerd.core.lists_view import PEOPLE_MAX, AddPeople, Person


@click.group("list")
def lists() -> None:
    """Imported lists; `dialerd import` makes them."""


@lists.command("add")
@click.argument("name")
@click.argument("numbers", nargs=-1, required=True)
@click.option("--field", "fields", multiple=True, metavar="COLUMN=TEXT", help="Of all of them.")
@config_option
@output_option
def add(
    name: str,
    numbers: tuple[str, ...],
    fields: tuple[str, ...],
    config_path: str | None,
    output: str,
) -> None:
    """Add people to the list NAME by their numbers, as a CRM does by the HTTP API.

    Campaigns of the list that are under way call them too, unless their `newcomers` says otherwise.
    """
    values = dict(_field(text) for text in fields)
    numbering = load_numbering(config_path)
    people = []
    for found in map(numbering.analyse, numbers):
        if found.e164 is None or not found.dialable:
            raise FailedError(f"{found.input!r} may not be dialed: {found.reason}")
        phone, carrier = int(found.e164[1:]), found.carrier or ""
        people.append(Person(phone=phone, original=found.input, carrier=carrier, fields=values))
    if len(people) > PEOPLE_MAX:
        raise FailedError(f"at most {PEOPLE_MAX} at once; `dialerd import` takes files")
    with connect(config_path) as client:
        ids = {one.name: one.id for one in client.call(ListLists()).items}
        if name not in ids:
            raise FailedError(f"there is no list {name!r}")
        told = client.call(AddPeople(list=ids[name], people=tuple(people), who=who()))
    if output == "json":
        print_json(told)
        return
    click.echo(f"{told.added} added, {len(told.duplicates)} in it before")
    if told.campaigns:
        click.echo(f"called by {', '.join(told.campaigns)}")


def _field(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not (column and equals):
        raise click.BadParameter(f"--field is COLUMN=TEXT, not {text!r}")
    return column, value


@lists.command("ls")
@config_option
@output_option
def ls(config_path: str | None, output: str) -> None:
    """Every list with its size."""
    with connect(config_path) as client:
        found = client.call(ListLists()).items
    if output == "json":
        print_json(found)
        return
    zone = load_zone(config_path)
    rows = [(item.id, item.name, item.size, local_time(item.created_at, zone)) for item in found]
    print_table(("id", "name", "people", "imported"), rows)
