"""Load and prober talk to a service as the harness itself does: by the same address, with the same headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.config.schema import RequestTemplate
from harness.host.clock import Deadline, wait_until
from harness.host.endpoint import Endpoint, Tls
from harness.load.config import LoadConfig
from harness.load.driver import LoadDriver
from harness.load.request_tracker import BadAnswer
from harness.meters.outage import Prober, prober_config
from harness.system.session import Login
from tests.integration.answers import Certificates, Manners, answering, certificates
from tests.integration.club import ACCOUNTS, STEPS, Club, open_club

READ = RequestTemplate("look", "read", 1, "GET", "/r", expect_body='"ok": true')


@dataclass
class Senders:
    """Both, once each had 20 requests ended."""

    load: LoadDriver
    prober: Prober
    load_bad: tuple[BadAnswer, ...]
    probe_bad: tuple[BadAnswer, ...]


Send = Callable[..., Senders]
# As requests may end beside other work, whatever is answered.
LATE = {"timeout", "unfinished"}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def send(tmp_path: Path) -> Iterator[Send]:
    started: list[LoadDriver | Prober] = []

    def _send(endpoint: Endpoint, **changes: object) -> Senders:
        folders = {name: tmp_path / name for name in ("samples", "ledger")}
        for folder in folders.values():
            folder.mkdir()
        plain = LoadConfig(
            endpoint=endpoint,
            deadline_ms=2000,
            users=2,
            think_s=(0.01, 0.02),
            write_rate=0,
            arrival_rate=0,
            requests=(READ,),
            seed=1,
            samples_dir=str(folders["samples"]),
            ledger_dir=str(folders["ledger"]),
            status_path=str(tmp_path / "status.jsonl"),
        )
        config = replace(plain, **changes)  # type: ignore[arg-type]
        load, prober = LoadDriver(tmp_path), Prober(prober_config(config), tmp_path)
        started.extend((load, prober))
        load.configure(config)
        prober.start(30)
        load.start()
        ended = lambda: load.progress().ok + load.progress().bad > 20  # noqa: E731
        assert wait_until(ended, Deadline(60, "20 requests of the load"))
        wait_until(lambda: not prober.unanswered(), Deadline(3, "good probes"))
        probed, _ = prober.stop(), load.stop()
        assert probed.clean, probed.why
        return Senders(load, prober, load.progress().bad_answers, probed.bad_answers)

    yield _send
    for sender in started:
        sender.stop(1.0)


@pytest.mark.parametrize(
    "manners",
    [Manners(encoding="gzip"), Manners(hints=True, chunked=True), Manners(version="HTTP/1.0")],
    ids=["gzip for everybody", "103 before each, in chunks", "HTTP/1.0"],
)
def test_good_answers_are_good_however_they_are_given(send: Send, manners: Manners) -> None:
    with answering(manners) as port:
        sent = send(Endpoint(f"http://127.0.0.1:{port}", {"Host": "shop.example", "X-Forwarded-Proto": "https"}))
    assert (sent.load_bad, sent.probe_bad, sent.prober.unanswered()) == ((), (), [])
    for asked in manners.asked:
        assert (asked.headers["host"], asked.headers["x-forwarded-proto"]) == ("shop.example", "https")


def test_a_unix_socket_is_loaded_and_probed(send: Send, tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    with answering(Manners(), path):
        sent = send(Endpoint(f"unix:{path}"))
    assert (sent.load_bad, sent.probe_bad, sent.prober.unanswered()) == ((), (), [])


def test_https_is_loaded_and_probed_with_both_certificates(send: Send, signed: Certificates) -> None:
    with answering(Manners(), tls=signed.context(clients=True)) as port:
        sent = send(Endpoint(f"https://localhost:{port}", tls=Tls(str(signed.ca), str(signed.client))))
    assert (sent.load_bad, sent.probe_bad, sent.prober.unanswered()) == ((), (), [])


@pytest.mark.parametrize("listens", ["127.0.0.1", "::1"])
def test_every_address_of_localhost_is_tried(send: Send, listens: str) -> None:
    with answering(Manners(), (listens, 0)) as port:
        sent = send(Endpoint(f"http://localhost:{port}"))
    assert (sent.load_bad, sent.probe_bad, sent.prober.unanswered()) == ((), (), [])


@pytest.mark.parametrize("cookies", [False, True])
def test_cookies_are_kept_only_if_that_is_asked_for(send: Send, cookies: bool) -> None:
    manners = Manners(cookie="session=17")
    with answering(manners) as port:
        send(Endpoint(f"http://127.0.0.1:{port}"), login=Login(cookies=cookies))
    agents = {a.headers["user-agent"] for a in manners.asked if "session=17" in a.headers.get("cookie", "")}
    assert agents == ({"deploydrill-load", "deploydrill-probe"} if cookies else set())


def test_what_is_turned_away_is_told_in_the_words_of_the_service(send: Send) -> None:
    with answering(Manners(status=429, body=b"too many\n requests")) as port:
        sent = send(Endpoint(f"http://127.0.0.1:{port}"))
    for most, *others in (sent.load_bad, sent.probe_bad):
        assert (most.request, most.outcome, most.status, most.said) == ("look", "http_error", 429, "too many requests")
        assert most.count >= 20
        assert {b.outcome for b in others} <= LATE


def test_a_redirect_is_told_with_its_target(send: Send) -> None:
    with answering(Manners(status=302, location="/login")) as port:
        sent = send(Endpoint(f"http://127.0.0.1:{port}"))
    for most, *others in (sent.load_bad, sent.probe_bad):
        assert (most.status, most.said) == (302, "to /login")
        assert {b.outcome for b in others} <= LATE


@pytest.mark.parametrize("refuses", [401, 302])
def test_each_client_logs_in_by_an_account_of_its_own_and_again_when_it_is_refused(send: Send, refuses: int) -> None:
    club = Club(lasts=8, refuses=refuses)
    login = Login(STEPS, ACCOUNTS, headers={"Authorization": "Bearer {access}"}, cookies=True)
    with open_club(club) as port:
        sent = send(Endpoint(f"http://127.0.0.1:{port}"), login=login)
    assert (sent.load_bad, sent.probe_bad, sent.prober.unanswered()) == ((), (), [])
    assert {name for name, _ in club.logins} == {"ann", "bob"}
    assert len(club.logins) > len(ACCOUNTS), "no login lasted longer than 8 requests"
    told = sent.load.progress()
    assert told.sent_again > 0
    assert told.answered <= club.agents["deploydrill-load"] - told.sent_again <= told.started


def test_a_login_that_is_refused_is_told(send: Send) -> None:
    login = Login(STEPS, ({"name": "ann", "password": "wrong"},), headers={"Authorization": "Bearer {access}"})
    with open_club(Club()) as port:
        sent = send(Endpoint(f"http://127.0.0.1:{port}"), login=login)
    for bad in (*sent.load_bad, *sent.probe_bad):
        assert (bad.status, "the login at /login was answered with HTTP 403" in bad.said) == (403, True)


def test_how_clients_log_in_is_written_down_nowhere(send: Send, tmp_path: Path) -> None:
    login = Login(STEPS, ACCOUNTS, headers={"Authorization": "Bearer {access}"}, cookies=True)
    club = Club()
    with open_club(club) as port:
        send(Endpoint(f"http://127.0.0.1:{port}"), login=login)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    secrets = [account["password"] for account in ACCOUNTS] + list(club.tokens)
    assert secrets and not [s for s in secrets if s.encode() in written]
