"""A whole simulated world on this machine: carriers as processes, the daemon, a list, a campaign.

The demo and the fault tests are made of the same pieces. Everything that is started here is ended
here, by its process id, whatever happens in between.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

import dialerd
from dialerd.control.io_client import SyncClient, UnreachableError
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import (
    ActOnCampaign,
    CampaignAction,
    Conflict,
    CreateCampaign,
    Drain,
    GetProgress,
    GetStatus,
    NotFound,
    Ping,
    ProgressInfo,
    Status,
)
from dialerd.core.ids import attempt_of
from dialerd.core.ports import ReportRow
from dialerd.core.ports_view import ListPorts, ModemPort
from dialerd.core.records import CampaignState, LeadState
from dialerd.sim import lists, scene
from dialerd.sim.bank_figures import BankFigures, bank_figures
from dialerd.sim.checkers import of_attempts
from dialerd.sim.io_bank import SimulatedBank
from dialerd.sim.io_kept import Kept, read_kept, write_kept
from dialerd.sim.io_procs import Child, ChildError, free_ports, wait_until
from dialerd.sim.ledger import Books, merged, read_ledgers
from dialerd.sim.scene import BANK, CAMPAIGN, CARRIERS, LIST, WHO, Ports, Scene
from dialerd.sim.summary import Imported, Measured, Summary, judge, summarise
from dialerd.sim.tally import Tally
from dialerd.sim.usage import Usage
from dialerd.store import FolderLockedError, open_store
from dialerd.store.folder import FolderLock

NEXT = {
    CampaignState.DRAFT: CampaignAction.APPROVE,
    CampaignState.APPROVED: CampaignAction.START,
    CampaignState.PAUSED: CampaignAction.RESUME,
}
UNTRIED = (LeadState.READY, LeadState.CLAIMED, LeadState.DIALING)
START_S = 120.0  # for a process to take calls or requests; one that dies is told at once
EXAMINED_S = 900.0  # for a daemon, which after a crash reads its whole store first
SOCKET_PATH_MAX = 100  # of a Unix-domain socket, sun_path less some room


class Look(msgspec.Struct):
    """The world at one moment."""

    status: Status
    progress: ProgressInfo
    usage: Usage
    tallies: dict[str, Tally]
    modems: tuple[ModemPort, ...] = ()

    @property
    def list_done(self) -> bool:
        """Whether every lead has been dialed and has come to rest.

        Some may wait for a retry or for their cap's 30 days; the campaign itself would wait too.
        """
        if self.progress.state is CampaignState.FINISHED:
            return True
        begun = self.progress.audience > 0 and self.status.calls_in_flight == 0
        return begun and not any(self.progress.leads.get(s.name.lower()) for s in UNTRIED)


def scene_ports() -> Ports:
    """For the daemon and each carrier, all different."""
    sip, admin, *carriers = free_ports(2 + len(CARRIERS))
    return Ports(sip, admin, dict(zip(CARRIERS, carriers, strict=True)))


def make_scene(folder: Path, **settings: object) -> Scene:
    """A scene in `folder` (made when missing), with free ports.

    A folder that holds a scene keeps its people and its list: `seed` and `leads` are those it was
    made with. OSError when the folder cannot be used.
    """
    folder = folder.absolute()
    for sub in ("data", "ledgers", "logs"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    socket = folder / "control.sock"
    if len(os.fsencode(socket)) > SOCKET_PATH_MAX:
        socket = Path(tempfile.mkdtemp(prefix="dialerd-")) / "control.sock"
    fixed = {"folder": folder, "socket": socket, "ports": scene_ports()}
    made = msgspec.convert({**settings, **fixed}, Scene, strict=False)
    kept = read_kept(folder)
    if kept is not None:
        return msgspec.structs.replace(made, seed=kept.seed, leads=kept.leads)
    write_kept(folder, Kept(made.seed, made.leads))
    return made


class World:
    """See the module's text. Use as a context manager."""

    def __init__(self, the_scene: Scene) -> None:
        """Nothing runs yet."""
        self.scene = the_scene
        self.carriers: dict[str, Child] = {}  # the process of the bank too
        self.bank: SimulatedBank | None = None
        self.daemon: Child | None = None
        self.variables: dict[str, str] = {}  # of the daemon's environment, beside ours
        self.restarts = 0
        networks = (*CARRIERS, BANK) if the_scene.modems else CARRIERS
        self._tallies = {name: (Tally(), 0) for name in networks}
        self._usage = Usage()  # of the present daemon when it was last looked at
        self._spent = Usage()  # of those that died

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        self.close()

    def close(self) -> None:
        """End the daemon, then the carriers. Idempotent."""
        children = [*([self.daemon] if self.daemon else []), *self.carriers.values()]
        try:
            for child in children:
                child.stop()
        finally:
            for child in children:
                child.kill()
            self.scene.bank_socket.unlink(missing_ok=True)
            if self.scene.socket.parent != self.scene.folder:
                self.scene.socket.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    self.scene.socket.parent.rmdir()

    # ---- processes

    def start_carriers(self) -> None:
        """Start carriers and bank and wait until all take calls; ChildError when one does not."""
        for name in CARRIERS:
            arguments = scene.carrier_arguments(self.scene, name)
            command = [sys.executable, "-m", "dialerd.sim.io_carrier", *arguments]
            self.carriers[name] = Child(
                f"carrier {name}", command, self.scene.log_file(name), environment()
            )
        if self.scene.modems:
            self.bank = SimulatedBank(self.scene, environment())
            self.carriers[BANK] = self.bank.child
        for child in self.carriers.values():
            wait_until(partial(_said_ready, child), [child], START_S, child.name)

    def start_daemon(self) -> None:
        """Start the daemon and wait until it answers; ChildError when it does not."""
        self.scene.config_file.write_text(scene.config_toml(self.scene))
        log = self.scene.log_file("daemon")
        self.daemon = daemon = Child(
            "the daemon", self.daemon_command(), log, environment() | self.variables
        )
        wait_until(self._answers, [daemon], EXAMINED_S, "the daemon's control socket")

    def daemon_command(self) -> list[str]:
        """How it is started."""
        return [*dialerd_command(), "run", "-c", str(self.scene.config_file)]

    def earlier_daemon(self) -> int | None:
        """The process id of a daemon that still has our data folder, 0 when it is not known."""
        try:
            FolderLock(self.scene.folder / "data").release()
        except FolderLockedError as error:
            return error.pid
        return None

    def stop_daemon(self, grace_s: float = 60.0) -> int:
        """SIGTERM, as `systemctl stop` would; its exit code."""
        return 0 if self.daemon is None else self.daemon.stop(grace_s)

    def restart_daemon(self) -> None:
        """Start it again on the same data, after it died."""
        self._spent += self._usage.gone
        self._usage = Usage()
        self.restarts += 1
        self.start_daemon()

    def check(self) -> None:
        """ChildError when a process has died that should run."""
        self.check_carriers()
        if self.daemon is not None:
            self.daemon.check()

    def check_carriers(self) -> None:
        """ChildError when a carrier has died."""
        for child in self.carriers.values():
            child.check()

    def _answers(self) -> bool:
        try:
            with self.client(2.0) as client:
                client.call(Ping())
        except UnreachableError:
            return False
        return True

    # ---- the list and the campaign

    def load_list(self) -> Imported:
        """Write the list and import it; once for a folder, and told again after that."""
        kept = read_kept(self.scene.folder)
        if kept is not None and kept.imported is not None:
            return kept.imported
        self.write_list()
        imported = self.import_list()
        write_kept(self.scene.folder, Kept(self.scene.seed, self.scene.leads, imported))
        return imported

    def write_list(self) -> None:
        """Generate the contacts as a CSV."""
        made = lists.rows(self.scene.leads, self.scene.seed)
        text = lists.csv_text(made)
        self.scene.list_file.write_text(text, encoding="utf-8-sig", newline="")

    def import_list(self) -> Imported:
        """Import the CSV by the command a user would give; ChildError when it fails."""
        command = ["import", str(self.scene.list_file), "--list", LIST, "--json"]
        began = time.monotonic()
        said = msgspec.json.decode(self.dialerd(*command))
        return Imported(
            valid=said["valid"],
            converted=said["converted"],
            duplicates=said["duplicate"],
            rejected=said["rejected"] + said["blank"],
            seconds=time.monotonic() - began,
        )

    def dialerd(self, *arguments: str, may_end: tuple[int, ...] = (0,)) -> bytes:
        """Run one of our own commands; what it printed. ChildError when it ends otherwise."""
        command = [*dialerd_command(), *arguments, "-c", str(self.scene.config_file)]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False)
        if done.returncode not in may_end:
            why = done.stderr.decode(errors="replace").strip()
            raise ChildError(f"dialerd {arguments[0]} failed ({done.returncode}): {why}")
        return done.stdout

    def client(self, timeout_s: float = 30.0) -> SyncClient:
        """A connection to the daemon; UnreachableError without one."""
        return SyncClient(self.scene.socket, timeout_s)

    def campaign(self) -> CampaignSpec:
        """What is dialed."""
        return scene.campaign(self.scene)

    def begin(self) -> ProgressInfo:
        """Create, approve and start the campaign, as a user would, or take it up where it is.

        Its books before anything of this run is dialed.
        """
        with self.client(60.0) as client:
            try:
                before = client.call(GetProgress(campaign=CAMPAIGN))
            except NotFound:
                client.call(CreateCampaign(spec=self.campaign(), who=WHO))
                before = client.call(GetProgress(campaign=CAMPAIGN))
            state = before.state
            while (action := NEXT.get(state)) is not None:
                act = ActOnCampaign(campaign=CAMPAIGN, action=action, who=WHO)
                state = client.call(act).state
        return before

    def pause(self) -> None:
        """No new calls; nothing when the campaign is over already."""
        act = ActOnCampaign(campaign=CAMPAIGN, action=CampaignAction.PAUSE, who=WHO)
        with self.client() as client:
            try:
                client.call(act)
            except Conflict:
                if client.call(GetProgress(campaign=CAMPAIGN)).state is CampaignState.RUNNING:
                    raise

    def hang_up(self) -> None:
        """End the live calls now."""
        with self.client() as client:
            client.call(Drain(who=WHO, hang_up=True))

    # ---- watching

    def look(self) -> Look:
        """The world now. ChildError when a process died, UnreachableError without an answer."""
        self.check()
        with self.client() as client:
            status = client.call(GetStatus())
            progress = client.call(GetProgress(campaign=CAMPAIGN))
            modems = client.call(ListPorts()).items if self.bank else ()
        return Look(status, progress, self.usage(), self.tallies(), modems)

    def modems(self) -> tuple[ModemPort, ...]:
        """The ports of the bank, as the daemon tells of them."""
        with self.client() as client:
            return client.call(ListPorts()).items

    def usage(self) -> Usage:
        """The daemon and its children, with the CPU of those that died before."""
        now = Usage() if self.daemon is None else self.daemon.usage()
        if now.cpu_s:
            self._usage = now
        return self._spent + now

    def tallies(self) -> dict[str, Tally]:
        """Running counts of every ledger; read forward from where the last look ended."""
        for name, (tally, at) in self._tallies.items():
            path = self.scene.ledger_file(name)
            if path.exists():
                with path.open("rb") as file:
                    file.seek(at)
                    data = file.read()
                tally.feed(data)
                self._tallies[name] = (tally, at + len(data))
        return {name: tally for name, (tally, _) in self._tallies.items()}

    # ---- afterwards

    def books(self) -> Books:
        """Every carrier's ledger, joined."""
        return read_ledgers(self.scene.ledger_file(name) for name in CARRIERS)

    def bank_books(self) -> Books:
        """The bank's."""
        return read_ledgers([self.scene.ledger_file(BANK)])

    def summary(self, imported: Imported, measured: Measured) -> Summary:
        """Figures and verdicts of the run, from the store and the ledgers."""
        store = open_store(self.scene.folder / "data", readonly=True)
        try:
            campaign_id = store.find_campaign(CAMPAIGN).campaign_id

            def rows() -> Iterator[ReportRow]:
                return (row for chunk in store.report(campaign_id) for row in chunk)

            ledger = self.bank_books()
            books = merged(self.books(), of_attempts(ledger, rows(), BANK))
            verdict = judge(books, rows, self.scene.cap, attempt_of)
            made = summarise(self.scene.seed, imported, books, rows(), verdict, measured)
            made.bank = self._bank_figures(ledger, measured)
            return made
        finally:
            store.close()

    def _bank_figures(self, ledger: Books, measured: Measured) -> BankFigures:
        if self.bank is None:
            return BankFigures()
        ports, away = self.scene.modems, self.bank.away
        return bank_figures(ledger, ports, measured.ports_ready, away, seen=measured.port_loss_seen)

    def export(self, path: Path) -> None:
        """The campaign's report as a CSV, by the command a user would give."""
        path.write_bytes(self.dialerd("report", CAMPAIGN, "-o", "csv"))


def _said_ready(child: Child) -> bool:
    return b'"ready": true' in child.output()


def environment() -> dict[str, str]:
    """For children: ours, and our package importable whatever folder they run in."""
    root = str(Path(dialerd.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def dialerd_command() -> list[str]:
    """How to run our own command line."""
    return [sys.executable, "-m", "dialerd"]
