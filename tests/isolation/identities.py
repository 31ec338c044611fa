# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates that are easily taken for one another, and what a back end may say about whoever shows one."""

import dataclasses
import functools
import pathlib
import secrets

from harness import pki
from pki import PASSWORD, Client, Pair, openssl


@dataclasses.dataclass(frozen=True)
class Identity:
    """What the back end must see of a caller; nothing at all if no certificate was shown."""

    subject: str | None = None
    serial: str | None = None
    sha1: str | None = None

    @staticmethod
    def of(pair: Pair) -> "Identity":
        serial = openssl("x509", "-in", pair.certificate, "-noout", "-serial").strip().removeprefix("serial=")
        return Identity(pair.subject, serial, pair.sha1)

    def __str__(self) -> str:
        return f"{self.subject} (serial {self.serial})" if self.subject else "no certificate"


NOBODY = Identity()


@functools.cache
def renewed() -> Client:
    """"orders" once more: same key, same subject, same issuer; only the serial number and what follows from it differ."""
    return _issue("orders-renewed", pki().orders.key, pki().orders.subject, _pair("client-issuing"), secrets.randbits(62) + 1)


@functools.cache
def namesake() -> Client:
    """Another issuer's certificate with the serial number of "orders"."""
    key = pki().folder / "reports.key"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    serial = Identity.of(pki().orders).serial
    return _issue("reports", key, "CN=reports,O=Contoso", pki().client_root, int(serial or "", 16))


def _pair(name: str) -> Pair:
    folder = pki().folder
    return Pair(name, folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.chain")


def _issue(name: str, key: pathlib.Path, subject: str, issuer: Pair, serial: int) -> Client:
    pair = _pair(name)
    request, extensions = pki().folder / f"{name}.csr", pki().folder / "orders.ext"
    openssl("req", "-new", "-key", key, "-subj", "".join(f"/{part}" for part in reversed(subject.split(","))), "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", issuer.certificate, "-CAkey", issuer.key, "-days", "30", "-sha256",
            "-set_serial", str(serial), "-extfile", extensions, "-out", pair.certificate)
    above = "" if issuer.name == "client-root" else issuer.chain.read_text()
    pair.chain.write_text(pair.certificate.read_text() + above)
    pfx, password_file = pki().folder / f"{name}.pfx", pki().folder / f"{name}.pass"
    password_file.write_text(PASSWORD + "\n")
    openssl("pkcs12", "-export", "-inkey", key, "-in", pair.chain, "-name", name, "-passout", f"pass:{PASSWORD}", "-out", pfx)
    return Client(name, pair.certificate, key, pair.chain, pfx, password_file)
