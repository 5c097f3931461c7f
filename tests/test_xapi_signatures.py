"""Signed statements (Data 2.6), by requirement."""

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from lms.xapi.signatures import CONTENT_TYPE, USAGE
from tests.factories import NOW
from tests.xapi_files import attachment, files_of, part, send, stated, told
from tests.xapi_samples import ID, encoded
from tests.xapi_world import STATEMENT, System, number, system

HASHES = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class Signer:
    """A key, and its certificate as it stands in a header."""

    key: Key
    x5c: str

    def sign(self, payload: Any, by: str = "RS256", **head: Any) -> bytes:
        """A JWS in compact serialization. `head`: a member that is None is left out."""
        told = {"alg": by, "x5c": [self.x5c], **head}
        told = {key: value for key, value in told.items() if value is not None}
        data = payload if isinstance(payload, bytes) else encoded(payload)
        signed = base64url(encoded(told)) + b"." + base64url(data)
        if isinstance(self.key, rsa.RSAPrivateKey):
            made = self.key.sign(signed, PKCS1v15(), HASHES.get(by, SHA256()))
        else:
            made = self.key.sign(signed, ec.ECDSA(SHA256()))
        return signed + b"." + base64url(made)


def base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def certified(key: Key, at: datetime = NOW) -> Signer:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "시험")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at)
        .not_valid_after(at + timedelta(days=1))
        .sign(key, SHA256())
    )
    return Signer(key, b64encode(made.public_bytes(Encoding.DER)).decode())


@pytest.fixture(scope="module")
def signer() -> Signer:
    return certified(rsa.generate_private_key(65537, 2048))


@pytest.fixture(params=["1.0.3", "2.0.0"])
def vendor(request: pytest.FixtureRequest, sqlite_app: Flask) -> System:
    return replace(system(sqlite_app), version=request.param)


def signed(jws: bytes, value: dict[str, Any] = STATEMENT, **more: Any) -> dict[str, Any]:
    named = attachment(jws, usageType=USAGE, contentType=CONTENT_TYPE, **more)
    return {**value, "attachments": [*value.get("attachments", []), named]}


def jws_part(jws: bytes) -> bytes:
    return part(jws, Content_Type=CONTENT_TYPE)


def test_a_signed_statement_is_taken(vendor: System, signer: Signer) -> None:
    """2.6.s4.b3 and b4; the certificate is a SHOULD (b6)."""
    payload = json.dumps(STATEMENT, indent=4).replace("\n", "\r\n").encode()
    for alg in ("RS256", "RS384", "RS512"):
        for head in ({}, {"x5c": None}):
            jws = signer.sign(payload, alg, **head)
            answer = send(vendor, signed(jws), jws_part(jws))
            assert answer.status_code == 200, answer.data
            [id_] = answer.get_json()
            found = files_of(vendor.get(statementId=id_, attachments="true"))
            assert found == [told(jws, CONTENT_TYPE)]


def test_a_certificate_may_come_in_the_lines_of_its_pem(vendor: System, signer: Signer) -> None:
    lines = [signer.x5c[at : at + 64] for at in range(0, len(signer.x5c), 64)]
    jws = signer.sign(STATEMENT, x5c=["\r\n".join(lines)])
    assert send(vendor, signed(jws), jws_part(jws)).status_code == 200


def test_a_signed_statement_is_put_too(vendor: System, signer: Signer) -> None:
    jws = signer.sign(STATEMENT)
    query = {"statementId": ID}
    answer = send(vendor, signed(jws), jws_part(jws), method="PUT", query_string=query)
    assert answer.status_code == 204


def test_what_a_store_sets_may_differ(vendor: System, signer: Signer) -> None:
    """2.6.s5.b3.b2 by 2.3.1: statements are compared, not their bytes."""
    at = {"timestamp": "2026-01-02T03:04:05Z"}
    later = {"timestamp": "2026-01-02T12:04:05+09:00"}
    set_there = {"id": ID, "stored": "2026-01-01T00:00:00Z", "authority": STATEMENT["actor"]}
    defined = {**STATEMENT, "object": {**STATEMENT["object"], "definition": {"name": {"ko": "가"}}}}
    essay = {**stated(attachment(b"x", fileUrl="http://example.kr/f"))}
    for before, sent in (
        (STATEMENT, {**STATEMENT, **set_there, **at}),
        ({**STATEMENT, **set_there, "id": ID.upper()}, {**STATEMENT, "id": ID}),
        ({**STATEMENT, **at}, {**STATEMENT, **later}),
        (defined, STATEMENT),
        (essay, essay),
    ):
        jws = signer.sign(before)
        answer = send(vendor, signed(jws, sent), jws_part(jws))
        assert answer.status_code == 200, answer.data
        vendor = replace(vendor, **vars(system(vendor.app)) | {"version": vendor.version})


