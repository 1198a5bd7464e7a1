"""The table `[[trunk]]`: one line to the telephone network. Its own tables are `trunk_tables`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.keys import BIND, DRAIN, HOST_OR_NONE, LINE, LIVE, NAME, Section, doc
from dialerd.config.trunk_tables import (
    DialRule,
    IncomingRule,
    LineCarriers,
    LinePrefixes,
    OutcomeRule,
    Plan,
    Ports,
    PortsBy,
    Rel100,
    SoundRule,
)
from dialerd.core.keys import Dtmf

RULES_MAX: Final = 200
_USER: Final = r"^[A-Za-z0-9._+~*#!%=&${}-]{0,64}$(?!\n)"  # RFC 3261 25.1, and {fields}; no @
_TEMPLATE: Final = r"^[^\x00-\x1f\x7f]{0,256}$(?!\n)"
_FIELDS: Final = "fields: {caller_id}, {account}, {number}, {domain}, {local}, {port}"


class TrunkTransport(StrEnum):
    """How SIP messages travel to a trunk."""

    AUTO = "auto"
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Codec(StrEnum):
    """Speech codecs that can be offered."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class NumberFormat(StrEnum):
    """How a carrier wants to be told a number."""

    E164 = "e164"
    DIGITS = "digits"
    NATIONAL = "national"


class Kind(StrEnum):
    """What a trunk leads to; it chooses defaults of the outcome map."""

    SIP = "sip"
    MOBILE_SIP = "mobile_sip"
    FXO_GATEWAY = "fxo_gateway"
    GSM_GATEWAY = "gsm_gateway"


class Srtp(StrEnum):
    """Whether audio is encrypted (RFC 4568 keys in SDP)."""

    OFF = "off"
    OFFERED = "offered"
    REQUIRED = "required"


