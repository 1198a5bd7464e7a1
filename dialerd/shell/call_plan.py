"""What a call of `dialerd call` is made of: where it goes, its INVITE, its audio."""

from __future__ import annotations

import random

import msgspec

from dialerd.config import TrunkTransport
from dialerd.config.sip_rules import is_loopback
from dialerd.core.effects import Dial
from dialerd.lines.sip_line import SipLines
from dialerd.shell.addresses import ELSEWHERE, is_numeric, local_address, resolve
from dialerd.shell.call_words import CallOptions
from dialerd.shell.sip_stack import Bind, Stack, StackSettings
from dialerd.shell.trunk_config import sip_trunk
from dialerd.shell.voice import VoiceOptions
from sip.events import Address, Invite
from sip.transport.io_tls import TlsOptions
from sip.transport.local import PORTS, Transport, bracketed, transport_of

LEG = 1
INFO_MS = 160  # how long a key told by INFO was pressed, and the time that it is given


def wanted_of(options: CallOptions) -> tuple[str, int, str]:
    """Where it is to go: host, port (0: not said) and transport ("": not said)."""
    if options.via is not None:
        trunk = options.via.trunk
        said = "" if trunk.transport is TrunkTransport.AUTO else trunk.transport.value
        return trunk.host, trunk.port, said
    uri = options.uri
    asked = transport_of(uri)
    said = options.transport or (asked if "transport=" in uri.params.lower() else "")
    if uri.scheme == "sips":
        said = "tls"
    return uri.host.strip("[]"), max(uri.port, 0), said


def binds_of(options: CallOptions) -> tuple[Bind, ...]:
    """What of ours may lead there: for a name without a transport, UDP and TCP.

    OSError when nothing does.
    """
    host, port, said = wanted_of(options)
    near = options.bind or local_address((_near(host, port or 9), 9))
    kinds: tuple[str, ...] = (said,) if said else ("udp",) if is_numeric(host) else ("udp", "tcp")
    made = []
    for kind in kinds:
        transport: Transport = "tls" if kind == "tls" else "tcp" if kind == "tcp" else "udp"
        made.append(_bind(options, transport, near))
    return tuple(made)


def _bind(options: CallOptions, transport: Transport, near: str) -> Bind:
    """Ours of a kind: on a trunk the configuration's, from another port: that one is the daemon's.

    One on loopback leads to no carrier: then it is the address that does.
    """
    sockets = () if options.via is None or options.bind else options.via.stack.binds
    for one in sockets:
        leads = is_loopback(near) or not is_loopback(one.host)
        same = one.transport == transport and (":" in one.host) == (":" in near)
        if same and leads and one.side == "trunk":
            tls = one.tls if options.tls == TlsOptions() else options.tls
            return msgspec.structs.replace(one, port=options.port, tls=tls, named="--bind")
    return Bind(near, options.port, transport, tls=options.tls, named="--bind")


def settings_of(options: CallOptions) -> StackSettings:
    """The SIP stack of the call: on a trunk with the daemon's name and name servers.

    OSError when nothing of ours leads there.
    """
    binds = binds_of(options)
    if options.via is None:
        return StackSettings(binds)
    ours = options.via.stack
    return StackSettings(binds, ours.user_agent, dns=ours.dns)


def _near(host: str, port: int) -> str:
    """An address in the direction of a host; where its name says none yet, of the world."""
    try:
        return resolve(host, port)
    except OSError:
        if is_numeric(host) or "multicast" in host:
            raise
        return ELSEWHERE[0]


async def targets_of(options: CallOptions, stack: Stack) -> tuple[Address, ...]:
    """The addresses to try, best first (RFC 3263). OSError when there is none."""
    host, port, said = wanted_of(options)
    kind = said or "udp"
    if is_numeric(host):
        return ((resolve(host, port or PORTS[kind]), port or PORTS[kind], 0),)
    where = f"{host}:{port}" if port else host
    scheme = "sips" if said == "tls" and options.uri.scheme == "sips" else "sip"
    found = await stack.find(f"{scheme}:{where}" + (f";transport={said}" if said else ""))
    if found:
        return found
    return ((resolve(host, port or PORTS[kind]), port or PORTS[kind], 0),)


def voice_options(options: CallOptions, host: str) -> VoiceOptions:
    """Its audio, on a trunk the trunk's."""
    wanted = VoiceOptions(host, srtp=options.srtp, record=options.record, dtmf=options.dtmf)
    if options.via is None:
        return wanted
    to = sip_trunk(options.via.trunk, ((host, 1, 0),))
    srtp = options.srtp if options.srtp != "off" else to.srtp
    dtmf = to.dtmf if options.dtmf == "auto" else options.dtmf
    on = msgspec.structs.replace(
        wanted, codecs=to.codecs, srtp=srtp, dtmf=dtmf, rtcp_mux=to.rtcp_mux
    )
    if options.bind or host not in {one.host for one in options.via.stack.binds}:
        return on
    ears, low, high = options.via.media
    shown = to.advertised or options.via.shown
    return msgspec.structs.replace(on, host=ears, ports=(low, high), shown=shown)


def invite_of(
    options: CallOptions,
    targets: tuple[Address, ...],
    host: str,
    body: bytes,
    rng: random.Random,
) -> Invite:
    """Its INVITE from our address `host`: on a trunk the one that the daemon would send."""
    via = options.via
    call_id = f"{rng.getrandbits(96):024x}@{host}"
    caller = options.caller
    if via is not None:
        name = via.trunk.name
        shown = caller if caller.lstrip("+").isdigit() else ""
        lines = SipLines({name: sip_trunk(via.trunk, targets)}, host, rng)
        asked = Dial(0, LEG, name, via.number, call_id, shown)
        # No journal: nothing outlives the command that could end the call.
        return msgspec.structs.replace(lines.invite(asked, host, 9), sdp=body, journaled=False)
    if not caller.lower().startswith(("sip:", "sips:")):
        caller = f"sip:{caller}@{bracketed(host)}"
    return Invite(
        leg=LEG,
        targets=targets,
        request_uri=options.text,
        from_uri=caller,
        to_uri=options.text,
        call_id=call_id,
        sdp=body,
        credentials=options.credentials,
    )


def inform(stack: Stack, digits: str, now_ns: int) -> float:
    """Send keys by SIP INFO, one after the other was answered; seconds that this may take."""
    for digit in digits:
        stack.endpoint.digit(LEG, digit, INFO_MS, now_ns)
    stack.flush()
    return INFO_MS / 1000 * len(digits)