def test_statements_of_a_batch_are_each_signed(vendor: System, signer: Signer) -> None:
    other = {**STATEMENT, "object": {"id": "http://example.kr/other"}}
    both = [signer.sign(STATEMENT), signer.sign(other)]
    parts = [jws_part(jws) for jws in both]
    right = [signed(both[0]), signed(both[1], other)]
    assert send(vendor, right, *parts).status_code == 200
    crossed = send(vendor, [signed(both[0]), signed(both[1])], *parts)
    error = crossed.get_json()["error"]
    assert (crossed.status_code, error["path"]) == (400, "$[1].attachments[0]")
    assert number(vendor.app) == 2


def flipped(jws: bytes) -> bytes:
    """With the first bit of its signature changed."""
    head, _, last = jws.rpartition(b".")
    return head + b"." + (b"A" if last[:1] != b"A" else b"B") + last[1:]


def without(jws: bytes, place: int) -> bytes:
    parts = jws.split(b".")
    return b".".join(parts[:place] + parts[place + 1 :])


WRONG: dict[str, tuple[Any, str]] = {
    "no JWS": (lambda _: b"signature", "2.6.s4.b2"),
    "nothing": (lambda _: b"", "2.6.s4.b2"),
    "two parts": (lambda by: without(by.sign(STATEMENT), 2), "2.6.s4.b2"),
    "four parts": (lambda by: by.sign(STATEMENT) + b".x", "2.6.s4.b2"),
    "a line feed behind": (lambda by: by.sign(STATEMENT) + b"\n", "2.6.s4.b2"),
    "JSON serialization": (
        lambda by: encoded({"payload": base64url(encoded(STATEMENT)).decode(), "signatures": []}),
        "2.6.s4.b2",
    ),
    "not in base64url": (lambda by: b"A." + by.sign(STATEMENT).split(b".", 1)[1], "RFC 7515 2"),
    "header no JSON": (
        lambda by: base64url(b"\xff") + b"." + by.sign(STATEMENT).split(b".", 1)[1],
        "RFC 7515 3",
    ),
    "header a list": (
        lambda by: base64url(b"[]") + b"." + by.sign(STATEMENT).split(b".", 1)[1],
        "RFC 7515 3",
    ),
    "no alg": (lambda by: by.sign(STATEMENT, alg=None), "2.6.s4.b4"),
    "alg a number": (lambda by: by.sign(STATEMENT, alg=256), "2.6.s4.b4"),
    "alg none": (lambda by: by.sign(STATEMENT, "none"), "2.6.s4.b4"),
    "alg HS256": (lambda by: by.sign(STATEMENT, "HS256"), "2.6.s4.b4"),
    "alg ES256": (lambda by: by.sign(STATEMENT, "ES256"), "2.6.s4.b4"),
    "alg PS256": (lambda by: by.sign(STATEMENT, "PS256"), "2.6.s4.b4"),
    "alg in small letters": (lambda by: by.sign(STATEMENT, "rs256"), "2.6.s4.b4"),
    "an extension to understand": (lambda by: by.sign(STATEMENT, crit=["b64"]), "4.1.11"),
    "payload no JSON": (lambda by: by.sign(b"statement"), "2.6.s4.b3"),
    "payload no statement": (lambda by: by.sign({"actor": {}}), "2.6.s4.b3"),
    "payload a batch": (lambda by: by.sign([STATEMENT]), "2.6.s4.b3"),
    "another statement": (
        lambda by: by.sign({**STATEMENT, "verb": {"id": "http://example.kr/undid"}}),
        "2.6.s5.b3.b2",
    ),
    "a result more": (lambda by: by.sign({**STATEMENT, "result": {}}), "2.6.s5.b3.b2"),
    "another signature": (lambda by: flipped(by.sign(STATEMENT)), "2.6.s5.b3.b3"),
    "another hash": (
        lambda by: by.sign(STATEMENT, "RS256", alg="RS512"),
        "2.6.s5.b3.b3",
    ),
    "no certificates": (lambda by: by.sign(STATEMENT, x5c=[]), "4.1.6"),
    "a certificate that is none": (lambda by: by.sign(STATEMENT, x5c=["AAAA"]), "4.1.6"),
    "a certificate in no base64": (lambda by: by.sign(STATEMENT, x5c=["가"]), "4.1.6"),
    "a certificate not in a list": (lambda by: by.sign(STATEMENT, x5c=1), "4.1.6"),
    "a certificate that is no text": (lambda by: by.sign(STATEMENT, x5c=[1]), "4.1.6"),
}


