"""Roots over the years: roles, thresholds, flags, hosts, transfers; and what
catalogs ship besides releases. Read by another implementation."""

import hashlib
import shutil
import uuid

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ferrytest import formats, pki
from ferrytest.publish import Publisher

ROOT, CATALOG, AUTHOR, OPERATOR, REGULATOR = 1, 2, 3, 4, 5


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    p = Publisher(build_dir, tmp_path_factory.mktemp("root") / "pub")
    p.init("Acme", "--domain", "acme.example")
    p.class_id = p.add_class("sensor")
    p.first = p.release("sensor", b"image", "--version", "1")
    return p


@pytest.fixture
def fresh(made, build_dir, tmp_path):
    shutil.copytree(made.folder, tmp_path / "pub", copy_function=shutil.copy2)
    p = Publisher(build_dir, tmp_path / "pub")
    p.first, p.class_id = made.first, made.class_id
    return p


def newest(p):
    version = max(int(path.stem) for path in (p.www / "root").iterdir())
    root = formats.Root(p.root(version).read_bytes())
    assert root.data[2] == version
    return root


def follow(p):
    """All roots, each signed by the threshold of the one before, too."""
    count = len(list((p.www / "root").iterdir()))
    roots = [formats.Root(p.root(v).read_bytes())
             for v in range(1, count + 1)]
    for old, new in zip(roots, roots[1:]):
        message = cbor2.loads(p.root(new.data[2]).read_bytes()).value
        assert len(old._signers(message[2], message[3])) >= old.roles[1][0]
        assert new.data[5] >= old.data[5]
    return roots


def catalog(p):
    message = cbor2.loads(p.catalog.read_bytes())
    return formats.strict(message.value[2])


def key_pair(folder, name):
    key, public = folder / f"{name}.key.pem", folder / f"{name}.pub.pem"
    pki.make_key(key)
    pki.openssl("pkey", "-in", key, "-pubout", "-out", public)
    return key, public


def ident(public):
    key = serialization.load_pem_public_key(public.read_bytes())
    return formats.thumbprint(key).hex()


# Flags


def test_bare_catalog_key_is_revoked_by_root_only(made):
    root = newest(made)
    assert root.roles[CATALOG][2][0].get(4) is True
    assert 4 not in root.roles[AUTHOR][2][0]
    assert all(4 not in entry for entry in root.roles[ROOT][2])
    assert "only by a new root" in made.run("show", made.root()).stdout


def test_rotated_catalog_key_is_too(fresh):
    fresh.run("root", "rotate", "--role", "catalog")
    assert newest(fresh).roles[CATALOG][2][0].get(4) is True


def test_set_root_only_marks_one_key_and_evidence_takes_it_back(fresh):
    author = x509.load_der_x509_certificate(
        newest(fresh).roles[AUTHOR][2][0][2])
    kid = formats.thumbprint(author.public_key()).hex()
    fresh.run("root", "set", "--root-only", kid[:12])
    assert newest(fresh).roles[AUTHOR][2][0].get(4) is True
    fresh.run("root", "set", "--evidence", kid[:12])
    assert 4 not in newest(fresh).roles[AUTHOR][2][0]
    follow(fresh)


# Hosts, grace, thresholds


def test_set_hosts_and_offline_grace(fresh):
    fresh.run("root", "set", "--host", "crl.acme.example", "--host",
              "127.0.0.1:8080", "--offline-grace", "36h")
    root = newest(fresh)
    assert root.data[8] == ["crl.acme.example", "127.0.0.1:8080"]
    assert root.data[9] == 36 * 3600
    shown = fresh.run("show", fresh.root(2)).stdout
    assert "evidence host       crl.acme.example" in shown
    assert "offline grace     129600 s" in shown
    fresh.run("root", "renew")
    assert newest(fresh).data[8] == root.data[8]
    fresh.run("root", "set", "--no-hosts", "--offline-grace", "0s")
    assert 8 not in newest(fresh).data and 9 not in newest(fresh).data


