"""A dialect: what one make of modem says and wants to hear, as data (`conf/gsm/*.toml`).

What every modem must do by 3GPP TS 27.007 and 27.005 is code (`gsm.urc.STANDARD`, the defaults
here); a file says where its modems differ. Fields are documented where they stand:
docs/reference/gsm-dialects.md is made of them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from gsm.events import Cause

MANY: Final = 64
Meaning = Literal[
    "dialing", "alerting", "answered", "ended", "call", "ring", "caller", "digit", "registration",
    "signal", "sms", "sms_full", "report", "ussd", "sim", "sim_gone", "sim_here", "restarted",
    "powered_off", "played", "recorded", "ignored",
]  # fmt: skip
CallState = Literal["active", "held", "dialing", "alerting", "incoming", "waiting", "released"]
AudioClass = Literal["pcm_tty", "uac", "module_file", "none"]


def doc(text: str, **limits: Any) -> Meta:
    """A field's meaning and bounds."""
    hint = limits.pop("hint", None)
    return Meta(description=text, extra={"hint": hint} if hint else None, **limits)


_AT: Final = r"^AT[ -~]{0,250}$(?!\n)"
At = Annotated[str, doc("One AT command.", pattern=_AT, hint="begins with AT, printable ASCII")]
MaybeAt = Annotated[
    str, doc("One AT command.", pattern=r"^(AT[ -~]{0,250})?$(?!\n)", hint="AT..., or empty")
]
Pattern = Annotated[str, doc("A regular expression of Python.", max_length=500)]
Seconds = Annotated[float, doc("Seconds.", ge=0, le=600)]


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all tables of a dialect file."""


class Init(Table, frozen=True):
    """`[[init]]`: one command of bringing a modem up, in the order of the file."""

    send: At
    expect: Annotated[
        str, doc("A line of the answer must match this; empty: `OK` is enough.", max_length=500)
    ] = ""
    needed: Annotated[bool, doc("Without it the port is of no use: it is degraded.")] = False
    when: Annotated[
        Literal["module", "sim", "ready"],
        doc("module: after it is known who it is; sim: the card is usable; ready: registered."),
    ] = "module"
    timeout_s: Seconds = 1.5
    tries: Annotated[int, doc("How often, until it is accepted.", ge=1, le=10)] = 1
    pause_s: Annotated[float, doc("Rest after it.", ge=0, le=60)] = 0.0


class Probe(Table, frozen=True):
    """`[[probe]]`: a question whose answer says what the modem can do."""

    send: At
    can: Annotated[
        Literal["voice", "audio", "clcc", "ussd", "sms"],
        doc("What it has then. A modem that says no has it not."),
    ]
    expect: Annotated[str, doc("A line that means yes; empty: `OK` means yes.", max_length=500)] = (
        ""
    )


class Urc(Table, frozen=True):
    """`[[urc]]`: a line that comes unasked. Named groups are read: see `match`."""

    match: Annotated[
        str,
        doc(
            "The line's beginning. Groups: `id` (call), `stat` (see `states`), `cause`, `number`, "
            "`digit`, `value`.",
            min_length=1,
            max_length=500,
        ),
    ]
    means: Annotated[Meaning, doc("What it tells.")]
    states: Annotated[
        dict[str, CallState], doc("For `call`: the call states that values of `stat` mean.")
    ] = {}
    ascii_code: Annotated[bool, doc("`digit` is the key's number in ASCII.")] = False
    prefixes: Annotated[
        bool, doc("It also begins answers to questions; then it is taken as answer.")
    ] = False


class CauseOf(Table, frozen=True):
    """`[[cause]]`: words in the modem's own account of a call's end, and what they mean."""

    match: Pattern
    cause: Annotated[Cause, doc("busy, no_answer, rejected, unreachable, invalid, congestion, ...")]


class Identity(Table, frozen=True):
    """`[identity]`: how module and card are asked who they are."""

    imei: At = "AT+CGSN"
    imsi: At = "AT+CIMI"
    iccid: Annotated[
        tuple[At, ...], doc("Tried in order; the first line of digits is taken.", max_length=8)
    ] = ("AT+CCID", "AT+ICCID")
    number: MaybeAt = "AT+CNUM"


class Pin(Table, frozen=True):
    """`[pin]`: how many tries of the PIN are left. Without an answer no PIN is sent."""

    tries: Annotated[tuple[At, ...], doc("Tried in order.", max_length=8)] = ("AT+CPINR",)
    match: Annotated[str, doc("Its group `tries` is the number left.", max_length=500)] = (
        r'\+CPINR: ?"?SIM PIN"?, ?(?P<tries>\d{1,2})'
    )
    enter: Annotated[str, doc("How it is entered.", pattern=_AT)] = 'AT+CPIN="{pin}"'


class Calls(Table, frozen=True):
    """`[calls]`: how calls are made and ended."""

    dial: Annotated[str, doc("`{number}` is the number.", pattern=_AT)] = "ATD{number};"
    dial_ok: Annotated[
        Literal["accepted", "answered"],
        doc("What the final OK of it means; on some modems it comes when the call is answered."),
    ] = "accepted"
    dial_timeout_s: Annotated[float, doc("Until that result.", ge=5, le=300)] = 90.0
    answer: At = "ATA"
    list: At = "AT+CLCC"
    released: Annotated[int, doc("The state of AT+CLCC that says a call is over.", ge=0)] = 6
    hang_up: Annotated[
        tuple[At, ...],
        doc("Tried in order until no call is listed. `{id}` is the call's.", min_length=1),
    ] = ("AT+CHUP", "AT+CHLD=1{id}", "ATH")
    hang_up_early: Annotated[
        tuple[At, ...], doc("The same before the far end is alerted.", min_length=1)
    ] = ("AT+CHUP", "ATH")
    reject: Annotated[tuple[At, ...], doc("A call to us, not answered.", min_length=1)] = (
        "AT+CHUP",
        "ATH",
    )
    poll_ms: Annotated[int, doc("AT+CLCC while a call is set up.", ge=100, le=5000)] = 500
    poll_active_ms: Annotated[int, doc("The same while people talk.", ge=500, le=60000)] = 5000
    cause: Annotated[
        str, doc("Asked after a call that failed.", pattern=r"^(AT[ -~]{0,60})?$(?!\n)")
    ] = "AT+CEER"
    cause_match: Annotated[str, doc("Its group `cause` is a Q.850 cause.", max_length=500)] = (
        r"\+CEER:.*?(?P<cause>\d{1,3})\D{0,60}$"
    )
    ring_s_max: Annotated[
        int, doc("Longer than this no call may ring on this make.", ge=5, le=180)
    ] = 180
    settle_ms: Annotated[int, doc("Rest after a call before the next.", ge=0, le=60000)] = 2000


class Dtmf(Table, frozen=True):
    """`[dtmf]`: keys both ways."""

    send: Annotated[str, doc("`{digit}`, and `{id}` of the call.", pattern=_AT)] = "AT+VTS={digit}"
    keys: Annotated[str, doc("Those that can be sent.", pattern=r"^[0-9*#A-D]{0,16}$(?!\n)")] = (
        "0123456789*#ABCD"
    )
    gap_ms: Annotated[int, doc("From one key to the next.", ge=0, le=5000)] = 300
    hears: Annotated[bool, doc("It tells the keys that it hears (`digit` lines).")] = False
    same_ms: Annotated[int, doc("The same key within this is one.", ge=0, le=2000)] = 200


class Audio(Table, frozen=True):
    """`[audio]`: how speech reaches the computer."""

    kind: Annotated[
        AudioClass,
        doc(
            "pcm_tty: frames on a second serial device; uac: a sound card; module_file: files on "
            "the module; none."
        ),
    ] = "none"
    on: Annotated[tuple[At, ...], doc("Switch it on.", max_length=8)] = ()
    uac_on: Annotated[
        tuple[At, ...],
        doc("Switch it on as a sound card instead; none: it cannot be one.", max_length=8),
    ] = ()
    off: Annotated[tuple[At, ...], doc("Switch it off.", max_length=8)] = ()
    when: Annotated[
        Literal["dialed", "alerting", "answered"], doc("The moment at which it is switched on.")
    ] = "answered"
    tries: Annotated[int, doc("How often, half a second apart.", ge=1, le=10)] = 3
    rate: Annotated[Literal[8000, 16000], doc("Samples a second.")] = 8000
    interface: Annotated[int, doc("USB interface of the audio device; -1: unknown.", ge=-1)] = -1


class Files(Table, frozen=True):
    """`[files]`: files on the module, for ports whose speech goes by no device (`module_file`).

    Commands take `{file}` (with its folder) or `{name}`; a file is 8 kHz mono PCM of 16 bits in
    RIFF (`.wav`).
    """

    play: At
    stop: At
    record: At
    record_stop: At
    folder: Annotated[str, doc("Before each name.", pattern=r"^[A-Za-z:/\\]{0,32}$(?!\n)")] = ""
    suffix: Annotated[str, doc("Behind it.", pattern=r"^\.[a-z]{1,4}$(?!\n)")] = ".wav"
    create: Annotated[MaybeAt, doc("Before one is put, if needed.")] = ""
    put: Annotated[
        MaybeAt,
        doc(
            "Takes `{size}` bytes after CONNECT or a prompt; `{append}` is 0 for a file's first "
            "bytes, then 1. Empty: cannot be done."
        ),
    ] = ""
    chunk: Annotated[
        int, doc("At most so many bytes by one command; 0: all at once.", ge=0, le=1_048_576)
    ] = 0
    open: Annotated[MaybeAt, doc("Before a file is read, if needed.")] = ""
    opened: Annotated[str, doc("Group `handle` of its answer.", max_length=200)] = ""
    get: Annotated[
        MaybeAt, doc("`{size}` bytes from `{offset}`, or of `{handle}`; empty: cannot be done.")
    ] = ""
    data: Annotated[
        str, doc("The line before the bytes; group `size` says how many.", max_length=200)
    ] = ""
    close: Annotated[MaybeAt, doc("Takes `{handle}`.")] = ""
    drop: Annotated[tuple[At, ...], doc("Remove one; also before one is put.", max_length=4)] = ()


class Ussd(Table, frozen=True):
    """`[ussd]`: codes and their answers."""

    send: Annotated[str, doc("`{code}` is the code as encoded.", pattern=_AT)] = (
        'AT+CUSD=1,"{code}",15'
    )
    encoding: Annotated[
        Literal["plain", "hex7", "ucs2"],
        doc("How `{code}` is written: as it is, packed 7-bit as hex, or UCS2 as hex."),
    ] = "plain"
    fallback: Annotated[
        tuple[Literal["plain", "hex7", "ucs2"], ...],
        doc("Tried in order where the modem refuses that one.", max_length=3),
    ] = ()
    cancel: MaybeAt = "AT+CUSD=2"
    timeout_s: Annotated[float, doc("For the network's answer.", ge=3, le=180)] = 30.0


class Sms(Table, frozen=True):
    """`[sms]`: texts, always as PDUs (AT+CMGF=0)."""

    setup: Annotated[tuple[At, ...], doc("After the card is usable.", max_length=8)] = (
        "AT+CMGF=0",
        "AT+CNMI=2,1,0,0,0",
    )
    list: Annotated[str, doc("All that are stored.", pattern=_AT)] = "AT+CMGL=4"
    read: Annotated[str, doc("`{place}` is its slot.", pattern=_AT)] = "AT+CMGR={place}"
    delete: Annotated[str, doc("`{place}` is its slot.", pattern=_AT)] = "AT+CMGD={place}"
    timeout_s: Annotated[float, doc("From the PDU to the centre's word.", ge=5, le=180)] = 60.0


class Health(Table, frozen=True):
    """`[health]`: registration, signal, resets."""

    signal: MaybeAt = "AT+CSQ"
    registration: Annotated[
        tuple[At, ...], doc("Asked in order until one says registered.", min_length=1)
    ] = ("AT+CREG?",)
    operator: MaybeAt = "AT+COPS?"
    search: MaybeAt = "AT+COPS=0"
    radio_off: MaybeAt = "AT+CFUN=0"
    radio_on: MaybeAt = "AT+CFUN=1"
    reset: MaybeAt = "AT+CFUN=1,1"
    reset_s: Annotated[float, doc("Until the module is back.", ge=1, le=300)] = 60.0


class Dialect(Table, frozen=True):
    """One file of `conf/gsm/`."""

    name: Annotated[str, doc("As `[[bank]]` names it.", pattern=r"^[a-z0-9_]{1,32}$(?!\n)")]
    title: Annotated[str, doc("For people.", max_length=200)] = ""
    manufacturers: Annotated[
        tuple[Pattern, ...],
        doc("AT+CGMI; one must match, without regard to case. None: any.", max_length=MANY),
    ] = ()
    models: Annotated[
        tuple[Pattern, ...], doc("AT+CGMM; one must match. None: any.", max_length=MANY)
    ] = ()
    identity: Identity = Identity()
    pin: Pin = Pin()
    calls: Calls = Calls()
    dtmf: Dtmf = Dtmf()
    audio: Audio = Audio()
    files: Annotated[Files | None, doc("Files on the module; none: it has no such commands.")] = (
        None
    )
    ussd: Ussd = Ussd()
    sms: Sms = Sms()
    health: Health = Health()
    init: Annotated[tuple[Init, ...], doc("In this order.", max_length=MANY)] = ()
    probe: Annotated[tuple[Probe, ...], doc("What it can do.", max_length=MANY)] = ()
    urc: Annotated[tuple[Urc, ...], doc("Lines that come unasked.", max_length=MANY)] = ()
    cause: Annotated[tuple[CauseOf, ...], doc("First match holds.", max_length=MANY)] = ()
    errors: Annotated[
        tuple[Pattern, ...],
        doc("Further lines that are a final ERROR on this make.", max_length=MANY),
    ] = ()
    oks: Annotated[
        tuple[Pattern, ...], doc("Further lines that are a final OK.", max_length=MANY)
    ] = ()


GENERIC: Final = Dialect(name="generic", title="3GPP TS 27.007")
NO_FILES: Final = Files(play="AT", stop="AT", record="AT", record_stop="AT")
