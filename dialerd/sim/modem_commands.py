"""Commands that modems of all makes have in common: V.250, TS 27.007 and TS 27.005."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.sim import modem_text
from dialerd.sim.modem_dialing import CALLS
from dialerd.sim.modem_kit import Answer, Handler, RefusalError, settings
from dialerd.sim.modem_line import Command, Kind
from dialerd.sim.modem_messages import MESSAGES
from dialerd.sim.modem_pdu import text_stamp

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem


def said(text: str, test: str = "") -> Handler:
    """A command with one answer, whatever it is given; `test` for `=?`."""

    def handler(_m: Modem, c: Command) -> Answer:
        if c.kind is Kind.TEST:
            return [test] if test else []
        return [text] if text else []

    return handler


def taken(_m: Modem, _c: Command) -> Answer:
    """Taken without effect."""
    return []


def kept(key: str, allowed: str, prefix: str = "") -> Handler:
    """A number that is set and read back; `allowed` is the answer to `=?`."""

    def handler(m: Modem, c: Command) -> Answer:
        name = prefix or c.name
        if c.kind is Kind.TEST:
            return [f"{name}: {allowed}"]
        if c.kind is Kind.READ:
            return [f"{name}: {m.set[key]}"]
        m.set[key] = c.number(0, 0)
        return []

    return handler


def identity(what: str) -> Handler:
    """Maker, model, revision or IMEI."""

    def handler(m: Modem, c: Command) -> Answer:
        if c.kind is Kind.TEST:
            return []
        return [m.imei if what == "imei" else str(getattr(m.habits, what))]

    return handler


def basic(m: Modem, c: Command) -> Answer:
    """E, V, Q: a digit, none is 0."""
    value = int(c.raw or "0")
    if value > 1:
        raise RefusalError()
    m.set[c.name] = value
    return []


def defaults(m: Modem, _c: Command) -> Answer:
    """Z, &F."""
    for leg in m.calls.live():
        m.calls.hang_up(leg)
    m.set.update(settings(m.habits))
    return []


def information(m: Modem, _c: Command) -> Answer:
    """I."""
    h = m.habits
    return [f"{h.maker}\r\n{h.model}\r\nRevision: {h.revision}"]


def s0(m: Modem, c: Command) -> Answer:
    """S0: rings before it answers by itself."""
    if c.kind is Kind.READ:
        return [f"{m.set['S0']:03d}"]
    m.set["S0"] = int(c.raw or "0")
    return []


def cpin(m: Modem, c: Command) -> Answer:
    """+CPIN: what the card waits for; a PIN for it."""
    if c.kind is Kind.TEST:
        return []
    if m.card is None:
        raise RefusalError(10)
    if c.kind is Kind.READ:
        state = m.card.locked()
        if state == "READY" and not m.habits.cpin_ok:
            m.tell("+CPIN: READY")
            m.finish([], final="")
            return None
        return [f"+CPIN: {state}"]
    values = c.values
    if m.card.locked() == "SIM PUK" and len(values) == 2:
        right = m.card.give_puk(values[0], values[1])
    elif m.card.locked() == "SIM PIN" and values:
        right = m.card.give_pin(values[0])
    else:
        raise RefusalError(3)
    if not right:
        raise RefusalError(16 if m.card.pin_tries else 12)
    m.radio()
    return []


def cimi(m: Modem, c: Command) -> Answer:
    """+CIMI."""
    return [m.card.imsi] if m.card and c.kind is not Kind.TEST else []


def iccid(form: str) -> Handler:
    """The card's number, in the words of the dialect."""

    def handler(m: Modem, c: Command) -> Answer:
        if c.kind is Kind.TEST or m.card is None:
            return []
        return [form.format(m.card.iccid)]

    return handler


def tries(m: Modem, _c: Command) -> Answer:
    """+CPINR (TS 27.007, 8.65): tries that are left."""
    if m.card is None:
        raise RefusalError(10)
    card = m.card
    return [f"+CPINR: SIM PIN,{card.pin_tries},3\r\n+CPINR: SIM PUK,{card.puk_tries},10"]


def registration(m: Modem, c: Command) -> Answer:
    """+CREG, +CGREG, +CEREG."""
    key = c.name[1:]
    if c.kind is Kind.TEST:
        return [f"{c.name}: (0-2)"]
    if c.kind is Kind.READ:
        return [f"{c.name}: {m.set[key]},{m.where(key)}"]
    value = c.number(0, 0)
    if not 0 <= value <= 2:
        raise RefusalError(50)
    m.set[key] = value
    return []


