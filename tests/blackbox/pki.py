# SPDX-License-Identifier: GPL-3.0-or-later
"""A small public key infrastructure, made with the openssl command: what Signet is to trust, what it is to refuse, and who it is itself."""

import dataclasses
import functools
import hashlib
import pathlib
import secrets
import ssl
import subprocess

PASSWORD = "correct horse battery"

_EXTENSIONS = {
    "ca": "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    "server": "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n",
    "client": "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n",
}


def openssl(*arguments: str | pathlib.Path, text_input: str | None = None) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], input=text_input, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


@dataclasses.dataclass(frozen=True)
class Pair:
    """A certificate with its key and the certificates above it, the trust anchor left out. All PEM files."""

    name: str
    certificate: pathlib.Path
    key: pathlib.Path
    chain: pathlib.Path  # leaf first; what a server or client sends

    @functools.cached_property
    def ders(self) -> list[bytes]:
        """The chain as DER, leaf first."""
        end = "-----END CERTIFICATE-----"
        return [ssl.PEM_cert_to_DER_cert(block.strip() + "\n" + end) for block in self.chain.read_text().split(end) if "BEGIN" in block]

    @property
    def sha1(self) -> str:
        """As nginx and Signet's thumbprints have it, in lower case."""
        return hashlib.sha1(self.ders[0]).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.ders[0]).hexdigest()

    @property
    def subject(self) -> str:
        """RFC 4514, as nginx' $ssl_client_s_dn."""
        return openssl("x509", "-in", self.certificate, "-noout", "-subject", "-nameopt", "RFC2253").strip().removeprefix("subject=")


@dataclasses.dataclass(frozen=True)
class Client(Pair):
    """A client identity; its PFX holds key and chain under `password`."""

    pfx: pathlib.Path
    password_file: pathlib.Path
    password: str = PASSWORD

    def config(self) -> dict:
        return {"id": self.name, "pfxFile": str(self.pfx), "passwordFile": str(self.password_file)}


