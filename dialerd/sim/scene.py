"""The scene of the demo: which carriers there are, the daemon's configuration, the campaign.

Pure: ports and folders are handed in, text and specs come out.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from dialerd.core.campaign_spec import CampaignSpec, CapSpec
from dialerd.core.records import CapCounts, FrequencyCap
from dialerd.core.step_spec import StepSpec

LIST = "Khách hàng mẫu"
CAMPAIGN = "Nhắc gia hạn"
WHO = "demo"

#: The carriers that are simulated, and whose numbers (as the numbering plan names them) each takes.
#: The last takes any: the small carriers' numbers and landlines.
CARRIERS: dict[str, tuple[str, ...]] = {
    "viettel": ("viettel",),
    "mobifone": ("mobifone", "vnsky", "fpt", "local"),
    "vinaphone": ("vinaphone", "itel", "wintel"),
    "other": (),
}

#: A bank of modems, when there is one, and whose numbers it takes.
BANK = "sims"
BANK_CARRIERS = ("vietnamobile", "gmobile")
DIALECTS = "huawei,quectel,simcom"  # makes of modems, by turns
HURRY = 10.0  # how many times faster than real ones they start and answer

#: A second trunk to the last carrier, for what one of the first three refuses and the bank has no
#: port for. It claims the same numbers with so little weight, at such a price, that hardly a call
#: begins there.
RESERVE = "reserve"
WEIGHT = 1_000
RESERVE_MINUTE = 900.0

RING_S = 20.0  # before speed

CHANNELS = 4_000  # of one trunk


class Range(msgspec.Struct, frozen=True):
    """UDP ports from `low` to `high`."""

    low: int
    high: int

    def parts(self, n: int) -> list[Range]:
        """Cut into `n` equal ranges that begin at even ports."""
        step = (self.high - self.low + 1) // n & ~1
        return [Range(self.low + i * step, self.low + (i + 1) * step - 1) for i in range(n)]


class Ports(msgspec.Struct, frozen=True):
    """Where everybody listens."""

    sip: int  # of the daemon
    admin: int  # TCP
    carriers: dict[str, int]
    rtp: Range = Range(20_000, 29_999)  # of the daemon
    carrier_rtp: Range = Range(10_000, 19_999)


class Scene(msgspec.Struct, frozen=True):
    """Everything a run of the demo is made from."""

    folder: Path
    socket: Path
    ports: Ports
    seed: int = 1
    leads: int = 100_000
    rate: float = 100.0
    speed: float = 1.0
    people: Path | None = None
    prompts: Path | None = None  # folder; None: the samples
    admin: bool = True  # whether the daemon runs its HTTP process
    records: bool = False  # whether it writes files of what ended
    modems: int = 0  # ports of the bank; 0: there is none

    @property
    def cap(self) -> FrequencyCap:
        """Each number once in 30 days, whatever came of the call."""
        return FrequencyCap(1, 30 * 86_400, CapCounts.ATTEMPTED)

    @property
    def ring_s_max(self) -> int:
        """How long the campaign lets a telephone ring; 5 s is the least a campaign may set."""
        return max(5, round(RING_S / self.speed))

    @property
    def config_file(self) -> Path:
        """The daemon's configuration."""
        return self.folder / "dialerd.toml"

    @property
    def list_file(self) -> Path:
        """The contact list, as a CSV."""
        return self.folder / "contacts.csv"

    @property
    def bank_folder(self) -> Path:
        """Where the devices of the bank are."""
        return self.folder / "modems"

    @property
    def bank_socket(self) -> Path:
        """Where the bank is told things."""
        return self.socket.with_name("bank.sock")

    def ledger_file(self, carrier: str) -> Path:
        """The ledger of a carrier, or of the bank."""
        return self.folder / "ledgers" / f"{carrier}.jsonl"

    def log_file(self, name: str) -> Path:
        """The log of a child process."""
        return self.folder / "logs" / f"{name}.log"


