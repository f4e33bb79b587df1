"""The HTTP client trusts the certificates that boto3 would, and no others."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from s3leader import BucketUnusable
from s3leader._core.requests import Missing
from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.environments import config_file, only
from tests.contract.s3_store.misbehaving_s3 import (
    DATE_MS,
    READ,
    MisbehavingS3,
    error,
    misbehaving_s3,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate of 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(signed.public_bytes(Encoding.PEM) + secret)
    return file


@pytest.fixture(scope="module")
def secure(certificate: Path) -> Iterator[MisbehavingS3]:
    """A server that speaks TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with misbehaving_s3(context) as running:
        yield running


@pytest.fixture
def tls(secure: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MisbehavingS3:
    only(monkeypatch, tmp_path, AWS_ENDPOINT_URL=secure.endpoint, AWS_DEFAULT_REGION="us-east-1")
    secure.forget()
    secure.will(error(404, "NoSuchKey"))
    return secure


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_that_a_variable_names_is_trusted(
    tls: MisbehavingS3, certificate: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificate))
    assert S3Store("locks").perform(READ) == Missing(DATE_MS)
    assert len(tls.sent) == 1


@pytest.mark.usefixtures("tls")
def test_a_bundle_that_the_profile_names_is_trusted(certificate: Path, tmp_path: Path) -> None:
    config_file(tmp_path, f"ca_bundle = {certificate}\n")
    assert S3Store("locks").perform(READ) == Missing(DATE_MS)


def test_another_certificate_is_not_trusted_and_nothing_is_sent(tls: MisbehavingS3) -> None:
    with pytest.raises(BucketUnusable, match="AWS_CA_BUNDLE") as refused:
        S3Store("locks").perform(READ)
    assert refused.value.code == "CertificateNotTrusted"
    assert tls.sent == []
