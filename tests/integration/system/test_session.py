"""A client logs in, stays in, and logs in again: by forms, cookies and tokens."""

from __future__ import annotations

import pytest

from harness.config.schema import LoginStep
from harness.host.clock import mono_ns, sleep
from harness.host.endpoint import Endpoint
from harness.system import http
from harness.system.session import Login, LoginRefused, Session
from tests.integration.club import ACCOUNTS, STEPS, Club, open_club

DEADLINE_S = 10.0
LOGIN = Login(STEPS, ACCOUNTS, headers={"Authorization": "Bearer {access}"}, cookies=True)


def asked(session: Session, port: int) -> http.Answer:
    return http.ask(Endpoint(f"http://127.0.0.1:{port}"), "GET", "/r", DEADLINE_S, headers=session.headers())


def test_what_the_login_takes_goes_with_every_request() -> None:
    club = Club()
    with open_club(club) as port:
        session = Session(Endpoint(f"http://127.0.0.1:{port}"), LOGIN, number=1)
        session.ensure(DEADLINE_S)
        session.ensure(DEADLINE_S)
        assert asked(session, port).ok
    assert [name for name, _ in club.logins] == ["bob"]
    assert dict(session.variables)["access"] == club.logins[0][1]
    assert "password" not in session.variables


@pytest.mark.parametrize("refuses", [401, 403, 302])
def test_a_session_that_is_over_is_renewed_once_for_all_that_were_refused(refuses: int) -> None:
    club = Club(lasts=1, refuses=refuses)
    with open_club(club) as port:
        session = Session(Endpoint(f"http://127.0.0.1:{port}"), LOGIN)
        session.ensure(DEADLINE_S)
        since_ns = mono_ns()
        assert asked(session, port).ok
        answer = asked(session, port)
        assert session.refused(answer.status, answer.headers.get("location", ""))
        session.renew(since_ns, DEADLINE_S)
        session.renew(since_ns, DEADLINE_S)  # another one that was refused before that
        assert asked(session, port).ok
    assert len(club.logins) == 2


def test_a_redirect_elsewhere_does_not_end_a_session() -> None:
    session = Session(Endpoint("http://127.0.0.1:1"), LOGIN)
    assert not session.refused(302, "/items/7")
    assert not Session(Endpoint("http://127.0.0.1:1"), Login()).refused(401, "")


def test_only_where_a_login_is_sent_leads_a_session_that_is_over() -> None:
    """Its first page may be one that much else leads to, as a home page that gives a token."""
    steps = (LoginStep("/", "GET", from_cookies={"csrf": "csrf"}), LoginStep("/enter?next=/", "POST"))
    session = Session(Endpoint("http://127.0.0.1:1/shop"), Login(steps))
    assert session.refused(302, "/shop/enter?next=/items")
    assert not session.refused(302, "/shop/")
    only_page = Session(Endpoint("http://127.0.0.1:1"), Login(steps[:1]))
    assert only_page.refused(302, "/")


@pytest.mark.parametrize("status", [400, 422])
def test_what_may_mean_that_a_session_is_over_does_not_mean_so_of_one_that_has_just_begun(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a form is refused whose token is of a session that a restart dropped."""
    with open_club(Club()) as port:
        session = Session(Endpoint(f"http://127.0.0.1:{port}"), LOGIN)
        session.ensure(DEADLINE_S)
        assert not session.refused(status, "")
        monkeypatch.setattr("harness.system.session._NOT_AGAIN_NS", 0)
        assert session.refused(status, "")


@pytest.mark.parametrize("status", [400, 422])
def test_a_login_without_a_form_is_not_over_by_an_answer_that_forms_get(status: int) -> None:
    """A bad request of a client with a token is a bad request: asked again by a new session, it might go unseen."""
    token = Login((LoginStep("/login", "POST", pointers={"access": "/access"}),))
    session = Session(Endpoint("http://127.0.0.1:1"), token)
    assert not session.refused(status, "")
    assert session.refused(401, "")


def test_the_page_with_the_form_of_a_login_is_a_door_too() -> None:
    steps = (LoginStep("/session/new", "GET", from_cookies={"csrf": "csrf"}), LoginStep("/session", "POST"))
    session = Session(Endpoint("http://127.0.0.1:1"), Login(steps))
    assert session.refused(302, "http://127.0.0.1:1/session/new")


def test_a_cookie_of_a_session_that_is_over_does_not_come_back_with_a_late_answer() -> None:
    club = Club()
    with open_club(club) as port:
        session = Session(Endpoint(f"http://127.0.0.1:{port}"), LOGIN)
        sent_ns = mono_ns()
        session.ensure(DEADLINE_S)
        mine = session.cookies["session"]
        session.take(["session=of-before"], sent_ns)
        assert session.cookies["session"] == mine
        session.take(["session=rotated"], mono_ns())
        assert session.cookies["session"] == "rotated"


def test_a_session_is_renewed_after_its_time() -> None:
    club = Club()
    login = Login(STEPS, ACCOUNTS, renew_s=0.05, headers=LOGIN.headers, cookies=True)
    with open_club(club) as port:
        session = Session(Endpoint(f"http://127.0.0.1:{port}"), login)
        session.ensure(DEADLINE_S)
        sleep(0.1)
        session.ensure(DEADLINE_S)
    assert len(club.logins) == 2


def test_a_login_that_is_refused_or_tells_too_little_says_so() -> None:
    with open_club(Club()) as port:
        endpoint = Endpoint(f"http://127.0.0.1:{port}")
        with pytest.raises(LoginRefused, match=r"the login at /login was answered with HTTP 403$") as refused:
            Session(endpoint, Login(STEPS, ({"name": "ann", "password": "x"},))).ensure(DEADLINE_S)
        assert refused.value.status == 403
        silent = LoginStep("/login", "GET", from_headers={"access": "X-Token"})
        with pytest.raises(LoginRefused, match="without access"):
            Session(endpoint, Login((silent,))).ensure(DEADLINE_S)
