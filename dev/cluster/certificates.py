"""Keys, certificates and kubeconfigs: one authority for each trust domain, one certificate for each component."""

import dataclasses
import datetime
import ipaddress
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dev.cluster import layout as layouts

# etcd and the aggregation layer trust every certificate of their authority, so they do not use the cluster's authority.
AUTHORITIES = ("ca", "etcd-ca", "front-proxy-ca")
YEARS = 10
# OpenSSL in strict mode requires the key usage of an authority.
UNUSED_KEY_USES = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
AUTHORITY_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    decipher_only=False,
    **dict.fromkeys(UNUSED_KEY_USES, False),
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Identity of a certificate. RBAC calls the common name `user` and the organisations `groups`."""

    name: str
    user: str
    groups: tuple[str, ...] = ()
    authority: str = "ca"
    kubeconfig: bool = False


IDENTITIES = (
    Identity(name="kube-apiserver", user="kube-apiserver", groups=("system:masters",)),
    Identity(name="kube-controller-manager", user="system:kube-controller-manager", kubeconfig=True),
    Identity(name="kube-scheduler", user="system:kube-scheduler", kubeconfig=True),
    Identity(name="kube-proxy", user="system:kube-proxy", kubeconfig=True),
    Identity(name="kubelet", user=f"system:node:{layouts.NODE}", groups=("system:nodes",), kubeconfig=True),
    Identity(name="admin", user="seaway-admin", groups=("system:masters",), kubeconfig=True),
    Identity(name="etcd", user="etcd", authority="etcd-ca"),
    Identity(name="etcd-client", user="kube-apiserver", authority="etcd-ca"),
    Identity(name="front-proxy", user="front-proxy-client", authority="front-proxy-ca"),
)


def write(layout: layouts.Layout) -> None:
    """Write all files. Authorities and the token key persist; the rest is new at each start: the address may change."""
    layout.pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    authorities = {name: _load_authority(layout.pki, name) for name in AUTHORITIES}
    if not (layout.pki / "service-accounts.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_atomically(layout.pki / "service-accounts.pub", _encode_public_key(key))
        _write_atomically(layout.pki / "service-accounts.key", _encode_private_key(key))
    for identity in IDENTITIES:
        _write_certificate(layout, identity, *authorities[identity.authority])
        if identity.kubeconfig:
            server = layout.server if identity.name == "admin" else f"https://127.0.0.1:{layouts.API_PORT}"
            _write_atomically(
                layout.pki / f"{identity.name}.kubeconfig", format_kubeconfig(layout, identity.name, server)
            )
    _write_atomically(layout.kubeconfig, (layout.pki / "admin.kubeconfig").read_bytes())


def format_kubeconfig(layout: layouts.Layout, name: str, server: str) -> bytes:
    """Return a kubeconfig for an identity, with the development context."""
    cluster = {"server": server, "certificate-authority": str(layout.pki / "ca.crt")}
    user = {
        "client-certificate": str(layout.pki / f"{name}.crt"),
        "client-key": str(layout.pki / f"{name}.key"),
    }
    text = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": layouts.CONTEXT, "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": layouts.CONTEXT, "context": {"cluster": layouts.CONTEXT, "user": name}}],
            "current-context": layouts.CONTEXT,
        },
        sort_keys=False,
    )
    return text.encode()


def _load_authority(folder: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    if certificate_file.exists() and key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - this module wrote the file
        return x509.load_pem_x509_certificate(certificate_file.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"seaway-{name}")])
    certificate = (
        _start_certificate(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(AUTHORITY_KEY_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_atomically(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    _write_atomically(key_file, _encode_private_key(key))
    return certificate, key


def _write_certificate(
    layout: layouts.Layout, identity: Identity, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
    subject = x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, identity.user)])
    names = ("localhost", layouts.NODE, "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    addresses = ("127.0.0.1", layout.address, layouts.SERVICE_ADDRESS)
    certificate = (
        _start_certificate(subject, authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(
            # The certificate of the kubelet must name the node's address, or logs and exec fail.
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(name) for name in names),
                    *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_atomically(layout.pki / f"{identity.name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    _write_atomically(layout.pki / f"{identity.name}.key", _encode_private_key(key))


def _start_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # The clock of a machine that was suspended may be behind.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
    )


def _encode_private_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _encode_public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read. A crash must not leave a half-written key."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.rename(path)
