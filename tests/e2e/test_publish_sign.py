"""Several signers of one release: authors, operators, regulators; ES256 beside
hash-based signatures."""

import shutil

import cbor2
import pytest

from ferrytest import formats, pki
from ferrytest.publish import Publisher

OFF = ("--revocation", "off")


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """A publisher whose root knows two authors, an operator (a bare key) and a
    regulator (a CA)."""
    folder = tmp_path_factory.mktemp("sign")
    p = Publisher(build_dir, folder / "pub")
    p.init("Acme", "--domain", "acme.example")
    p.add_class("sensor")
    p.first = p.release("sensor", b"image", "--version", "1")
    for name in ("second", "regulator", "stranger"):
        p.run("pki", "author", "--out", folder / name)
    p.operator, public = folder / "operator.pem", folder / "operator.pub.pem"
    pki.make_key(p.operator)
    pki.openssl("pkey", "-in", p.operator, "-pubout", "-out", public)
    p.run("root", "add", "--role", "author", "--anchor",
          folder / "second/author-ca/cert.pem", "--no-catalog")
    p.run("root", "add", "--role", "operator", "--public", public,
          "--root-only", "--no-catalog")
    p.run("root", "add", "--role", "regulator", "--anchor",
          folder / "regulator/author-ca/cert.pem")
    p.others = folder
    return p


@pytest.fixture
def fresh(made, build_dir, tmp_path):
    shutil.copytree(made.folder, tmp_path / "pub", copy_function=shutil.copy2)
    p = Publisher(build_dir, tmp_path / "pub")
    p.first, p.operator, p.others = made.first, made.operator, made.others
    return p


def signer(p, name):
    return ("--key", p.others / name / "author/key.pem", "--chain",
            p.others / name / "author/chain.pem")


def now(p):
    return p.record(p.first["manifest_digest"])


def members(p):
    return cbor2.loads(p.envelope(now(p)).read_bytes()).value


def blocks(p):
    return cbor2.loads(members(p)[2])[1:]


def test_operator_countersigns_and_the_release_stays(fresh):
    before = members(fresh)
    out = fresh.run("countersign", fresh.first["manifest_digest"], "--role",
                    "operator", "--key", fresh.operator).stdout
    assert "countersigned: " in out and "catalog   sequence" in out
    after = members(fresh)
    assert cbor2.loads(after[2])[:2] == cbor2.loads(before[2])
    assert len(blocks(fresh)) == 2
    assert {k: v for k, v in after.items() if k != 2} == {
        k: v for k, v in before.items() if k != 2}
    root = formats.Root(fresh.root(4).read_bytes())
    key, = root.roles[4][1]
    protected, _, payload, signature = cbor2.loads(blocks(fresh)[1]).value
    header = cbor2.loads(protected)
    assert payload is None and header[4] == formats.thumbprint(key)
    formats.verify(key, header[1], ["Signature1", protected, b"",
                                    cbor2.loads(after[2])[0]], signature)
    fresh.verify(*OFF, "--root", fresh.root(4), "--catalog", fresh.catalog,
                 fresh.envelope(now(fresh)), check=0)


def test_regulator_countersigns_all_by_a_chain(fresh):
    fresh.run("countersign", "--all", "--role", "regulator",
              *signer(fresh, "regulator"))
    message = cbor2.loads(blocks(fresh)[1]).value
    assert 33 in message[1]
    assert now(fresh)["signed_until"] <= fresh.first["signed_until"] + 60


def test_resign_keeps_countersignatures_and_replaces_authors(fresh):
    release = fresh.first["manifest_digest"]
    fresh.run("countersign", release, "--role", "operator", "--key",
              fresh.operator, "--no-catalog")
    fresh.run("countersign", release, "--role", "regulator",
              *signer(fresh, "regulator"), "--no-catalog")
    fresh.run("countersign", release, "--role", "author",
              *signer(fresh, "second"))
    author, operator, regulator, _ = blocks(fresh)
    fresh.run("pki", "author")
    fresh.run("resign", release)
    assert blocks(fresh)[:2] == [operator, regulator]
    assert len(blocks(fresh)) == 3 and blocks(fresh)[2] != author


