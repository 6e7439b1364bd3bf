"""The cookies of one client."""

from __future__ import annotations

import pytest

from harness.host.cookies import Cookies


def test_what_was_given_is_sent_back() -> None:
    cookies = Cookies().with_(["session=a=b; Path=/; HttpOnly", "csrf=x"]).with_(["csrf=y; SameSite=Lax"])
    assert cookies.header == "session=a=b; csrf=y"


@pytest.mark.parametrize("over", ["session=; Path=/", "session=gone; Max-Age=0", "session=gone; max-age = 0"])
def test_one_that_has_run_out_is_taken_back(over: str) -> None:
    given = Cookies().with_(["session=a"])
    cookies = given.with_([over])
    assert (cookies, cookies.header) == ({}, "")
    assert given.header == "session=a"
