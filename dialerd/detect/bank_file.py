"""An announcement on disk: NAME.toml, which people read and may edit, beside NAME.prints.

The prints: 8 octets that name the format and its version, the number of prints, then all codes, all
masks (16 bits each) and all flags, numbers with the low octet first. The TOML file has the SHA-256
of them all, so that neither is used with another's other half.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dialerd.detect.bank_prints import PER_S, SECONDS_MAX, Prints
from dialerd.toml_load import Fault, read

MAGIC: Final = b"DLPRINT\x01"
HEAD: Final = len(MAGIC) + 4
PRINT_BYTES: Final = 5
PRINTS_MAX: Final = round(SECONDS_MAX * PER_S)
FILE_BYTES_MAX: Final = HEAD + PRINTS_MAX * PRINT_BYTES

UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what is not shown, or turns round what is."""
LABEL_CHARS_MAX: Final = 80
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
CARRIER: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

Label = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,80}$(?!\n)")]
Carrier = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$(?!\n)")]
Language = Annotated[str, Meta(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})?)?$(?!\n)")]
PrintsName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+@-][A-Za-z0-9._+@-]{0,120}\.prints$(?!\n)")]


class Kind(StrEnum):
    """What an announcement says of the number that was dialed."""

    SWITCHED_OFF = "switched_off"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"
    BLOCKED = "blocked"
    BUSY = "busy"
    LEAVE_MESSAGE = "leave_message"
    NO_CREDIT = "no_credit"
    OTHER = "other"


KIND_TEXTS: Final[dict[Kind, str]] = {
    Kind.SWITCHED_OFF: "the telephone is off",
    Kind.UNREACHABLE: "out of coverage, no answer from the network",
    Kind.INVALID: "the number does not exist",
    Kind.BLOCKED: "the number is locked, or does not take calls",
    Kind.BUSY: "the person, or the network, is busy",
    Kind.LEAVE_MESSAGE: "voice mail: leave a message",
    Kind.NO_CREDIT: "the caller has no credit for this call",
    Kind.OTHER: "anything else: known, and no reason to act",
}


class Announcement(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "class"}
):
    """One recording of a carrier, as its TOML file says."""

    label: Label
    kind: Kind
    carrier: Carrier
    prints: PrintsName
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    language: Language = ""
    seconds: float = 0.0
    made_of: str = ""

    @property
    def value(self) -> str:
        """As events name it: class:carrier:label."""
        return f"{self.kind}:{self.carrier}:{self.label}"


def pack(prints: Prints) -> bytes:
    """The octets of a prints file."""
    count = len(prints).to_bytes(4, "little")
    return MAGIC + count + prints.codes + prints.masks + prints.flags


def unpack(data: bytes) -> Prints:
    """The prints of a file's octets; ValueError says what is wrong with them."""
    if not data.startswith(MAGIC[:-1]):
        raise ValueError("no file of prints")
    if not data.startswith(MAGIC):
        raise ValueError("of a version that this program does not know")
    count = int.from_bytes(data[len(MAGIC) : HEAD], "little")
    if not 0 < count <= PRINTS_MAX:
        raise ValueError(f"{count} prints; 1 to {PRINTS_MAX} are possible")
    if len(data) != HEAD + count * PRINT_BYTES:
        raise ValueError(f"{len(data)} octets instead of {HEAD + count * PRINT_BYTES}")
    codes, masks = HEAD + 2 * count, HEAD + 4 * count
    return Prints(data[HEAD:codes], data[codes:masks], data[masks:])


