"""The certificate authority: what devices accept of it, and what they refuse."""

import ipaddress
import socket
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

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


def handshake(leaf: Pair, authority: Pair, host: str, folder: Path) -> None:
    """A TLS connection of a client that trusts only *authority* and asks for *host*."""
    files = folder / "leaf.crt", folder / "leaf.key"
    files[0].write_text(leaf.certificate)
    files[1].write_text(leaf.key)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(*files)
    server, client = socket.socketpair()

    def serve() -> None:
        try:
            own.wrap_socket(server, server_side=True).close()
        except OSError:
            server.close()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    context = ssl.create_default_context(cadata=authority.certificate)
    try:
        context.wrap_socket(client, server_hostname=host).close()
    finally:
        client.close()
        thread.join(60)


def test_devices_accept_its_names_and_addresses(authority: Pair, tmp_path: Path) -> None:
    leaf = make_leaf(authority, ["n8n-kitchen.local", "192.168.1.20"])
    handshake(leaf, authority, "n8n-kitchen.local", tmp_path)
    handshake(leaf, authority, "192.168.1.20", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(leaf, authority, "other.local", tmp_path)


@pytest.mark.parametrize("name", ["bank.example", "8.8.8.8"])
def test_devices_refuse_it_for_the_internet(authority: Pair, tmp_path: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(make_leaf(authority, [name]), authority, name, tmp_path)


def test_its_key_signs_nothing_but_servers(authority: Pair, tmp_path: Path) -> None:
    """As another program checks it: a person's certificate is refused by purpose, and an address of
    e-mail by the constraints."""
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signer = serialization.load_pem_private_key(authority.key.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    person = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ann")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer.subject, person, signer.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name("ann@x.example")]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    files = tmp_path / "ca.crt", tmp_path / "ann.crt"
    files[0].write_text(authority.certificate)
    files[1].write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def verified(*purpose: str) -> str:
        command = ["openssl", "verify", *purpose, "-CAfile", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "OK" if done.returncode == 0 else done.stderr

    assert "unsuitable certificate purpose" in verified("-purpose", "smimesign")
    assert "permitted subtree violation" in verified()


def test_certificates_end_when_apple_wants_them_to(authority: Pair) -> None:
    leaf = x509.load_pem_x509_certificate(make_leaf(authority, ["x.local"]).certificate.encode())
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=398)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["x.local"]
    assert until(authority.certificate) > datetime.now(UTC) + timedelta(days=3000)


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
        make_authority("{file./config/caddy/gateway.json}"),
        make_authority("a\\b"),
        Pair(f"{{env.HOME}}\n{authority.certificate}", authority.key),
        Pair(authority.certificate + other.certificate, authority.key),
    )
    assert [is_authority(one) for one in strange] == [False] * len(strange)


def unlimited() -> Pair:
    """An authority that can vouch for every web site."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=evil")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(pem, form, serialization.NoEncryption())
    return Pair(certificate.public_bytes(pem).decode(), plain.decode())