REFUSALS = {
    "not in the role": ("operator", "regulator", "does not list this signer"),
    "not in the root": ("author", "stranger", "does not list this signer"),
    "role that signs no release": ("catalog", "second", "needs --key"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_countersign_refuses(fresh, name):
    role, who, want = REFUSALS[name]
    before = now(fresh)
    out = fresh.run("countersign", "--all", "--role", role,
                    *signer(fresh, who), check=None)
    assert out.returncode != 0 and want in out.stderr
    assert now(fresh) == before


def test_countersign_refuses_a_signer_twice(fresh):
    args = ("countersign", "--all", "--role", "operator", "--key",
            fresh.operator)
    fresh.run(*args)
    before = now(fresh)
    out = fresh.run(*args, check=1)
    assert "has signed this release already" in out.stderr
    assert now(fresh) == before


def test_countersign_refuses_an_envelope_that_was_changed(fresh):
    path = fresh.envelope(fresh.first)
    data = path.read_bytes()
    text = data.rindex(b"Acme")
    image = data.rindex(bytes.fromhex(fresh.first["payload_digest"]))
    for at in (text, image):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        fresh.run("countersign", "--all", "--role", "operator", "--key",
                  fresh.operator, check=1)
        assert now(fresh) == fresh.first


def test_two_authors_by_threshold(fresh):
    fresh.run("root", "set", "--threshold", "author=2", "--no-catalog")
    out = fresh.run("catalog", check=1)
    assert "trust-offer-threshold" in out.stderr
    fresh.run("countersign", "--all", "--role", "author",
              *signer(fresh, "second"))
    code, answer = fresh.verify(*OFF, "--root", fresh.root(5),
                                fresh.envelope(now(fresh)))
    rows = {row["name"]: row["evidence"] for row in answer["checks"]}
    assert code == 0 and rows["author-threshold"] == "2 of 2"
    code, answer = fresh.verify(*OFF, "--root", fresh.root(5),
                                fresh.envelope(fresh.first))
    assert code == 1 and answer["code"] == "trust-offer-threshold"


def test_release_by_two_authors_at_once(fresh):
    fresh.run("root", "set", "--threshold", "author=2", "--no-catalog")
    fresh.run("withdraw", fresh.first["manifest_digest"], "--no-catalog")
    second = fresh.others / "second/author"
    cosign = ("--cosign", second / "key.pem", "--cosign-chain",
              second / "chain.pem")
    record = fresh.release("sensor", b"second", "--version", "2", *cosign)
    code, _ = fresh.verify(*OFF, "--root", fresh.root(5), "--catalog",
                           fresh.catalog, fresh.envelope(record))
    assert code == 0
    fresh.run("resign", record["manifest_digest"], *cosign)


def test_cosign_refuses_what_does_not_belong(fresh):
    second = fresh.others / "second/author"
    own = fresh.folder / "keys/author"
    for args, want in (
            (["--cosign-chain", second / "chain.pem"], "belongs to no key"),
            (["--cosign", second / "key.pem", "--cosign-chain",
              own / "chain.pem"], "belongs to no key"),
            (["--cosign", own / "key.pem"], "signs already")):
        out = fresh.run("resign", "--all", *args, check=1)
        assert want in out.stderr


def test_author_and_hash_based_cosigner(fresh, tmp_path):
    """ES256 and HSS-LMS over one release, both demanded by the threshold."""
    hss = tmp_path / "hss.key.pem"
    public = tmp_path / "hss.pub"
    fresh.run("key", "new", "--out", hss, "--kind", "hss:h5/w8", "--public", public)
    fresh.run("root", "add", "--role", "author", "--public", public,
              "--root-only", "--threshold", "2", "--no-catalog")
    fresh.run("resign", "--all", "--cosign", hss)
    algs = [cbor2.loads(cbor2.loads(block).value[0])[1]
            for block in blocks(fresh)]
    assert algs == [-9, -46]
    code, answer = fresh.verify(*OFF, "--root", fresh.root(5), "--catalog",
                                fresh.catalog, fresh.envelope(now(fresh)))
    assert code == 0, answer
