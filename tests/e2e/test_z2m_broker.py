"""What a link to zigbee2mqtt says of its broker: one ferryd, a link for each way
to go wrong, and no zigbee2mqtt."""

import pytest

from ferrytest.pki import Ca
from ferrytest.site import wait_for
from ferrytest.z2m import Broker, Z2mSite, free_port


def write_links(site, broker):
    """The parameters of each link, by its name."""
    tls = f"mqtts://localhost:{broker.tls_port}"
    other = Ca.make(site.folder / "other", "other-ca")
    wrong = site.folder / "wrong"
    wrong.write_text("hub\nopen barley\n")
    wrong.chmod(0o600)
    good = broker.params()
    links = {
        "good": good,
        "wrong-password": good.replace(str(broker.credentials), str(wrong)),
        "no-certificate": broker.params(certificate=False),
        "wrong-ca": broker.params(ca=other.cert),
        "other-name": good.replace(tls, f"mqtts://127.0.0.1:{broker.tls_port}"),
        "nobody": f'url = "mqtt://127.0.0.1:{free_port()}"; ',
        "no-name": 'url = "mqtt://broker.invalid"; ',
        "plain-to-tls": f'url = "mqtt://127.0.0.1:{broker.tls_port}"; ',
    }
    for name, params in links.items():
        (site.etc / "links.d" / f"{name}.conf").write_text(
            f'delegate = "zigbee2mqtt";\nparams = {{ {params}'
            f'topic = "{name}"; hand_over = "url"; }};\n')


@pytest.fixture(scope="module")
def site(tmp_path_factory, build_dir):
    folder = tmp_path_factory.mktemp("broker")
    with Z2mSite(folder, build_dir) as one:
        one.broker = Broker(folder / "broker", secured=True)
        write_links(one, one.broker)
        one.start_ferryd()
        yield one


# State, code and a word of the text. The first has all that it needs but
# zigbee2mqtt.
LINKS = {
    "good": ("down", "delegate-away", "nothing is heard of zigbee2mqtt"),
    "wrong-password": ("down", "delegate-broker", "refused"),
    "no-certificate": ("down", "delegate-broker", "cert"),
    "wrong-ca": ("down", "delegate-broker", "certificate verify failed"),
    "other-name": ("down", "delegate-broker", "host name"),
    "nobody": ("down", "delegate-broker", "refused"),
    "no-name": ("down", "delegate-broker", ""),
    "plain-to-tls": ("down", "delegate-broker", ""),
}


@pytest.mark.parametrize("name", LINKS)
def test_link_says_what_is_wrong(site, name):
    state, code, word = LINKS[name]

    def said():
        row = site.link(name)
        failure = row["failure"]
        # A server of TLS 1.3 that refuses a client closes at once: whether its
        # alert or the end of the connection is seen first changes with each try.
        told = (row["state"] == state and failure and
                failure["code"] == code and word in failure["hint"])
        return failure if told else None

    try:
        failure = wait_for(f"{name} to be {state}", said, 60)
    except AssertionError as late:
        raise AssertionError(f"{late}: {site.link(name)}") from None
    assert failure["hint"]


def test_password_is_not_told(site):
    assert "sesame" not in site.log.read_text()
    assert "sesame" not in str(site.get("/v1/links"))
