"""Certificates of an authority that only the tests know."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def certificates(folder: Path, *hosts: str, ended: bool = False) -> None:
    """The certificate of an authority, ``ca.pem``, and one that it gave to *hosts*, ``cert.pem``
    with ``key.pem``. *ended*: the time of the authority is over."""
    key, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    begin = datetime.datetime.now(datetime.UTC) - 2 * DAY
    known = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = (
        _certificate("Lab CA", key, begin, begin + (DAY if ended else 4 * DAY))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_signs(), critical=True)
        .add_extension(known, critical=False)
        .sign(key, hashes.SHA256())
    )
    issued = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)
    certificate = (
        _certificate("lab", own, begin, begin + 4 * DAY)
        .add_extension(x509.SubjectAlternativeName(map(_host, hosts)), critical=False)
        .add_extension(issued, critical=False)
        .sign(key, hashes.SHA256())
    )
    for name, one in (("ca.pem", authority), ("cert.pem", certificate)):
        (folder / name).write_bytes(one.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, begin: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lab CA")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _signs() -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    off = (*names, "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(**dict.fromkeys(off, False), key_cert_sign=True, crl_sign=True)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
