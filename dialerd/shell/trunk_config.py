"""Trunks of the configuration as the parts of the daemon want them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from dialerd.config import Codec, Ports, Trunk, parse_zone
from dialerd.config.line_specs import trunk_spec as trunk_spec  # noqa: PLC0414 - found here too
from dialerd.core.templates import Template
from dialerd.lines.outcome_map import Rule
from dialerd.lines.rewriting import Rewrite
from dialerd.lines.sip_trunk import SipTrunk
from dialerd.shell.addresses import is_numeric
from sip.accounts.auth import Credentials
from sip.events import Address

PAYLOAD_TYPES: Final = {Codec.PCMU: 0, Codec.PCMA: 8}


def sip_trunk(trunk: Trunk, targets: Sequence[Address] = ()) -> SipTrunk:
    """How to speak to a trunk; at these addresses, best first, unless somebody knows better ones.

    It is addressed as it is configured, not by what its name leads to (RFC 3261 section 8.1.1.1).
    """
    name = trunk.auth_name or trunk.username
    return SipTrunk(
        name=trunk.name,
        host=trunk.host,
        port=trunk.port_now if is_numeric(trunk.host) else trunk.port,
        targets=tuple(targets),
        kind=trunk.kind.value,
        domain=trunk.domain,
        account=trunk.username,
        from_user=trunk.from_user,
        from_domain=trunk.from_domain,
        from_display=trunk.from_display,
        asserted=trunk.asserted_identity,
        preferred=trunk.preferred_identity,
        privacy=trunk.privacy,
        headers=tuple(trunk.headers.items()),
        contact_user=trunk.contact_user,
        caller_id=trunk.caller_id,
        credentials=Credentials(name, trunk.password) if trunk.username else None,
        codecs=tuple(PAYLOAD_TYPES[codec] for codec in trunk.codecs),
        number_format=trunk.number_format.value,
        dial=tuple(Rewrite(rule.to, rule.strip, rule.add) for rule in trunk.dial),
        incoming=tuple(Rewrite(rule.begins, rule.strip, rule.add) for rule in trunk.incoming),
        ports_by=trunk.ports_by.value,
        port_header=trunk.port_header,
        port_addresses=_addresses(trunk.ports),
        advertised=trunk.advertised,
        dtmf=trunk.dtmf,
        srtp=trunk.srtp.value,
        rtcp_mux=trunk.rtcp_mux,
        rel100=trunk.rel100.value,
        session_s=trunk.session_s,
        min_se_s=trunk.min_se_s,
        silence_s=trunk.silence_s,
        large_by_tcp=trunk.udp_1300,
        sources=trunk.sources,
        rules=tuple(
            Rule(
                rule.outcome,
                rule.code,
                rule.q850,
                rule.phrase,
                rule.early_media,
                rule.trunk,
                rule.another,
            )
            for rule in trunk.outcome
        ),
    )


def _addresses(groups: Iterable[Ports]) -> dict[str, str]:
    """What addresses each port, by its name."""
    return {
        label: Template(group.address, ("port",)).fill({"port": label})
        for group in groups
        for label in group.labels()
    }


def utc_offset_s(zone: str, at_ms: int) -> int:
    """The offset of a zone at a moment."""
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).astimezone(parse_zone(zone))
    offset = at.utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
