"""The files that calls are listened to with, as `[detection]` and trunks name them.

Read in a thread, never in the event loop: a large bank takes seconds. What is missing or wrong is a
fault of the configuration; only an announcement that cannot be read is left out, and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from dialerd.config import Config, DetectionFiles, Trunk
from dialerd.config.trunk_tables import SoundKind
from dialerd.detect import bank, model
from dialerd.detect.bank import AnnouncementBank, read_bank
from dialerd.detect.bank_file import Kind
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book, shipped
from dialerd.lines.sound_map import EARLY
from dialerd.toml_faults import Fault, located_error, nearest
from dialerd.toml_load import TomlError, text_of
from fastpath.amd_forest import Model
from fastpath.tones_book import ToneBook

MODELS_MAX: Final = 64
VALUES: Final[Mapping[SoundKind, list[str]]] = {
    SoundKind.ANNOUNCEMENT: [kind.value for kind in Kind],
    SoundKind.SIT: [name.partition(":")[2] for name in EARLY if name.startswith("sit:")],
}
"""What a kind of sound can be, where that is known."""


class EarFiles(NamedTuple):
    """What the files say: models by name, books by what trunks write, the bank if it has any.

    `left_out` is what of the bank cannot be read.
    """

    models: Mapping[str, Model] = {}
    books: Mapping[str, ToneBook] = {}
    bank: AnnouncementBank | None = None
    left_out: tuple[str, ...] = ()


def read_ear_files(config: Config, path: Path) -> EarFiles:
    """All of them; `path` is the configuration. ConfigError tells every fault with its place."""
    faults: list[Fault] = []
    models = _models(config.detection, faults)
    books = _books(config.trunk, path.absolute().parent, faults)
    faults += _value_faults(config.trunk)
    whole, left_out = _bank(config.detection, faults)
    if faults:
        raise located_error(path, text_of(path), faults)
    return EarFiles(models, books, whole, left_out)


def _models(files: DetectionFiles, faults: list[Fault]) -> dict[str, Model]:
    at = ("detection", "models")
    if not files.models.is_dir() and files.models != model.DEFAULT.parent:
        faults.append(Fault(at, f"there is no folder {files.models}"))
    load_model.cache_clear()  # a file may be another by now
    load_model()  # now, not in the event loop
    found: dict[str, Model] = {}
    paths = sorted(files.models.glob("*.toml"))
    if len(paths) > MODELS_MAX:
        faults.append(Fault(at, f"more than {MODELS_MAX} models lie in {files.models}"))
    for path in paths[:MODELS_MAX]:
        try:
            found[path.stem] = load_model(path)
        except TomlError as error:
            faults.append(Fault(at, said(error)))
    return found


def _books(trunks: Iterable[Trunk], base: Path, faults: list[Fault]) -> dict[str, ToneBook]:
    load_book.cache_clear()
    found: dict[str, ToneBook] = {}
    for number, trunk in enumerate(trunks):
        if not trunk.tones.strip() or trunk.tones in found:
            continue
        try:
            found[trunk.tones] = load_book(trunk.tones, base)
        except TomlError as error:
            wrong = [name for name in trunk.tones.split() if name not in shipped()]
            hint = nearest(wrong[0], [*shipped(), "all"], "plans") if wrong else ""
            faults.append(Fault(("trunk", number, "tones"), said(error), hint))
    return found


def _value_faults(trunks: Iterable[Trunk]) -> Iterator[Fault]:
    for number, trunk in enumerate(trunks):
        for place, rule in enumerate(trunk.sound):
            if rule.answered and rule.kind is SoundKind.ANNOUNCEMENT:
                at = ("trunk", number, "sound", place, "answered")
                yield Fault(at, "announcements are heard before the answer only", "leave it out")
            known = VALUES.get(rule.kind)
            if known is not None and rule.value and rule.value not in known:
                at = ("trunk", number, "sound", place, "value")
                text = f"no {rule.kind.value} is {rule.value!r}"
                yield Fault(at, text, nearest(rule.value, known, "values"))


def _bank(
    files: DetectionFiles, faults: list[Fault]
) -> tuple[AnnouncementBank | None, tuple[str, ...]]:
    at = ("detection", "announcements")
    folder = files.announcements
    if not folder.is_dir() and folder != bank.DEFAULT:
        faults.append(Fault(at, f"there is no folder {folder}"))
        return None, ()
    try:
        found, left_out = read_bank(folder)
    except TomlError as error:
        faults.append(Fault(at, said(error)))
        return None, ()
    return found if len(found) else None, tuple(map(said, left_out))


def said(error: TomlError) -> str:
    """A fault of another file in one line: what is wrong, and where."""
    if not error.findings:
        return str(error).removeprefix("error: ").partition("\n")[0]
    one = error.findings[0]
    return f"{one.file}:{one.line}: {one.text}"