def cops(m: Modem, c: Command) -> Answer:
    """+COPS: the operator; a search takes long, and so does a registration."""
    carrier = m.card.carrier if m.card else None
    if c.kind is Kind.READ:
        if carrier is None or not m.registered:
            return [f"+COPS: {m.set['COPS']}"]
        form = m.set.setdefault("COPS form", 0)
        name = carrier.mccmnc if form == 2 else carrier.operator
        return [f'+COPS: {m.set["COPS"]},{form},"{name}",2']
    if c.kind is Kind.TEST:
        found = ""
        if m.coverage and carrier is not None:
            name = carrier.operator
            found = f'(2,"{name}","{name}","{carrier.mccmnc}",2),'
        m.later(15.0, m.finish, [f"+COPS: {found},(0-4),(0-2)"])
        return None
    mode = c.number(0, 0)
    m.set["COPS form"] = c.number(1, m.set.get("COPS form", 0))
    if mode == 3:
        return []
    m.set["COPS"] = mode
    m.radio()
    return []


def csq(m: Modem, c: Command) -> Answer:
    """+CSQ: it wavers a little."""
    if c.kind is Kind.TEST:
        return ["+CSQ: (0-31,99),(0-7,99)"]
    if not m.coverage or m.cfun != 1:
        return ["+CSQ: 99,99"]
    return [f"+CSQ: {max(0, min(31, m.rssi + m.rng.randrange(-1, 2)))},99"]


def cfun(m: Modem, c: Command) -> Answer:
    """+CFUN: the radio on and off; with `,1` it starts again."""
    if c.kind is Kind.TEST:
        return ["+CFUN: (0,1,4),(0,1)"]
    if c.kind is Kind.READ:
        return [f"+CFUN: {m.cfun}"]
    value = c.number(0, 1)
    if value not in (0, 1, 4):
        raise RefusalError(50)
    if c.number(1, 0) == 1:
        m.finish([])
        m.later(0.2, m.reset)
        return None
    m.cfun = value
    m.radio()
    m.later(0.3, m.finish, [])
    return None


def cscs(m: Modem, c: Command) -> Answer:
    """+CSCS: how texts between quotes are written."""
    if c.kind is Kind.TEST:
        return ['+CSCS: ("GSM","IRA","UCS2")']
    if c.kind is Kind.READ:
        return [f'+CSCS: "{m.set["CSCS"]}"']
    if not c.values or c.values[0] not in modem_text.CHARSETS:
        raise RefusalError(50)
    m.set["CSCS"] = c.values[0]
    return []


def clip(m: Modem, c: Command) -> Answer:
    """+CLIP: who calls."""
    if c.kind is Kind.READ:
        return [f"+CLIP: {m.set['CLIP']},{int(m.registered)}"]
    return kept("CLIP", "(0,1)")(m, c)


def colp(m: Modem, c: Command) -> Answer:
    """+COLP: with it OK of ATD waits for the answer."""
    if c.kind is Kind.READ:
        return [f"+COLP: {m.set['COLP']},1"]
    return kept("COLP", "(0,1)")(m, c)


def cnum(m: Modem, _c: Command) -> Answer:
    """+CNUM: cards rarely know their number."""
    if m.card is None or int(m.card.iccid[-2]) % 3:
        return []
    return [f'+CNUM: "","+{m.card.number}",145']


def csca(m: Modem, c: Command) -> Answer:
    """+CSCA: the service centre."""
    return [f'+CSCA: "{m.messages.centre}",145'] if c.kind is Kind.READ else []


#: Texts of Q.850 causes, for +CEER.
CAUSES = {
    0: "No cause information available", 1: "Unassigned (unallocated) number",
    16: "Normal call clearing", 17: "User busy", 18: "No user responding",
    19: "User alerting, no answer", 20: "Subscriber absent", 21: "Call rejected",
    34: "No circuit/channel available", 38: "Network out of order", 41: "Temporary failure",
}  # fmt: skip


def ceer(form: str) -> Handler:
    """+CEER: why the last call ended; {cause} and {text}."""

    def handler(m: Modem, c: Command) -> Answer:
        if c.kind is Kind.TEST:
            return []
        cause = m.calls.last_q850
        return [form.format(cause=cause, text=CAUSES.get(cause, "Normal, unspecified"))]

    return handler


