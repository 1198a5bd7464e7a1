"""`dialerd demo`: the whole main job on this machine, to simulated carriers."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click
import msgspec
from rich.console import Console
from rich.live import Live

from dialerd.cli.common import output_option
from dialerd.cli.demo_run import DemoRun
from dialerd.cli.demo_serve import ServeRun
from dialerd.cli.demo_view import last_words, live
from dialerd.cli.errors import FailedError
from dialerd.cli.main import FAILED, OK
from dialerd.sim.io_procs import ChildError
from dialerd.sim.io_world import Look, World, make_scene

LINE_EVERY_S = 5.0


class LiveScreen:
    """A table that is redrawn."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def step(self, text: str) -> None:
        """A tick and a line."""
        self._console.print(f"[green]✓[/] {text}", highlight=False)

    def show(self, look: Look, phase: str, elapsed_s: float, cps: float) -> None:
        """Redraw."""
        size = self._console.size
        picture = live(look, phase, elapsed_s, cps, columns=size.width, lines=size.height)
        if self._live is None:
            self._live = Live(picture, console=self._console, refresh_per_second=4)
            self._live.start()
        self._live.update(picture)

    def close(self) -> None:
        """Leave the last picture on the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class LineScreen:
    """A line now and then, for logs and CI."""

    def __init__(self) -> None:
        self._next_s = 0.0
        self._phase = ""

    def step(self, text: str) -> None:
        """One line."""
        click.echo(text, err=True)

    def show(self, look: Look, phase: str, elapsed_s: float, cps: float) -> None:
        """One line every few seconds, and when the phase changes."""
        if phase == self._phase and elapsed_s < self._next_s:
            return
        self._phase, self._next_s = phase, elapsed_s + LINE_EVERY_S
        ended = ", ".join(f"{o.value} {n}" for o, n in look.progress.outcomes.items() if n)
        click.echo(
            f"{phase} {elapsed_s:4.0f} s  {cps:6.1f} calls/s  "
            f"{look.status.calls_in_flight} in flight  {ended}",
            err=True,
        )

    def close(self) -> None:
        """Nothing to let go of."""


@click.command("demo")
@click.option("--seconds", type=click.FloatRange(min=1), help="Place calls this long [all leads].")
@click.option("--rate", type=click.FloatRange(0.1, 1_000), default=100.0, show_default=True,
              help="Calls a second.")  # fmt: skip
@click.option("--leads", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True,
              help="Rows of the generated list.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of people and list.")
@click.option("--ports", "modems", type=click.IntRange(0, 250), default=64, show_default=True,
              help="Of a simulated bank of modems beside the trunks; 0: no bank.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True,
              help="How many times faster people ring, talk and press.")  # fmt: skip
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              help="Folder to work in [a new one under the temporary folder].")  # fmt: skip
@click.option(
    "--serve", is_flag=True, help="Only carriers, daemon and a list's file, until Ctrl-C."
)
@click.option("--headless", is_flag=True, help="No live table: a line now and then.")
@output_option
def demo(
    seconds: float | None,
    data: Path | None,
    serve: bool,  # noqa: FBT001
    headless: bool,  # noqa: FBT001
    output: str,
    **settings: float,
) -> int:
    """Dial a generated list through simulated carriers and modems on this machine.

    Nothing leaves the machine. With --data on the folder of an earlier run, that run's list and
    campaign go on where they ended. A daemon that dies is started again on its data.

    With --serve nothing is dialed: the campaign is yours to make, by commands or over HTTP. A
    daemon that dies ends it then.

    Ctrl-C drains: no new calls, live calls end, the summary is still printed; a second Ctrl-C hangs
    up. Exit code 1 when a number was dialed twice, a call was lost or a process cannot be kept up.
    """
    as_json = output == "json"
    folder = data or Path(tempfile.mkdtemp(prefix="dialerd-demo-"))
    console = Console(stderr=as_json)
    screen = LineScreen() if headless or not console.is_terminal else LiveScreen(console)
    try:
        scene = make_scene(folder, **settings)
        with World(scene) as world, contextlib.closing(screen):
            if serve:
                _serve(world, screen)
                return OK
            run = DemoRun(world, screen, seconds)
            with _interrupts(run):
                run.set_up()
                run.dial()
                run.drain()
                screen.close()
                summary = run.finish(folder / "report.csv")
    except ChildError as error:
        raise FailedError(str(error)) from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode())
    else:
        console.print(last_words(summary, folder / "report.csv", scene.config_file), soft_wrap=True)
    return FAILED if summary.doubled or summary.lost else OK


def _serve(world: World, screen: LineScreen | LiveScreen) -> None:
    serving = ServeRun(world, screen)
    with _interrupts(serving):
        serving.run()


@contextlib.contextmanager
def _interrupts(run: DemoRun | ServeRun) -> Iterator[None]:
    """Ctrl-C and SIGTERM drain."""

    def drain(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        run.stop()

    before = {n: signal.signal(n, drain) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