class Pki:
    """All of it, below `folder`. Keys are EC P-256 unless the name says otherwise."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # Those who vouch for back ends.
        self.server_root = self._root("server-root")
        self._server_intermediate = self._issue("server-intermediate", "ca", self.server_root)
        self.server = self._server("server", "DNS:localhost,IP:127.0.0.1")
        self.server_rsa = self._server("server-rsa", "DNS:localhost,IP:127.0.0.1", rsa=True)
        self.server_p384 = self._server("server-p384", "DNS:localhost,IP:127.0.0.1")
        self.server_wrong_name = self._server("server-wrong-name", "DNS:other.example,IP:192.0.2.1")
        self.server_expired = self._server("server-expired", "DNS:localhost,IP:127.0.0.1", expired=True)
        # Those whom nobody knows.
        self.stranger_root = self._root("stranger-root")
        self.server_untrusted = self._issue("server-untrusted", "server", self.stranger_root, names="DNS:localhost,IP:127.0.0.1")
        self.server_untrusted_wrong_name = self._issue(
            "server-untrusted-wrong-name", "server", self.stranger_root, names="DNS:other.example")
        # Who we are: leaves two levels under the root that back ends know, so that a chain sent in part is noticed.
        self.client_root = self._root("client-root")
        policy = self._issue("client-policy", "ca", self.client_root)
        issuing = self._client_issuing = self._issue("client-issuing", "ca", policy)
        self.orders = self._client(self._issue("orders", "client", issuing, subject="/O=Contoso/CN=orders", rsa=True))
        self.billing = self._client(self._issue("billing", "client", issuing, subject="/O=Contoso/CN=billing"))
        self.self_signed = self._client(self._root("self-signed", "client"))
        self.self_signed_rsa = self._client(self._root("self-signed-rsa", "client", rsa=True))
        self.client_authorities = folder / "client-authorities.pem"
        known = (self.client_root, self.self_signed, self.self_signed_rsa)
        self.client_authorities.write_text("".join(pair.certificate.read_text() for pair in known))

    def authority(self) -> dict:
        """The trust anchor of the good servers as an object of the configuration."""
        return {"id": "test-ca", "pemFile": str(self.server_root.certificate)}

    def successor(self, name: str, *, expired: bool = False) -> Client:
        """A further client identity that back ends accept, as it comes with each renewal: own key, own serial number."""
        return self._client(self._issue(name, "client", self._client_issuing, expired=expired))

    def listener(self, name: str, names: str, *, rsa: bool = False, expired: bool = False) -> Pair:
        """What a listener shows: a server's certificate, from the authority of the good servers."""
        return self._server(name, names, rsa=rsa, expired=expired)

    def stranger_client(self) -> Client:
        """A client identity of an authority that back ends do not know."""
        return self._client(self._issue("stranger", "client", self.stranger_root))

    def _key(self, name: str, rsa: bool) -> pathlib.Path:
        path = self.folder / f"{name}.key"
        kind = ("RSA", "rsa_keygen_bits:2048") if rsa else ("EC", f"ec_paramgen_curve:{'P-384' if name.endswith('p384') else 'P-256'}")
        openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", path)
        return path

    def _extensions(self, name: str, usage: str, names: str = "") -> pathlib.Path:
        path = self.folder / f"{name}.ext"
        path.write_text(_EXTENSIONS[usage] + (f"subjectAltName={names}\n" if names else ""))
        return path

    def _root(self, name: str, usage: str = "ca", rsa: bool = False) -> Pair:
        key = self._key(name, rsa)
        request, certificate = self.folder / f"{name}.csr", self.folder / f"{name}.crt"
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        openssl("x509", "-req", "-in", request, "-signkey", key, "-days", "30", "-sha256", "-set_serial", str(secrets.randbits(62) + 1),
                "-extfile", self._extensions(name, usage), "-out", certificate)
        return Pair(name, certificate, key, certificate)

    def _issue(self, name: str, usage: str, issuer: Pair, *, subject: str = "", names: str = "", rsa: bool = False,
               expired: bool = False) -> Pair:
        key = self._key(name, rsa)
        request, certificate, chain = (self.folder / f"{name}.{suffix}" for suffix in ("csr", "crt", "chain"))
        openssl("req", "-new", "-key", key, "-subj", subject or f"/CN={name}", "-out", request)
        extensions = self._extensions(name, usage, names)
        if expired:
            self._sign_in_the_past(issuer, request, extensions, certificate)
        else:
            openssl("x509", "-req", "-in", request, "-CA", issuer.certificate, "-CAkey", issuer.key, "-days", "30", "-sha256",
                    "-set_serial", str(secrets.randbits(62) + 1), "-extfile", extensions, "-out", certificate)
        above = "" if issuer.certificate.name.endswith("-root.crt") else issuer.chain.read_text()
        chain.write_text(certificate.read_text() + above)
        return Pair(name, certificate, key, chain)

    def _sign_in_the_past(self, issuer: Pair, request: pathlib.Path, extensions: pathlib.Path, out: pathlib.Path) -> None:
        """Only `openssl ca` takes the dates."""
        index = self.folder / "index.txt"
        index.write_text("")
        settings = self.folder / "ca.cnf"
        settings.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={index}\nnew_certs_dir={self.folder}\nrand_serial=yes\ndefault_md=sha256\n"
                            "policy=p\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-notext", "-config", settings, "-cert", issuer.certificate, "-keyfile", issuer.key, "-in", request,
                "-extfile", extensions, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-out", out)

    def _server(self, name: str, names: str, *, rsa: bool = False, expired: bool = False) -> Pair:
        return self._issue(name, "server", self._server_intermediate, names=names, rsa=rsa, expired=expired)

    def _client(self, pair: Pair) -> Client:
        pfx, password_file = self.folder / f"{pair.name}.pfx", self.folder / f"{pair.name}.pass"
        password_file.write_text(PASSWORD + "\n")
        openssl("pkcs12", "-export", "-inkey", pair.key, "-in", pair.chain, "-name", pair.name, "-passout", f"pass:{PASSWORD}", "-out", pfx)
        return Client(pair.name, pair.certificate, pair.key, pair.chain, pfx, password_file)