def config_toml(scene: Scene) -> str:
    """The daemon's configuration file for this scene."""
    ports = scene.ports
    calls_max = CHANNELS * len(CARRIERS)
    prompts = {} if scene.prompts is None else {"prompts": str(scene.prompts)}
    tables = [
        "# Made by `dialerd demo`. Trunks that lead to simulated carriers on this machine.",
        _table("store", path=str(scene.folder / "data"), map_gib=16),
        _table("sip", bind="127.0.0.1", port=ports.sip),
        _table(
            "media", bind="127.0.0.1", port_low=ports.rtp.low, port_high=ports.rtp.high, **prompts
        ),
        _table("control", socket=str(scene.socket)),
        _table("admin", enabled=scene.admin, bind="127.0.0.1", port=ports.admin),
        _table("dialing", calls_per_s_max=scene.rate, calls_max=calls_max, drain_s_max=30),
        _table("cdr", enabled=scene.records, format="jsonl"),
    ]
    for name, carriers in CARRIERS.items():
        tables.append(_trunk(scene, name, ports.carriers[name], carriers, WEIGHT))
    last = list(CARRIERS)[-1]
    others = tuple(carrier for carriers in CARRIERS.values() for carrier in carriers)
    if scene.modems:
        others += BANK_CARRIERS
    tables.append(_trunk(scene, RESERVE, ports.carriers[last], others, 1))
    tables.append(_table("trunk.plan", cost_minute=RESERVE_MINUTE))
    if scene.modems:
        tables += _bank(scene)
    return "\n".join(tables) + "\n"


def _bank(scene: Scene) -> tuple[str, ...]:
    """The bank's tables: SIM cards that rest a moment after each call."""
    devices = scene.bank_folder / "by-path"
    bank = _table(
        "[bank]",
        name=BANK,
        slots=str(devices / "*-at"),
        audio=str(devices / "*-audio"),
        carriers=list(BANK_CARRIERS),
        calls_per_s_max=max(scene.rate, 1.0),
        weight=WEIGHT,
        stagger_ms=10,
        loopback=True,
    )
    return bank, _table("bank.care", gap_s=round(1.0 / scene.speed, 2))


def _trunk(scene: Scene, name: str, port: int, carriers: tuple[str, ...], weight: int) -> str:
    return _table(
        "[trunk]",
        name=name,
        host="127.0.0.1",
        port=port,
        channels=CHANNELS,
        calls_per_s_max=max(scene.rate, 1.0),
        carriers=list(carriers),
        weight=weight,
        loopback=True,
    )


def campaign(scene: Scene) -> CampaignSpec:
    """The broadcast: a welcome, 1 thanks, 2 says goodbye, each number once in 30 days.

    Its rate is the daemon's, so that a run that is taken up again may have another one.
    """
    return CampaignSpec(
        name=CAMPAIGN,
        list=LIST,
        regime="loopback",
        steps=(
            StepSpec(
                id="welcome",
                prompt="vi/welcome",
                keys={"1": "thanks", "2": "goodbye"},
                wait_ms=4_000,
            ),
            StepSpec(id="thanks", prompt="vi/thanks"),
            StepSpec(id="goodbye", prompt="vi/goodbye"),
        ),
        cap=CapSpec(
            calls_max=scene.cap.calls_max, window_s=scene.cap.window_s, counts=scene.cap.counts
        ),
        ring_s_max=scene.ring_s_max,
    )


def carrier_arguments(scene: Scene, name: str) -> list[str]:
    """Arguments of `python -m dialerd.sim.io_carrier`."""
    rtp = scene.ports.carrier_rtp.parts(len(CARRIERS))[list(CARRIERS).index(name)]
    arguments = {
        "name": name,
        "port": scene.ports.carriers[name],
        "seed": scene.seed,
        "speed": scene.speed,
        "ledger": scene.ledger_file(name),
        "rtp-low": rtp.low,
        "rtp-high": rtp.high,
        "channels": CHANNELS,
    }
    if scene.people is not None:
        arguments["people"] = scene.people
    return [text for key, value in arguments.items() for text in (f"--{key}", str(value))]


def bank_arguments(scene: Scene) -> list[str]:
    """Arguments of `python -m dialerd.sim.io_modem_bank`."""
    arguments = {
        "dir": scene.bank_folder,
        "ports": scene.modems,
        "dialects": DIALECTS,
        "carriers": ",".join(BANK_CARRIERS),
        "seed": scene.seed,
        "speed": scene.speed,
        "hurry": HURRY,
        "ledger": scene.ledger_file(BANK),
        "control": scene.bank_socket,
    }
    if scene.people is not None:
        arguments["people"] = scene.people
    return [text for key, value in arguments.items() for text in (f"--{key}", str(value))]


def _table(header: str, /, **values: object) -> str:
    """One TOML table; JSON writes strings, numbers and lists the way TOML does."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["", f"[{header}]", *lines])
