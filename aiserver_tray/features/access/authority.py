"""The certificate authority of an installation. It can only vouch for names of a local network and
for private addresses, so that nobody who steals its key can stand between a device and other sites.

Apple accepts at most 825 days of an authority that the user installed (support.apple.com/103769);
397 days are accepted everywhere.
"""

import datetime
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aiserver_tray.features.access.network import PRIVATE

_DAY: Final = datetime.timedelta(days=1)
_YEARS: Final = 10
LEAF_DAYS: Final = 397
_COMMON_NAME: Final = NameOID.COMMON_NAME
_PEM: Final = serialization.Encoding.PEM
_BRACES: Final = "{}\\"
_SIGNS: Final = frozenset({"key_cert_sign", "crl_sign"})
_SERVERS: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


def make_authority(name: str) -> Pair:
    """A new authority called *name*."""
    key, now = ec.generate_private_key(ec.SECP256R1()), _now()
    subject = x509.Name([x509.NameAttribute(_COMMON_NAME, name)])
    allowed: list[x509.GeneralName] = [x509.DNSName("local"), x509.DNSName("localhost")]
    # A kind of name that is not listed is unlimited. Nobody has this address of e-mail.
    allowed += [x509.RFC822Name("aiserver-tray.invalid")]
    allowed += [x509.IPAddress(ipaddress.ip_network(one)) for one in PRIVATE]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(subject, subject, key, now - _DAY, now + _YEARS * 365 * _DAY)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(_SIGNS), critical=True)
        .add_extension(x509.NameConstraints(allowed, None), critical=True)
        .add_extension(_SERVERS, critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def is_authority(pair: Pair) -> bool:
    """Whether *pair*, which may come from anywhere, is one that `make_authority` has made: valid
    now, for nothing but names of a local network and private addresses, and with a name that the
    gateway shows as it is: Caddy replaces what is in braces, and a longer text may have more."""
    ours = make_authority("any")
    try:
        found, own = (x509.load_pem_x509_certificate(p.certificate.encode()) for p in (pair, ours))
        key = serialization.load_pem_private_key(pair.key.encode(), None)
        found.verify_directly_issued_by(found)
        names = [str(one.value) for one in found.subject.get_attributes_for_oid(_COMMON_NAME)]
        limits = [c.extensions.get_extension_for_class(x509.NameConstraints) for c in (found, own)]
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    is_valid = found.not_valid_before_utc <= _now() <= found.not_valid_after_utc
    is_its_key = isinstance(key, ec.EllipticCurvePrivateKey) and (
        key.public_key() == found.public_key()
    )
    is_plain = len(names) == 1 and names[0].isprintable() and not {*_BRACES} & {*names[0]}
    is_alone = pair.certificate == found.public_bytes(_PEM).decode()
    return is_valid and is_its_key and is_plain and is_alone and limits[0] == limits[1]


def make_leaf(authority: Pair, names: Iterable[str], days: float = LEAF_DAYS) -> Pair:
    """A certificate of *authority* for host *names* and IP addresses, valid for *days*."""
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signer = serialization.load_pem_private_key(authority.key.encode(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError(type(signer))
    key, now = ec.generate_private_key(ec.SECP256R1()), _now()
    subject = x509.Name([x509.NameAttribute(_COMMON_NAME, "AI-Server Tray")])
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    certificate = (
        _builder(subject, issuer.subject, key, now - _DAY, now + days * _DAY)
        .add_extension(x509.SubjectAlternativeName([_name(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(frozenset({"digital_signature"})), critical=True)
        .add_extension(_SERVERS, critical=False)
        .add_extension(by, critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pair(certificate, key)


def fingerprint(certificate: str) -> str:
    """Its SHA-256, as devices show it."""
    der = serialization.Encoding.DER
    found = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(der)
    return hashlib.sha256(found).digest().hex(":").upper()


def name_of(certificate: str) -> str:
    """The name that devices show for it."""
    subject = x509.load_pem_x509_certificate(certificate.encode()).subject
    names = subject.get_attributes_for_oid(_COMMON_NAME)
    return str(names[0].value) if names else "-"


def until(certificate: str) -> datetime.datetime:
    """When it ends."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _usage(used: frozenset[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in used for name in _USAGES})


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(_PEM, form, plain).decode()
    return Pair(certificate.public_bytes(_PEM).decode(), pem)
