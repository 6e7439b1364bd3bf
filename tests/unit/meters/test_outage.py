"""Which requests of a load the prober sends: those it can send, to the paths the load sends them to."""

from __future__ import annotations

from harness.config.schema import RequestTemplate
from harness.host.endpoint import Endpoint
from harness.load.config import LoadConfig
from harness.meters.outage import prober_config

READ = RequestTemplate("read", "read", 1, "GET", "/r")
CREATE = RequestTemplate("create", "write", 1, "POST", "/c", '{"token": "{token}"}')
PATCH = RequestTemplate("patch", "write", 1, "PATCH", "/c/{known}", '{"token": "{token}"}')


def load(url: str, *requests: RequestTemplate) -> LoadConfig:
    return LoadConfig(Endpoint(url), 1000, 3, (0.1, 0.2), 20, 0, requests, 1, "s", "l", "status")


def test_the_path_of_the_service_url_comes_before_the_paths_of_the_probes() -> None:
    config = prober_config(load("http://127.0.0.1:8080/shop/", READ, CREATE))
    assert config.write
    assert (config.read.path, config.write.path) == ("/shop/r", "/shop/c")
    plain = prober_config(load("http://127.0.0.1:8080", READ))
    assert plain.read.path == "/r" and plain.write is None


def test_a_write_of_a_known_token_that_comes_first_does_not_leave_the_write_channel_unprobed() -> None:
    config = prober_config(load("http://h", PATCH, READ, CREATE))
    assert config.write and config.write.name == "create"
    assert config.channels == ("read_fresh", "read_reused", "write")