def read_announcement(path: Path) -> tuple[Announcement, Prints]:
    """An announcement and its prints; TomlError names the line of what is wrong with either."""
    found: list[Prints] = []

    def rules(file: Announcement) -> Iterator[Fault]:
        if file.carrier != path.parent.name:
            yield Fault(
                ("carrier",), f"{file.carrier!r} lies in the folder of {path.parent.name!r}"
            )
        try:
            prints = os.open(path.parent / file.prints, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(prints, "rb") as opened:
                if not stat.S_ISREG(os.fstat(prints).st_mode):
                    raise ValueError("no regular file")
                data = opened.read(FILE_BYTES_MAX + 1)
            if len(data) > FILE_BYTES_MAX:
                raise ValueError(f"larger than {FILE_BYTES_MAX} octets")
            found.append(unpack(data))
        except OSError as error:
            yield Fault(("prints",), f"cannot read {file.prints}: {error.strerror}")
            return
        except ValueError as error:
            yield Fault(("prints",), f"{file.prints}: {error}")
            return
        if hashlib.sha256(data).hexdigest() != file.sha256:
            yield Fault(("sha256",), f"{file.prints} was changed, or is another announcement's")

    announcement = read(path, Announcement, rules=rules)
    return announcement, found[0]


def file_name(label: str) -> str:
    """A label as the name of a file: letters without marks, digits, hyphens."""
    plain = unicodedata.normalize("NFKD", label.lower().replace("đ", "d"))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60] or "announcement"


def write_announcement(
    folder: Path, prints: Prints, *, label: str, kind: Kind, carrier: str, language: str = "",
    made_of: str = "",
) -> Path:  # fmt: skip
    """Put an announcement into a bank; returns its TOML file. ValueError, OSError.

    Nothing that is there is written over: a name that is taken gets a number.
    """
    data = pack(prints)
    unpack(data)
    _check_words(label, carrier, language)
    home = folder / carrier
    if home.is_symlink():
        raise ValueError(f"{home} is a link to elsewhere; nothing is written there")
    name, count = file_name(label), 1
    while (home / f"{name}.toml").exists() or (home / f"{name}.prints").exists():
        count += 1
        name = f"{file_name(label)}-{count}"
    try:
        announcement = msgspec.convert(
            {
                "label": label, "class": kind, "carrier": carrier, "prints": f"{name}.prints",
                "sha256": hashlib.sha256(data).hexdigest(), "language": language,
                "seconds": prints.seconds, "made_of": made_of,
            },
            Announcement,
        )  # fmt: skip
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    home.mkdir(parents=True, exist_ok=True)
    _put(home / f"{name}.prints", data)
    path = home / f"{name}.toml"
    _put(path, _text(announcement).encode())
    return path


def _check_words(label: str, carrier: str, language: str) -> None:
    """ValueError: a label that no screen shows as it is, a carrier that is no folder's name."""
    if any(unicodedata.category(one) in UNSHOWN for one in label):
        raise ValueError(f"label {label!r}: it has characters that are not shown")
    if not label.strip() or len(label) > LABEL_CHARS_MAX:
        raise ValueError(f"label: 1 to {LABEL_CHARS_MAX} characters are possible")
    if not CARRIER.fullmatch(carrier):
        raise ValueError(
            f"carrier {carrier!r}: 1 to 32 small letters, digits, - and _, such as viettel"
        )
    if language and not LANGUAGE.fullmatch(language):
        raise ValueError(f"language {language!r}: two or three small letters, such as vi or en-US")


def _text(one: Announcement) -> str:
    def quoted(text: str) -> str:  # of JSON's strings all are TOML's
        return msgspec.json.encode(text).decode()

    return (
        f"# {KIND_TEXTS[one.kind]}\n"
        f"label = {quoted(one.label)}\n"
        f"class = {quoted(one.kind)}\n"
        f"carrier = {quoted(one.carrier)}\n"
        f"language = {quoted(one.language)}\n"
        f"seconds = {one.seconds}\n"
        f"made_of = {quoted(one.made_of)}\n"
        f"prints = {quoted(one.prints)}\n"
        f"sha256 = {quoted(one.sha256)}\n"
    )


def _put(path: Path, data: bytes) -> None:
    """All of it under its name or nothing."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    beside = Path(name)  # nobody else's
    try:
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
