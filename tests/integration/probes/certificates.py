"""Certificates made for one run of the tests by the `openssl` command, and servers that show them."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificates:
    """A folder of certificates and their keys."""

    folder: Path

    @property
    def authority(self) -> str:
        """The file of the authority that signed all but the self-signed one."""
        return str(self.folder / "authority.pem")

    def shown(self, name: str) -> ssl.SSLContext:
        """A server that shows the certificate `name`: valid, expired, elsewhere or self_signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


def make_certificates(folder: Path) -> Certificates:
    may_sign = ("-addext", "keyUsage=critical,keyCertSign")
    _openssl(folder, "req", "-x509", *_KEY, *_named("authority"), "-days", "2", *may_sign)
    _openssl(folder, "req", "-x509", *_KEY, *_named("self_signed"), "-days", "2", "-addext", _hosts("localhost"))
    _sign(folder, "valid", "localhost", days=2)
    _sign(folder, "expired", "localhost", days=-1)
    _sign(folder, "elsewhere", "elsewhere.example", days=2)
    return Certificates(folder)


def _named(name: str) -> tuple[str, ...]:
    return ("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")


def _hosts(host: str) -> str:
    return f"subjectAltName=DNS:{host}"


def _sign(folder: Path, name: str, host: str, *, days: int) -> None:
    """A certificate for `host` by the authority; with negative days it has expired."""
    _openssl(folder, "req", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"{_hosts(host)}\nauthorityKeyIdentifier=keyid\n")
    signer = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", f"{name}.ext")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signer, "-days", str(days), "-out", f"{name}.pem")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)