SET_REFUSALS = {
    "host with a scheme": ["--host", "http://x.example"],
    "host in capitals": ["--host", "X.example"],
    "empty host": ["--host", ""],
    "both": ["--host", "a", "--no-hosts"],
    "threshold too high": ["--threshold", "catalog=2"],
    "threshold zero": ["--threshold", "root=0"],
    "threshold of no role": ["--threshold", "boss=1"],
    "threshold of an absent role": ["--threshold", "operator=1"],
    "threshold without number": ["--threshold", "root"],
    "unknown key": ["--root-only", "0123456789ab"],
    "short id": ["--root-only", "0123"],
    "every key": ["--root-only", ""],
}


@pytest.mark.parametrize("name", SET_REFUSALS)
def test_set_refuses(fresh, name):
    fresh.run("root", "set", *SET_REFUSALS[name], check=1)
    assert not fresh.root(2).exists()


def test_thresholds_change_with_the_root(fresh):
    fresh.run("root", "set", "--threshold", "root=3")
    fresh.run("root", "set", "--threshold", "root=1")
    assert [root.roles[ROOT][0] for root in follow(fresh)] == [2, 3, 1]


# Keys that come and go


def test_catalog_with_two_keys_and_threshold_two(fresh):
    fresh.run("root", "add", "--role", "catalog", "--threshold", "2")
    root = newest(fresh)
    assert root.roles[CATALOG][0] == 2 and len(root.roles[CATALOG][1]) == 2
    message = cbor2.loads(fresh.catalog.read_bytes())
    assert message.tag == 98 and len(message.value[3]) == 2
    (fresh.folder / "keys/catalog/2.key.pem").rename(
        fresh.folder / "elsewhere.pem")
    out = fresh.run("catalog", check=1)
    assert "trust-catalog-threshold" in out.stderr
    fresh.run("catalog", "--key", fresh.folder / "keys/catalog/key.pem",
              "--key", fresh.folder / "elsewhere.pem")


def test_compromised_catalog_key_is_removed(fresh):
    stolen = fresh.folder / "stolen.pem"
    shutil.copy2(fresh.folder / "keys/catalog/key.pem", stolen)
    before = fresh.catalog.read_bytes()
    fresh.run("root", "rotate", "--role", "catalog")
    out = fresh.run("catalog", "--key", stolen, check=1)
    assert "is not in the catalog role" in out.stderr
    code, answer = fresh.verify(
        "--revocation", "off", "--root", fresh.root(2), "--catalog",
        write(fresh, before), fresh.envelope(fresh.first))
    assert code == 1 and answer["code"] == "trust-catalog-threshold"


def write(p, data):
    path = p.folder.parent / "file"
    path.write_bytes(data)
    return path


def test_root_key_is_added_and_removed(fresh, tmp_path):
    _, public = key_pair(tmp_path, "new")
    fresh.run("root", "add", "--role", "root", "--public", public)
    assert len(newest(fresh).roles[ROOT][1]) == 4
    fresh.run("root", "remove", "--role", "root", "--id",
              ident(public)[:16])
    roots = follow(fresh)
    assert roots[2].data[6] == roots[0].data[6]


REMOVE_REFUSALS = {
    "last catalog key": (["--role", "catalog"], "needs a key"),
    "role that is not there": (["--role", "operator"], "has no role"),
    "no role": ([], "must be root, catalog"),
    "unknown role": (["--role", "boss"], "must be root, catalog"),
    "one of several": (["--role", "root"], "8 digits"),
    "unknown id": (["--role", "root", "--id", "00112233"], "no such key"),
}


@pytest.mark.parametrize("name", REMOVE_REFUSALS)
def test_remove_refuses(fresh, name):
    args, want = REMOVE_REFUSALS[name]
    out = fresh.run("root", "remove", *args, check=1)
    assert want in out.stderr and not fresh.root(2).exists()


