"""What a call of `dialerd call` is made of: where it goes, its INVITE, its audio."""

from __future__ import annotations

import random
import socket

import msgspec

from dialerd.core.effects import Dial
from dialerd.lines.sip_line import SipLines
from dialerd.shell.addresses import resolve, service
from dialerd.shell.call_words import CallOptions
from dialerd.shell.trunk_config import sip_trunk
from dialerd.shell.voice import VoiceOptions
from sip.events import Address, Invite
from sip.local import PORTS, Transport, bracketed, transport_of

LEG = 1


def target_of(options: CallOptions) -> tuple[str, int, Transport]:
    """Where the INVITE goes: host, port and transport. OSError when the host has no address."""
    via = options.via
    if via is not None:
        trunk = via.trunk
        place = None if trunk.port else service(trunk.host, trunk.transport.value)
        host, number = place or (resolve(trunk.host, trunk.port_now), trunk.port_now)
        return host, number, trunk.transport.value
    uri = options.uri
    named = options.transport or transport_of(uri)
    transport: Transport = "tls" if named == "tls" else "tcp" if named == "tcp" else "udp"
    port = uri.port if uri.port > 0 else PORTS[transport]
    v6 = ":" in options.bind
    found = None if uri.port > 0 else service(uri.host, transport, v6=v6)
    if found is not None:
        return *found, transport
    return resolve(uri.host, port, socket.AF_INET6 if v6 else socket.AF_INET), port, transport


def voice_options(options: CallOptions, host: str) -> VoiceOptions:
    """Its audio, on a trunk the trunk's."""
    wanted = VoiceOptions(host, srtp=options.srtp, record=options.record)
    if options.via is None:
        return wanted
    to = sip_trunk(options.via.trunk, ((host, 1, 0),))
    srtp = options.srtp if options.srtp != "off" else to.srtp
    return msgspec.structs.replace(wanted, codecs=to.codecs, srtp=srtp)


def invite_of(
    options: CallOptions, target: Address, host: str, body: bytes, rng: random.Random
) -> Invite:
    """Its INVITE from our address `host`: on a trunk the one that the daemon would send."""
    via = options.via
    call_id = f"{rng.getrandbits(96):024x}@{host}"
    caller = options.caller
    if via is not None:
        name = via.trunk.name
        shown = caller if caller.lstrip("+").isdigit() else ""
        lines = SipLines({name: sip_trunk(via.trunk, (target,))}, host, rng)
        asked = Dial(0, LEG, name, via.number, call_id, shown)
        return msgspec.structs.replace(lines.invite(asked, host, 9), sdp=body)
    if not caller.lower().startswith(("sip:", "sips:")):
        caller = f"sip:{caller}@{bracketed(host)}"
    return Invite(
        leg=LEG,
        targets=(target,),
        request_uri=options.text,
        from_uri=caller,
        to_uri=options.text,
        call_id=call_id,
        sdp=body,
        credentials=options.credentials,
    )
