"""`dialerd tls`: a certificate for the HTTP API where nobody else gives one. Uses openssl."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import subprocess
import tempfile
from pathlib import Path

import click

from dialerd.cli.common import config_option, load_config, output_option, print_json
from dialerd.cli.errors import FailedError

CA_DAYS = 3_650
DAYS = 397  # longer ones browsers refuse
HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
OPENSSL_S = 60.0


@click.group("tls")
def tls() -> None:
    """HTTPS for the HTTP API."""


@tls.command("init")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Name or address that browsers use; repeat. Default: this machine's name.",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to (default: tls in the data folder)."
)
@click.option("--renew", is_flag=True, help="Another server certificate by the authority there is.")
@config_option
@output_option
def init(
    hosts: tuple[str, ...],
    folder: Path | None,
    config_path: str | None,
    output: str,
    *,
    renew: bool,
) -> None:
    """Make an authority of one's own and a certificate by it; private keys are mode 0600.

    Nothing is written over: an authority that is there is used again with --renew.
    """
    names = subject_names((*hosts, "localhost", "127.0.0.1", "::1") if hosts else default_hosts())
    target = folder or load_config(config_path).store.path / "tls"
    authority = target / "ca.crt"
    if authority.exists() != renew:
        raise FailedError(
            f"there is no {authority}; leave --renew out"
            if renew
            else f"{authority} exists; --renew makes another certificate by it"
        )
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".new-") as place:
        made = Path(place)
        if not renew:
            _make_authority(made)
        _make_certificate(made, target if renew else made, names)
        for name in ("ca.key", "ca.crt", "server.key", "server.crt"):
            if (made / name).exists():
                (made / name).replace(target / name)
    if output == "json":
        print_json(
            {
                "authority": str(authority),
                "certificate": str(target / "server.crt"),
                "key": str(target / "server.key"),
                "names": names,
                "days": DAYS,
            }
        )
        return
    _explain(target, names, renew=renew)


def default_hosts() -> tuple[str, ...]:
    """What this machine is called."""
    return (socket.gethostname(), "localhost", "127.0.0.1", "::1")


def subject_names(hosts: tuple[str, ...]) -> list[str]:
    """Names and addresses as a certificate has them; FailedError for what is neither."""
    names = []
    for host in dict.fromkeys(hosts):
        try:
            names.append(f"IP:{ipaddress.ip_address(host)}")
        except ValueError:
            if not HOST.fullmatch(host):
                raise FailedError(f"--host: {host!r} is no name or address of a host") from None
            names.append(f"DNS:{host}")
    return names


def _make_authority(place: Path) -> None:
    name = HOST.fullmatch(socket.gethostname())
    subject = f"/CN=dialerd authority of {name[0][:40] if name else 'this machine'}"
    _openssl(
        place,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", "ca.key", "-out", "ca.crt", "-days", str(CA_DAYS), "-subj", subject),
        *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )


def _make_certificate(place: Path, authority: Path, names: list[str]) -> None:
    (place / "server.ext").write_text(
        "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth\n"
        f"subjectAltName={','.join(names)}\n"
    )
    _openssl(
        place,
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=dialerd"),
    )
    _openssl(
        place,
        *("x509", "-req", "-in", "server.csr", "-days", str(DAYS), "-sha256"),
        *("-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key")),
        *("-set_serial", str(int.from_bytes(os.urandom(16), "big") >> 1)),
        *("-extfile", "server.ext", "-out", "server.crt"),
    )


def _openssl(place: Path, *words: str) -> None:
    try:
        done = subprocess.run(
            ["openssl", *words],
            cwd=place,
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=OPENSSL_S,
            check=False,
        )
    except FileNotFoundError:
        raise FailedError("this needs openssl: apt-get install openssl") from None
    except subprocess.TimeoutExpired:
        raise FailedError(f"openssl {words[0]} took longer than {OPENSSL_S:g} s") from None
    if done.returncode:
        raise FailedError(f"openssl {words[0]}: {done.stderr.strip()[-300:]}")


def _explain(target: Path, names: list[str], *, renew: bool) -> None:
    click.echo(f"{target / 'server.crt'} is for {', '.join(names)}, for {DAYS} days")
    if renew:
        click.echo("have it read: dialerd reload, or SIGHUP to the daemon")
        return
    click.echo("put into the configuration, and start the daemon again:")
    click.echo(f'  [admin]\n  certificate = "{target / "server.crt"}"')
    click.echo(f'  key = "{target / "server.key"}"')
    click.echo(f"have browsers and programs trust {target / 'ca.crt'} (curl --cacert)")
    click.echo(f"keep {target / 'ca.key'} to yourself: whoever has it can be any host for them")
