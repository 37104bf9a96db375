"""An authority for certificates of one's own, as a test's store has them: good ones, and each kind of bad."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authority:
    """Issues certificates; a device that is to trust them has `file` in SSL_CERT_FILE."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = _issue("An authority for tests", None, names=(), begins=-400, ends=400)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._own.certificate.public_bytes(Encoding.PEM))

    def server(self, *names: str, begins: int = -1, ends: int = 30, self_signed: bool = False) -> ssl.SSLContext:
        """What a server of these names shows, valid from and to so many days from now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(*names, begins=begins, ends=ends, self_signed=self_signed))
        return context

    def issue(self, *names: str, begins: int = -1, ends: int = 30, self_signed: bool = False) -> Path:
        """The same as a file: the certificate, then its key."""
        issued = _issue("a store", None if self_signed else self._own, names=names, begins=begins, ends=ends)
        path = self._folder / f"{issued.certificate.serial_number}.pem"
        key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(issued.certificate.public_bytes(Encoding.PEM) + key)
        return path


def _issue(subject: str, issuer: _Issued | None, *, names: tuple[str, ...], begins: int, ends: int) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * _DAY)
        .not_valid_after(now + ends * _DAY)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_spell(one) for one in names]), critical=False)
    return _Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _spell(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