class Trunk(Section):
    """A line: a SIP account, or a gateway with its ports."""

    name: Annotated[
        str,
        doc(
            "Unique name, shown in reports.",
            DRAIN,
            pattern=NAME,
            hint="letters, digits, dot, dash, underscore",
        ),
    ]
    host: Annotated[
        str,
        doc(
            "Where requests go: an address, or a name that DNS resolves (RFC 3263). A name that "
            "leads nowhere keeps this trunk down, and is asked again.",
            DRAIN,
            pattern=BIND,
            hint="an IP address or a host name",
        ),
    ]
    kind: Annotated[
        Kind,
        doc(
            "sip, mobile_sip, fxo_gateway or gsm_gateway; with a gateway 503 means that no port "
            "is free.",
            DRAIN,
        ),
    ] = Kind.SIP
    provider: Annotated[
        str, doc("Who runs it, as shown to people.", LIVE, pattern=LINE, hint="no quotes")
    ] = ""
    port: Annotated[
        int,
        doc(
            "Port there; 0: from SRV records, else 5060, for tls 5061. With a port only A and AAAA "
            "records are asked for.",
            DRAIN,
            ge=0,
            le=65535,
        ),
    ] = 0
    transport: Annotated[
        TrunkTransport,
        doc(
            "udp, tcp or tls: then SRV records of that one are asked for. auto: NAPTR records "
            "choose, else SRV records of every transport that we have a socket for; udp for an "
            "address.",
            DRAIN,
        ),
    ] = TrunkTransport.AUTO
    udp_1300: Annotated[
        bool,
        doc("Send what is longer than 1,300 bytes by TCP (RFC 3261 section 18.1.1).", DRAIN),
    ] = False
    domain: Annotated[
        str,
        doc(
            "Domain of the request URI and of To; empty: `host`.",
            DRAIN,
            pattern=HOST_OR_NONE,
            hint="a host name",
        ),
    ] = ""
    channels: Annotated[int, doc("Calls in progress at most.", LIVE, ge=1, le=10_000)] = 30
    calls_per_s_max: Annotated[
        float, doc("New calls a second at most.", LIVE, gt=0.0, le=10_000.0)
    ] = 10.0
    carriers: LineCarriers = ()
    prefixes: LinePrefixes = ()
    weight: Annotated[
        int, doc("Share among trunks that fit equally well.", LIVE, ge=1, le=1000)
    ] = 1
    username: Annotated[
        str,
        doc(
            "Account; empty: the carrier knows us by our address.",
            DRAIN,
            pattern=LINE,
            hint="no quotes, no < or >",
        ),
    ] = ""
    auth_name: Annotated[
        str,
        doc(
            "Digest user name where it is not the account; empty: `username`.",
            DRAIN,
            pattern=LINE,
            hint="no quotes, no < or >",
        ),
    ] = ""
    password: Annotated[
        str,
        doc(
            'Digest password; better "${env:NAME}" or password_file.',
            DRAIN,
            secret=True,
            max_length=256,
        ),
    ] = ""
    password_file: Annotated[
        Path | None, doc("File whose first line is the password; not readable by others.", DRAIN)
    ] = None
    from_user: Annotated[
        str,
        doc(
            f"User part of From; empty: the caller id; {_FIELDS}.",
            DRAIN,
            pattern=_USER,
            hint="no spaces, no @",
        ),
    ] = ""
    from_domain: Annotated[
        str,
        doc(
            "Domain of From; empty: our own address.",
            DRAIN,
            pattern=HOST_OR_NONE,
            hint="a host name",
        ),
    ] = ""
    from_display: Annotated[
        str,
        doc(
            "Name in From; a campaign's `caller_name` comes first; empty: the caller id where "
            "`from_user` is another. Same fields.",
            DRAIN,
            pattern=_TEMPLATE,
            hint="at most 256 printable characters",
        ),
    ] = ""
    asserted_identity: Annotated[
        str,
        doc(
            "P-Asserted-Identity (RFC 3325); empty: the caller id where From shows another, "
            '"none": never. Same fields.',
            DRAIN,
            pattern=_TEMPLATE,
            hint='such as "<sip:{caller_id}@{domain}>"',
        ),
    ] = ""
    preferred_identity: Annotated[
        str,
        doc(
            "P-Preferred-Identity (RFC 3325); empty: none. Same fields.",
            DRAIN,
            pattern=_TEMPLATE,
            hint='such as "<sip:{caller_id}@{domain}>"',
        ),
    ] = ""
    privacy: Annotated[
        str,
        doc(
            "Privacy (RFC 3323); empty: none.",
            DRAIN,
            pattern=r"^([a-z]{1,16}(; ?[a-z]{1,16}){0,6})?$(?!\n)",
            hint='such as "id"',
        ),
    ] = ""
    headers: Annotated[
        dict[
            Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$(?!\n)")],
            Annotated[str, Meta(pattern=_TEMPLATE)],
        ],
        doc("Further headers of the INVITE. Same fields.", DRAIN, max_length=8),
    ] = {}  # noqa: RUF012 - msgspec copies it
    contact_user: Annotated[
        str,
        doc(
            "User part of Contact; empty: the account where there is one. Same fields.",
            DRAIN,
            pattern=_USER,
            hint="no spaces, no @",
        ),
    ] = ""
    caller_id: Annotated[
        str,
        doc(
            "Number shown when the campaign sets none.",
            DRAIN,
            pattern=r"^\+?[0-9]{0,15}$(?!\n)",
            hint="digits, with or without a plus",
        ),
    ] = ""
    number_format: Annotated[
        NumberFormat,
        doc(
            "How the called number is sent: e164 (+84912...), digits (84912...) or "
            "national (0912...).",
            DRAIN,
        ),
    ] = NumberFormat.E164
    advertised: Annotated[
        str,
        doc(
            "Our address in the SDP of this trunk; empty: that of [sip].",
            DRAIN,
            pattern=HOST_OR_NONE,
            hint="an IP address that the carrier can reach",
        ),
    ] = ""
    sources: Annotated[
        tuple[str, ...],
        doc(
            "Networks that are this carrier's, besides the addresses of `host`. Who is no "
            "trunk's gets no answer at all.",
            LIVE,
            max_length=64,
        ),
    ] = ()
    codecs: Annotated[
        tuple[Codec, ...], doc("Codecs offered, in order.", DRAIN, min_length=1, max_length=2)
    ] = (Codec.PCMA, Codec.PCMU)
    dtmf: Annotated[
        Dtmf,
        doc(
            "How keys travel: rfc4733, inband (tones in the audio), info (SIP INFO), all, or "
            "auto: tones are heard and sent where the carrier agrees on no RFC 4733.",
            DRAIN,
        ),
    ] = Dtmf.AUTO
    srtp: Annotated[Srtp, doc("Encrypted audio: off, offered or required.", DRAIN)] = Srtp.OFF
    rtcp_mux: Annotated[
        bool,
        doc(
            "Offer RTCP on the port of RTP (RFC 5761); without it, or where the carrier answers "
            "without, reports go to the port beside it. An offer of theirs is taken either way.",
            DRAIN,
        ),
    ] = False
    rel100: Annotated[
        Rel100, doc("Reliable ringing (RFC 3262): off, supported or required.", DRAIN)
    ] = Rel100.OFF
    session_s: Annotated[
        int,
        doc("Session timer (RFC 4028), in s; 0: none asked for.", DRAIN, ge=0, le=86_400),
    ] = 0
    min_se_s: Annotated[
        int, doc("Shortest session timer accepted, in s.", DRAIN, ge=90, le=86_400)
    ] = 90
    silence_s: Annotated[
        int,
        doc(
            "How long it may say nothing at all to a call before another address or trunk is "
            "tried, in s.",
            DRAIN,
            ge=1,
            le=32,
        ),
    ] = 10
    register: Annotated[bool, doc("Register the account with the carrier.", DRAIN)] = False
    registrar: Annotated[
        str,
        doc(
            "Domain to register with; empty: `domain`.",
            DRAIN,
            pattern=HOST_OR_NONE,
            hint="a host name",
        ),
    ] = ""
    register_s: Annotated[
        int, doc("Length of a registration asked for, in s.", DRAIN, ge=60, le=86_400)
    ] = 300
    ping_s: Annotated[
        int,
        doc("Gap between OPTIONS that ask whether it lives, in s; 0: none.", DRAIN, ge=0, le=3600),
    ] = 0
    loopback: Annotated[
        bool,
        doc("A simulated line on this machine: the only kind the loopback regime may use.", DRAIN),
    ] = False
    ports_by: Annotated[
        PortsBy,
        doc(
            "How a port of a gateway is asked for: none, prefix (before the number), user "
            "(instead of it, the number stays in To), header (`port_header`).",
            DRAIN,
        ),
    ] = PortsBy.NONE
    port_header: Annotated[
        str,
        doc(
            "Header that names the port.",
            DRAIN,
            pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$(?!\n)",
            hint="a header name",
        ),
    ] = "X-Port"
    tones: Annotated[
        str,
        doc(
            "Tone plans by which its tones are heard, before the answer and where who answers is "
            'to be found out: files of conf/tones by name, "all", or empty: none.',
            LIVE,
            pattern=r"^[A-Za-z0-9_./ -]{0,256}$(?!\n)",
            hint='such as "vn" or "vn us"',
        ),
    ] = "all"
    announcements: Annotated[
        bool, doc("Recognize announcements of carriers before the answer.", LIVE)
    ] = True
    collect_early_media: Annotated[
        int, doc("Unanswered calls a day whose sound is kept to be learned.", LIVE, ge=0, le=10_000)
    ] = 0
    plan: Plan = Plan()
    dial: Annotated[tuple[DialRule, ...], Meta(max_length=RULES_MAX)] = ()
    incoming: Annotated[tuple[IncomingRule, ...], Meta(max_length=RULES_MAX)] = ()
    outcome: Annotated[tuple[OutcomeRule, ...], Meta(max_length=RULES_MAX)] = ()
    sound: Annotated[tuple[SoundRule, ...], Meta(max_length=RULES_MAX)] = ()
    ports: Annotated[tuple[Ports, ...], Meta(max_length=RULES_MAX)] = ()

    @property
    def port_now(self) -> int:
        """The port as a number where no SRV record says it."""
        return self.port or (5061 if self.transport is TrunkTransport.TLS else 5060)
