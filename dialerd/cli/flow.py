"""`dialerd flow`: what calls play by themselves, saved by name and version.

Read and written straight in the store, beside a running daemon.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialerd.cli.common import (
    clean,
    config_option,
    output_option,
    print_json,
    print_table,
    read_spec,
    tell,
    who,
)
from dialerd.cli.data_folder import data_option, opened
from dialerd.cli.prompt import shelves
from dialerd.cli.script import file_argument, version_option

if TYPE_CHECKING:
    from dialerd.core.flow_spec import FlowSpec


@click.group("flow")
def flow() -> None:
    """Flows that campaigns name: saved again, each is a new version.

    A campaign keeps its version until it is switched, and a call the one it began with.
    """


def _read(file: Path) -> FlowSpec:
    from dialerd.core.flow_spec import FlowSpec, spec_faults

    return read_spec(file, FlowSpec, spec_faults)


def _notes(spec: FlowSpec, data: Path | None, config_path: str | None) -> list[str]:
    """What is no fault: rounds of keys, and prompts that must be there when a campaign names it."""
    from dialerd.core.chain import prompts_of
    from dialerd.core.flow_checks import flow_notes
    from dialerd.core.flow_spec import to_flow
    from dialerd.core.prompts_view import PromptError

    found = to_flow(spec)
    notes = [f"{'/'.join(map(str, pointer))}: {text}" for pointer, text in flow_notes(found)]
    there = shelves(data, config_path)
    for name in sorted(prompts_of(found)):
        try:
            there.find(name)
        except PromptError as error:
            notes.append(str(error))
    return notes


@flow.command("check")
@file_argument
@data_option
@config_option
@output_option
def check(file: Path, data: Path | None, config_path: str | None, output: str) -> None:
    """Say what is wrong with a flow, with its place, or that nothing is.

    Notes are what it may have: prompts that are not there yet (with `--data` or a configuration),
    and keys that lead round and round.
    """
    from dialerd.config import ConfigError

    spec = _read(file)
    notes: list[str] = []
    with contextlib.suppress(ConfigError):
        notes = _notes(spec, data, config_path)
    steps = len(spec.steps)
    line = "\n".join((f"{file}: {steps} steps, no fault", *(f"note: {text}" for text in notes)))
    tell(output, line, file=str(file), name=spec.name, steps=steps, notes=notes)


@flow.command("add")
@file_argument
@data_option
@config_option
@output_option
def add(file: Path, data: Path | None, config_path: str | None, output: str) -> None:
    """Save a flow; under a name that is taken, as its next version."""
    from dialerd.core.flow_spec import to_flow
    from dialerd.store import wait

    spec = _read(file)
    with opened(data, config_path, create=True) as store:
        at_ms = time.time_ns() // 1_000_000
        saved = wait(store.save_flow(spec.name, to_flow(spec), who(), at_ms))
    if output == "json":
        new = saved.at_ms == at_ms
        print_json({"name": saved.name, "version": saved.version, "new": new})
        return
    same = "" if saved.at_ms == at_ms else ": nothing has changed"
    click.echo(f"{clean(saved.name)} is version {saved.version}{same}")
    for text in _notes(spec, data, config_path):
        click.echo(f"note: {text}")


@flow.command("ls")
@data_option
@config_option
@output_option
def ls(data: Path | None, config_path: str | None, output: str) -> None:
    """Every flow with its newest version."""
    with opened(data, config_path, readonly=True) as store:
        rows = [(one.name, one.version, len(one.flow.steps), one.who) for one in store.flows()]
    if output == "json":
        print_json(
            [dict(zip(("name", "version", "steps", "who"), row, strict=True)) for row in rows]
        )
    else:
        print_table(("name", "version", "steps", "who"), rows)


@flow.command("show")
@click.argument("name")
@version_option
@data_option
@config_option
@output_option
def show(name: str, version: int, data: Path | None, config_path: str | None, output: str) -> None:
    """One version of a flow, the newest one or any before it."""
    from dialerd.core.flow_spec import spec_of
    from dialerd.core.step_spec import played, ways

    with opened(data, config_path, readonly=True) as store:
        found = store.flow(name, version)
    spec = spec_of(found.name, found.flow)
    if output == "json":
        print_json(spec)
        return
    click.echo(f"{clean(found.name)}, version {found.version}")
    for step in spec.steps:
        told = "; ".join(filter(None, (played(step), ways(step))))
        click.echo(f"  {step.id}: {clean(told)}")