def test_remove_below_the_threshold_is_refused(fresh):
    root = newest(fresh)
    for key in root.roles[ROOT][1][:1]:
        kid = formats.thumbprint(key).hex()
        fresh.run("root", "set", "--threshold", "root=3")
        out = fresh.run("root", "remove", "--role", "root", "--id", kid,
                        check=1)
        assert "is above the 2 keys" in out.stderr
        fresh.run("root", "remove", "--role", "root", "--id", kid,
                  "--threshold", "2")
    assert len(newest(fresh).roles[ROOT][1]) == 2


def test_operator_and_regulator_come_and_go(fresh, tmp_path):
    _, operator = key_pair(tmp_path, "operator")
    fresh.run("pki", "author", "--out", tmp_path / "reg")
    fresh.run("root", "add", "--role", "regulator", "--anchor",
              tmp_path / "reg/author-ca/cert.pem", "--class", "sensor")
    fresh.run("root", "add", "--role", "operator", "--public", operator,
              "--root-only")
    root = newest(fresh)
    assert list(root.data[6]) == [1, 2, 3, 4, 5]
    vendor = uuid.uuid5(uuid.NAMESPACE_DNS, "acme.example").bytes
    assert root.roles[OPERATOR][2][0][3] == [{1: vendor}]
    assert root.roles[OPERATOR][2][0][4] is True
    assert root.roles[REGULATOR][2][0][3] == [
        {1: vendor, 2: uuid.UUID(fresh.class_id).bytes}]
    assert 2 in root.roles[REGULATOR][2][0]
    assert "role operator (4), 1 of 1" in fresh.run(
        "show", fresh.root(3)).stdout
    fresh.run("root", "remove", "--role", "operator")
    assert list(newest(fresh).data[6]) == [1, 2, 3, 5]
    follow(fresh)


def test_one_key_in_two_roles_is_refused(fresh, tmp_path):
    _, public = key_pair(tmp_path, "both")
    fresh.run("root", "add", "--role", "operator", "--public", public)
    out = fresh.run("root", "add", "--role", "regulator", "--public", public,
                    check=1)
    assert "trust-root-key-twice" in out.stderr
    assert not fresh.root(3).exists()


ADD_REFUSALS = {
    "author without key": (["--role", "author"], "needs --anchor"),
    "both": (["--role", "author", "--anchor", "a", "--public", "b"],
             "exclude"),
    "certificate for root": (["--role", "root", "--anchor", "a"],
                             "not for the role root"),
    "class for catalog": (["--role", "catalog", "--class", "sensor"],
                          "not for the role catalog"),
    "threshold too high": (["--role", "catalog", "--threshold", "3"],
                           "above the 2 keys"),
}


@pytest.mark.parametrize("name", ADD_REFUSALS)
def test_add_refuses(fresh, name):
    args, want = ADD_REFUSALS[name]
    out = fresh.run("root", "add", *args, check=1)
    assert want in out.stderr and not fresh.root(2).exists()


def test_several_versions_at_once(fresh):
    for _ in range(5):
        fresh.run("root", "renew", "--no-catalog")
    fresh.run("root", "rotate", "--role", "catalog", "--no-catalog")
    fresh.run("root", "renew", "--new-epoch", "--no-catalog")
    assert catalog(fresh)[5] == 1
    fresh.run("catalog")
    assert len(follow(fresh)) == 8
    assert catalog(fresh)[5] == 8 and catalog(fresh)[6] == 1