def test_malformed_signatures_are_400_with_the_rule(vendor: System, signer: Signer) -> None:
    """2.6.s5.b1 and b2."""
    for name, (make, rule) in WRONG.items():
        jws = make(signer)
        for value, path in ((signed(jws), "$"), ([STATEMENT, signed(jws)], "$[1]")):
            answer = send(vendor, value, jws_part(jws))
            error = answer.get_json()["error"]
            told_path = f"{path}.attachments[0]"
            assert (name, answer.status_code, error["path"]) == (name, 400, told_path)
            assert rule in error["message"]
    assert number(vendor.app) == 0


def test_a_certificate_of_another_key_is_refused(vendor: System, signer: Signer) -> None:
    curve = certified(ec.generate_private_key(ec.SECP256R1()))
    stranger = certified(rsa.generate_private_key(65537, 2048))
    for other, rule in ((curve, "4.1.6"), (stranger, "2.6.s5.b3.b3")):
        jws = signer.sign(STATEMENT, x5c=[other.x5c, signer.x5c])
        answer = send(vendor, signed(jws), jws_part(jws))
        assert answer.status_code == 400
        assert rule in answer.get_json()["error"]["message"]


def test_another_id_or_instant_than_was_signed_is_refused(vendor: System, signer: Signer) -> None:
    other = "01980e2b-7b2c-7c3d-8e4f-0123456789ab"
    at = "2026-01-02T03:04:05Z"
    for before, sent in (
        ({"id": ID}, {"id": other}),
        ({"timestamp": at}, {"timestamp": "2026-01-02T03:04:06Z"}),
    ):
        jws = signer.sign({**STATEMENT, **before})
        answer = send(vendor, signed(jws, {**STATEMENT, **sent}), jws_part(jws))
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, "$.attachments[0]")
    jws = signer.sign({**STATEMENT, "id": ID})
    query = {"statementId": other}
    answer = send(vendor, signed(jws), jws_part(jws), method="PUT", query_string=query)
    assert answer.status_code == 400


@pytest.mark.parametrize("elsewhere", [None, "http://example.kr/jws"])
def test_a_signature_is_an_octet_stream(
    vendor: System, signer: Signer, elsewhere: str | None
) -> None:
    """2.6.s4.b1, also for one that is elsewhere."""
    jws = signer.sign(STATEMENT)
    value = {
        **STATEMENT,
        "attachments": [
            attachment(jws, usageType=USAGE, contentType="application/json", fileUrl=elsewhere)
        ],
    }
    answer = send(vendor, value, part(jws, Content_Type="application/json"))
    error = answer.get_json()["error"]
    assert (answer.status_code, error["path"]) == (400, "$.attachments[0].contentType")
    assert "2.6.s4.b1" in error["message"]
    assert vendor.post(value).status_code == 400


def test_a_signature_elsewhere_is_not_fetched(vendor: System) -> None:
    value = signed(b"x", fileUrl="http://example.kr/jws")
    assert vendor.post(value).status_code == 200


def test_a_sub_statements_signature_is_well_formed(vendor: System, signer: Signer) -> None:
    jws = signer.sign(STATEMENT)
    for data, status in ((jws, 200), (flipped(jws), 400)):
        sub = {**signed(data), "objectType": "SubStatement"}
        answer = send(vendor, {**STATEMENT, "object": sub}, jws_part(data))
        assert answer.status_code == status
