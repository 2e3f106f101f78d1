"""The certificate authority: what devices accept of it, and what they refuse."""

import ipaddress
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aiserver_tray.features.access.authority import (
    Pair,
    fingerprint,
    is_authority,
    make_authority,
    make_leaf,
    name_of,
    until,
)


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("AI-Server Tray on kitchen")


class Device:
    """It trusts only one authority. Another program checks certificates there, as devices do."""

    def __init__(self, folder: Path, authority: Pair) -> None:
        self._files = folder / "ca.crt", folder / "one.crt"
        self._files[0].write_text(authority.certificate)

    def verify(self, certificate: bytes, *purpose: str) -> str:
        """Why it does not accept a certificate, or OK."""
        self._files[1].write_bytes(certificate)
        command = ["openssl", "verify", *purpose, "-CAfile", *map(str, self._files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "OK" if done.returncode == 0 else done.stderr


@pytest.fixture
def device(tmp_path: Path, authority: Pair) -> Device:
    return Device(tmp_path, authority)


def test_devices_accept_its_names_until_they_end(authority: Pair, device: Device) -> None:
    pem = make_leaf(authority, ["n8n-kitchen.local", "192.168.1.20"]).certificate.encode()
    for purpose in (("-verify_hostname", "n8n-kitchen.local"), ("-verify_ip", "192.168.1.20")):
        assert device.verify(pem, "-purpose", "sslserver", *purpose) == "OK"
    assert "hostname mismatch" in device.verify(pem, "-verify_hostname", "other.local")
    leaf = x509.load_pem_x509_certificate(pem)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=398), "Apple's"
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n8n-kitchen.local"]
    assert until(authority.certificate) > datetime.now(UTC) + timedelta(days=3000)


def test_its_key_signs_nothing_but_servers_of_the_network(authority: Pair, device: Device) -> None:
    """A person's certificate is refused by purpose, and an address of e-mail by the constraints."""
    for name in ("bank.example", "8.8.8.8"):
        leaf = make_leaf(authority, [name]).certificate.encode()
        assert "permitted subtree violation" in device.verify(leaf)
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signer = serialization.load_pem_private_key(authority.key.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    person = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ann")])
    address, now = (
        x509.SubjectAlternativeName([x509.RFC822Name("ann@x.example")]),
        datetime.now(UTC),
    )
    day = timedelta(days=1)
    made = (
        x509.CertificateBuilder(
            issuer.subject, person, signer.public_key(), 1, now - day, now + day
        )
        .add_extension(address, critical=False)
        .sign(signer, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    assert "unsuitable certificate purpose" in device.verify(made, "-purpose", "smimesign")
    assert "permitted subtree violation" in device.verify(made)


def test_it_has_a_name_and_a_fingerprint(authority: Pair) -> None:
    assert name_of(authority.certificate) == "AI-Server Tray on kitchen"
    pairs = fingerprint(authority.certificate).split(":")
    assert len(pairs) == 32
    assert all(len(pair) == 2 for pair in pairs)
    found = x509.load_pem_x509_certificate(authority.certificate.encode())
    allowed = found.extensions.get_extension_for_class(x509.NameConstraints).value
    assert x509.IPAddress(ipaddress.ip_network("192.168.0.0/16")) in (
        allowed.permitted_subtrees or ()
    )


def test_only_an_authority_like_ours_is_taken_from_a_backup(authority: Pair) -> None:
    assert is_authority(authority)
    other = make_authority("other")
    strange = (
        Pair(authority.certificate, other.key),
        Pair(authority.certificate, "no key"),
        Pair("no certificate", authority.key),
        make_leaf(authority, ["n8n-kitchen.local"]),
        unlimited(),
        unlimited(x509.NameConstraints([x509.DNSName("com")], None)),
        make_authority("{file./config/caddy/gateway.json}"),
        make_authority("a\\b"),
        Pair(f"{{env.HOME}}\n{authority.certificate}", authority.key),
        Pair(authority.certificate + other.certificate, authority.key),
    )
    assert [is_authority(one) for one in strange] == [False] * len(strange)


def unlimited(*limits: x509.ExtensionType) -> Pair:
    """An authority that can vouch for every web site, or for other ones than ours, by *limits*."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=evil")
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9))
    for extension in (x509.BasicConstraints(ca=True, path_length=0), *limits):
        builder = builder.add_extension(extension, critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(pem, form, serialization.NoEncryption())
    return Pair(certificate.public_bytes(pem).decode(), plain.decode())
