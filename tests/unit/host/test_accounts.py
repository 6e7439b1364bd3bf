"""Programs as another user: who it is, that it really is, and who cannot become it."""

from __future__ import annotations

import os
import pwd

import pytest

from harness.errors import ExitCode, HarnessError
from harness.host.accounts import account

IDS = ["sh", "-c", "id -u; id -g; id -G"]


def test_ourselves_need_no_change() -> None:
    assert account(pwd.getpwuid(os.geteuid()).pw_name) is None


def test_a_user_that_does_not_exist_is_a_usage_error() -> None:
    with pytest.raises(HarnessError) as caught:
        account("nobody-of-that-name")
    assert (caught.value.code, caught.value.why) == (ExitCode.USAGE, "there is no such user here")