def test_drafts_of_add_collect_signatures(fresh, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    for name in ("2.key.pem", "3.key.pem"):
        (fresh.folder / "keys/root" / name).rename(away / name)
    fresh.run("root", "add", "--role", "catalog", check=1)
    draft = fresh.folder / "root-2.draft.cose"
    assert "role catalog (2), 1 of 2" in fresh.run("show", draft).stdout
    fresh.run("root", "sign", draft, "--key", away / "2.key.pem")
    assert len(newest(fresh).roles[CATALOG][1]) == 2


def test_second_draft_does_not_write_over_the_first(fresh, tmp_path):
    away = tmp_path / "2.key.pem"
    (fresh.folder / "keys/root/2.key.pem").rename(away)
    (fresh.folder / "keys/root/3.key.pem").unlink()
    fresh.run("root", "add", "--role", "catalog", check=1)
    draft = fresh.folder / "root-2.draft.cose"
    before = draft.read_bytes()
    out = fresh.run("root", "set", "--offline-grace", "24h", check=1)
    assert "is there already, of another change" in out.stderr
    assert draft.read_bytes() == before
    fresh.run("root", "sign", draft, "--key", away)


# The next catalog key: between its making and a root that lists it


def test_rotation_that_failed_does_not_spoil_the_next_root(fresh, tmp_path):
    keys = fresh.folder / "keys/root"
    keys.rename(tmp_path / "away")
    keys.mkdir()
    fresh.run("root", "rotate", "--role", "catalog", check=2)
    key = fresh.folder / "keys/catalog/key.pem"
    before = key.read_bytes()
    keys.rmdir()
    (tmp_path / "away").rename(keys)
    fresh.run("root", "renew")
    assert key.read_bytes() == before
    coming = (key.parent / "next.pem").read_bytes()
    out = fresh.run("root", "rotate", "--role", "catalog")
    assert "next.pem, made before" in out.stdout
    assert key.read_bytes() == coming
    assert not (key.parent / "next.pem").exists()
    fresh.run("catalog")


def test_rotated_key_that_was_made_before_has_its_kind(fresh):
    key, _ = key_pair(fresh.folder / "keys/catalog", "made")
    key.chmod(0o600)
    key.rename(fresh.folder / "keys/catalog/next.pem")
    out = fresh.run("root", "rotate", "--role", "catalog", "--kind", "p384",
                    check=1)
    assert "go without --kind" in out.stderr


@pytest.mark.parametrize("cut", ["before", "between"])
def test_catalog_finishes_a_rotation_that_was_cut_short(fresh, cut):
    keys = fresh.folder / "keys/catalog"
    old = (keys / "key.pem").read_bytes()
    fresh.run("root", "rotate", "--role", "catalog", "--no-catalog")
    new = (keys / "key.pem").read_bytes()
    (keys / "key.pem").rename(keys / "next.pem")
    kept = keys / "until-root-2.pem"
    assert kept.read_bytes() == old
    if cut == "before":
        kept.rename(keys / "key.pem")
    fresh.run("catalog")
    assert (keys / "key.pem").read_bytes() == new
    assert kept.read_bytes() == old


def test_rotation_signed_elsewhere_is_followed_by_the_catalog(
        fresh, build_dir, tmp_path):
    away = tmp_path / "away"
    shutil.copytree(fresh.folder, away, copy_function=shutil.copy2)
    for name in ("2.key.pem", "3.key.pem"):
        (fresh.folder / "keys/root" / name).unlink()
    fresh.run("root", "rotate", "--role", "catalog", check=1)
    fresh.run("catalog")
    draft = fresh.folder / "root-2.draft.cose"
    there = Publisher(build_dir, away)
    there.run("root", "sign", draft, "--key", away / "keys/root/2.key.pem",
              "--no-catalog")
    shutil.copy(there.root(2), fresh.root(2))
    fresh.run("catalog")
    assert not (fresh.folder / "keys/catalog/next.pem").exists()


# Transfer of authority


@pytest.fixture
def heir(build_dir, tmp_path):
    return Publisher(build_dir, tmp_path / "heir").init("Heir")


def test_transfer_names_the_heir_and_drops_the_releases(fresh, heir):
    other = fresh.add_class("lamp")
    fresh.release("lamp", b"lamp", "--version", "1")
    out = fresh.run("root", "transfer", "--class", "sensor", "--heir",
                    heir.root())
    assert "root 2 is published" in out.stdout
    root = newest(fresh)
    assert root.data[7] == [{
        1: [uuid.UUID(fresh.class_id).bytes],
        2: hashlib.sha256(heir.root().read_bytes()).digest()}]
    assert [entry[2] for entry in catalog(fresh)[7]] == [
        uuid.UUID(other).bytes]
    shown = fresh.run("show", fresh.root(2)).stdout
    assert root.data[7][0][2].hex() in shown and fresh.class_id in shown
    fresh.run("root", "renew")
    assert newest(fresh).data[7] == root.data[7]
    code, answer = fresh.verify(
        "--revocation", "off", "--root", fresh.root(2), "--class-id",
        fresh.class_id, fresh.envelope(fresh.first))
    assert code == 1
    assert answer["code"] == "trust-offer-transferred"


def test_transfer_of_a_second_class_to_the_same_heir(fresh, heir):
    lamp = fresh.add_class("lamp")
    fresh.run("root", "transfer", "--class", fresh.class_id, "--heir",
              heir.root())
    fresh.run("root", "transfer", "--class", lamp, "--heir", heir.root())
    transfer, = newest(fresh).data[7]
    assert transfer[1] == [uuid.UUID(fresh.class_id).bytes,
                           uuid.UUID(lamp).bytes]


def test_transfer_is_undone_class_by_class(fresh, heir):
    lamp = fresh.add_class("lamp")
    fresh.run("root", "transfer", "--class", "sensor", "--class", "lamp",
              "--heir", heir.root())
    assert not catalog(fresh)[7]
    fresh.run("root", "transfer", "--class", "sensor", "--undo")
    transfer, = newest(fresh).data[7]
    assert transfer[1] == [uuid.UUID(lamp).bytes]
    assert [entry[2] for entry in catalog(fresh)[7]] == [
        uuid.UUID(fresh.class_id).bytes]
    out = fresh.run("root", "transfer", "--class", "sensor", "--undo",
                    check=1)
    assert "handed to nobody" in out.stderr
    fresh.run("root", "transfer", "--class", "lamp", "--undo")
    assert 7 not in newest(fresh).data
    follow(fresh)


def test_transfer_refuses(fresh, heir, tmp_path):
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk")
    for args in (["--class", "sensor"], ["--heir", heir.root()], ["--undo"],
                 ["--class", "sensor", "--undo"],
                 ["--class", "sensor", "--heir", heir.root(), "--undo"],
                 ["--class", "sensor", "--heir", junk],
                 ["--class", "sensor", "--heir", fresh.root()]):
        fresh.run("root", "transfer", *args, check=1)
    fresh.run("root", "transfer", "--class", "nothing", "--heir",
              heir.root(), check=2)
    assert not fresh.root(2).exists()
    fresh.run("root", "transfer", "--class", "sensor", "--heir", heir.root())
    out = fresh.run("root", "transfer", "--class", "sensor", "--heir",
                    heir.root(), check=1)
    assert "only the heir can hand it on or back" in out.stderr


# What the catalog ships


def shipped(p):
    """Kind and content of what the catalog lists."""
    files = []
    for one in catalog(p).get(8, []):
        data = (p.www / "r" / one[2].hex()).read_bytes()
        assert len(data) == one[3]
        assert hashlib.sha256(data).digest() == one[2]
        files.append((one[1], data))
    return files


def test_catalog_ships_the_crls_of_its_cas(made):
    (kind, data), = shipped(made)
    assert kind == 1
    crl = x509.load_der_x509_crl(data)
    assert crl.issuer.rfc4514_string().count("author CA") == 1
    assert "evidence CRL" in made.run("show", made.catalog).stdout


def test_next_crl_takes_the_place_of_the_one_before(fresh):
    before = shipped(fresh)
    fresh.run("pki", "crl")
    fresh.run("catalog")
    after = shipped(fresh)
    assert len(after) == 1 and after != before


def test_evidence_of_others_is_shipped_until_it_runs_out(fresh, tmp_path):
    fresh.run("pki", "tls", "--out", tmp_path / "tls", "--server", "x")
    fresh.run("pki", "crl", "--ca", tmp_path / "tls", "--out", tmp_path)
    path, = tmp_path.glob("*.crl")
    pem = tmp_path / "crl.pem"
    pki.openssl("crl", "-inform", "DER", "-in", path, "-out", pem)
    fresh.run("catalog", "--evidence", pem)
    assert (1, path.read_bytes()) in shipped(fresh)
    fresh.release("sensor", b"second", "--version", "2")
    assert len(shipped(fresh)) == 2
    fresh.run("pki", "crl", "--ca", tmp_path / "tls", "--out", tmp_path,
              "--expires", "20d")
    fresh.run("catalog", "--evidence", path)
    assert len(shipped(fresh)) == 2
    assert (1, path.read_bytes()) in shipped(fresh)


def test_evidence_that_is_none_is_refused(fresh, tmp_path):
    before = fresh.catalog.read_bytes()
    for data in (b"", b"junk", fresh.root().read_bytes(),
                 (fresh.folder / "keys/author/chain.pem").read_bytes()):
        junk = tmp_path / "junk"
        junk.write_bytes(data)
        fresh.run("catalog", "--evidence", junk, check=1)
    assert fresh.catalog.read_bytes() == before
    fresh.run("catalog")


def test_catalog_is_refused_when_its_evidence_ends_first(fresh):
    fresh.run("pki", "crl", "--expires", "3d")
    before = fresh.catalog.read_bytes()
    out = fresh.run("catalog", check=1)
    assert "before the catalog" in out.stderr
    assert fresh.catalog.read_bytes() == before
    fresh.run("catalog", "--short-evidence")
    fresh.run("catalog", "--expires", "2d")


def test_catalog_is_refused_when_a_signer_is_revoked(fresh):
    before = fresh.catalog.read_bytes()
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem",
              "--reason", "key-compromise")
    out = fresh.run("catalog", check=1)
    assert "trust-revoked" in out.stderr
    assert fresh.catalog.read_bytes() == before
    fresh.run("withdraw", fresh.first["manifest_digest"])
    assert catalog(fresh)[7][0][17] is True
    crl = x509.load_der_x509_crl(shipped(fresh)[0][1])
    assert len(list(crl)) == 1