def cbc(_m: Modem, c: Command) -> Answer:
    """+CBC: it has a power supply."""
    return [] if c.kind is Kind.TEST else ["+CBC: 0,100,4100"]


def csms(m: Modem, c: Command) -> Answer:
    """+CSMS."""
    if c.kind is Kind.TEST:
        return ["+CSMS: (0,1)"]
    if c.kind is Kind.READ:
        return [f"+CSMS: {m.set['CSMS']},1,1,1"]
    m.set["CSMS"] = c.number(0, 0)
    return ["+CSMS: 1,1,1"]


def clck(m: Modem, c: Command) -> Answer:
    """+CLCK: whether the card asks for its PIN."""
    if c.kind is Kind.TEST:
        return ['+CLCK: ("SC","AO","OI","OX","AI","IR","AB","AG","AC")']
    values = c.values
    if len(values) < 2:
        raise RefusalError(50)
    if values[1] == "2":
        return [f"+CLCK: {int(values[0] == 'SC' and bool(m.card and m.card.pin))}"]
    if values[0] != "SC" or len(values) < 3 or m.card is None:
        raise RefusalError(3)
    if m.card.pin:
        if not m.card.give_pin(values[2]):
            raise RefusalError(16)
        m.card.pin = values[2] if values[1] == "1" else ""
    elif values[1] == "1":
        m.card.pin, m.card.unlocked = values[2], True
    return []


def cclk(m: Modem, c: Command) -> Answer:
    """+CCLK: the network's time."""
    return [f'+CCLK: "{text_stamp(m.network.wall_ms())}"'] if c.kind is Kind.READ else []


def cpbs(m: Modem, c: Command) -> Answer:
    """+CPBS: the phone book; it is empty."""
    if c.kind is Kind.TEST:
        return ['+CPBS: ("SM","ME","ON")']
    return [f'+CPBS: "{m.set["CPBS"]}",0,100'] if c.kind is Kind.READ else []


COMMON: dict[str, Handler] = CALLS | MESSAGES | {
    "E": basic, "V": basic, "Q": basic, "Z": defaults, "&F": defaults, "&W": taken, "&C": taken,
    "&D": taken, "&K": taken, "X": taken, "L": taken, "M": taken, "I": information, "S0": s0,
    "S3": taken, "S4": taken, "S7": taken, "S6": taken, "&V": taken, "O": taken, "T": taken,
    "+CGMI": identity("maker"), "+GMI": identity("maker"), "+CGMM": identity("model"),
    "+GMM": identity("model"), "+CGMR": identity("revision"), "+GMR": identity("revision"),
    "+CGSN": identity("imei"), "+GSN": identity("imei"), "+GCAP": said("+GCAP: +CGSM,+FCLASS"),
    "+CMEE": kept("CMEE", "(0-2)"), "+CPIN": cpin, "+CIMI": cimi, "+CPINR": tries,
    "+CREG": registration, "+CGREG": registration, "+COPS": cops, "+CSQ": csq, "+CFUN": cfun,
    "+CSCS": cscs, "+CLIP": clip, "+COLP": colp, "+CRC": kept("CRC", "(0,1)"),
    "+CLIR": kept("CLIR", "(0-2)"), "+CCWA": kept("CCWA", "(0,1)"), "+CNUM": cnum, "+CSCA": csca,
    "+CEER": ceer("+CEER: {text}"), "+CBC": cbc, "+CMGF": kept("CMGF", "(0,1)"),
    "+CSMS": csms, "+CSDH": kept("CSDH", "(0,1)"), "+CSMP": taken, "+CLCK": clck, "+CCLK": cclk,
    "+CPBS": cpbs, "+CPBR": taken, "+CSSN": taken, "+CMOD": taken, "+CVHU": taken, "+IPR": taken,
    "+IFC": taken, "+ICF": taken, "+FCLASS": taken, "+CSTA": taken, "+CGATT": said("+CGATT: 1"),
    "+CMUT": taken, "+CLVL": taken, "+VTD": taken, "+CMER": taken, "+CGDCONT": taken,
    "+CIND": said("+CIND: 5,4,1,0,0,0,0"), "+CSCB": taken, "+CRSL": taken, "+CNMA": taken,
}  # fmt: skip


def without(*names: str) -> dict[str, Handler]:
    """What all have, but for some."""
    return {name: handler for name, handler in COMMON.items() if name not in names}
