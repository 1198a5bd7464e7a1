"""`dialerd detect`: who and what is heard in recordings, by the daemon's own detectors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dialerd.cli.common import output_option

if TYPE_CHECKING:
    from dialerd.detect.audio import Samples
    from fastpath.amd import Model

PLAIN_BYTES_MAX: Final = 64 << 20  # a larger file goes the long way, which bounds what it reads
AHEAD: Final = 4  # files in work for each process that decodes


@click.command("detect")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=Path)
@click.option("--early-media", is_flag=True, help="Before the answer: what is heard, no verdict.")
@click.option(
    "--model", "model_path", metavar="FILE", type=Path,
    help="Another model of who answered (default: conf/amd/model.toml).",
)  # fmt: skip
@output_option
def detect(
    files: tuple[Path, ...], *, early_media: bool, model_path: Path | None, output: str
) -> None:
    """Say who answered in each recording, a person or a machine, and what else is heard.

    A recording begins where the call was answered; any format and rate. The detectors are those of
    the daemon. With --json each file gets one line, in the order given: verdict, verdict_at_s,
    confidence, reason, seconds and events, or error; the exit code is 1 when a file could not be
    read.
    """
    from dialerd.detect.model import DEFAULT, load_model

    model = load_model(model_path or DEFAULT)
    failed = False
    for path, found in _all(files, model, early_media=early_media):
        failed |= "error" in found
        if output == "json":
            click.echo(json.dumps({"file": str(path)} | found, ensure_ascii=False))
        else:
            click.echo(_line(path, found))
    if failed:
        sys.exit(1)


def _all(
    files: tuple[Path, ...], model: Model, *, early_media: bool
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each file's findings in order, some read ahead."""
    import os

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        rest = iter(files)
        work = partial(_one, model=model, early_media=early_media)
        queue = [(path, pool.submit(work, path)) for path in islice(rest, AHEAD * workers)]
        while queue:
            path, done = queue.pop(0)
            yield path, done.result()
            queue += [(following, pool.submit(work, following)) for following in islice(rest, 1)]


def _one(path: Path, *, model: Model, early_media: bool) -> dict[str, Any]:
    import msgspec

    from dialerd.core.prompts_view import PromptError
    from dialerd.detect.audio import hear

    try:
        samples = read(path)
    except PromptError as error:
        return {"error": str(error)}
    found: dict[str, Any] = msgspec.to_builtins(hear(samples, early_media=early_media, model=model))
    return found


def read(path: Path) -> Samples:
    """A recording as mono samples of 16 bits at 8 kHz; PromptError."""
    import numpy as np

    from dialerd.shell.decoding import decode, open_regular
    from dialerd.shell.wav import ALAW, PCM, read_plain
    from fastpath.g711 import alaw_decode, ulaw_decode

    with open_regular(path) as file:
        head = file.read(PLAIN_BYTES_MAX + 1) or b""
    plain = read_plain(head) if len(head) <= PLAIN_BYTES_MAX else None
    if plain is None:
        loud = decode(path).samples
        return np.clip(np.rint(loud * 32_768), -32_768, 32_767).astype(np.int16)
    if plain.coding == PCM:
        return np.frombuffer(plain.data, "<i2")
    law = alaw_decode if plain.coding == ALAW else ulaw_decode
    return np.asarray(law(plain.data))


def _line(path: Path, found: dict[str, Any]) -> str:
    """One file for people."""
    if "error" in found:
        return f"error: {found['error']}"
    said = "" if found["verdict"] is None else f"  {found['verdict']}"
    if found["verdict_at_s"] is not None:
        said += f" at {found['verdict_at_s']:.2f} s"
        said += f" ({found['confidence']:.0%})" if found["confidence"] else ""
        said += "" if found["reason"] == "model" else f": {found['reason']}"
    events = "".join(
        f"\n    {one['at_s']:7.2f} - {one['until_s']:.2f} s  {one['type']} {one['value']}"
        for one in found["events"]
    )
    return f"{path}{said}{events}"