def test_catalog_without_evidence_warns(fresh):
    for path in (fresh.www / "crl").iterdir():
        path.unlink()
    out = fresh.run("catalog")
    assert "gateways that require it refuse" in out.stderr
    assert 8 not in catalog(fresh)


def test_forged_crl_in_the_folder_is_noticed(fresh):
    path, = (fresh.www / "crl").iterdir()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    out = fresh.run("catalog", check=1)
    assert "trust-crl-signature" in out.stderr


def test_quirks_stay_until_they_are_taken_away(fresh, tmp_path):
    quirks = tmp_path / "quirks"
    quirks.write_bytes(b"\xa1\x01\x02")
    fresh.run("catalog", "--quirks", quirks)
    assert catalog(fresh)[9] == quirks.read_bytes()
    fresh.release("sensor", b"second", "--version", "2")
    assert catalog(fresh)[9] == quirks.read_bytes()
    assert "quirks" in fresh.run("show", fresh.catalog).stdout
    fresh.run("catalog", "--no-quirks")
    assert 9 not in catalog(fresh)
    quirks.write_bytes(b"")
    fresh.run("catalog", "--quirks", quirks, check=1)
    fresh.run("catalog", "--quirks", quirks, "--no-quirks", check=1)


def test_end_of_support_of_the_class(fresh):
    conf = fresh.folder / "classes/sensor.conf"
    conf.write_text(conf.read_text() + 'end_of_support = "2034-05-06";\n')
    fresh.release("sensor", b"second", "--version", "2", "--end-of-support",
                  "2031-01-01")
    ends = [entry.get(14) for entry in catalog(fresh)[7]]
    assert ends == [2030486400, 1924992000]
    conf.write_text(conf.read_text().replace("2034-05-06", "soon"))
    out = fresh.run("catalog", check=1)
    assert f"{conf}: end_of_support: line" in out.stderr


def test_class_add_with_end_of_support(fresh):
    fresh.add_class("lamp", "--end-of-support", "2034-05-06")
    fresh.release("lamp", b"lamp", "--version", "1")
    assert [entry[14] for entry in catalog(fresh)[7] if 14 in entry] == [
        2030486400]
