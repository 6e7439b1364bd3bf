"""Starts one version of the service: ``app.py --version 1 --port 8081 --db PATH``."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

import uvicorn
from api import VERSIONS, Api
from store import Store

HOST = "127.0.0.1"
# Longer than the front keeps an idle connection to us, so that it is never the one to find it closed.
KEEP_ALIVE_S = 75
END_LIMIT_S = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="app.py")
    parser.add_argument("--version", required=True, choices=sorted(VERSIONS))
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--db", required=True, type=Path)
    parser.add_argument("--also-on", action="append", default=[], help="one more address to listen on")
    parser.add_argument("--await-go", action="store_true", help="serve only after a line on standard input")
    arguments = parser.parse_args()
    # Whoever started us writes down our process id first. If it dies before that, we end too: no orphan serves.
    if arguments.await_go and not sys.stdin.readline():
        return 1
    api = Api(VERSIONS[arguments.version], Store(arguments.db))
    config = uvicorn.Config(
        api.application(),
        host=HOST,
        port=arguments.port,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=END_LIMIT_S,
    )
    addresses = [HOST, *arguments.also_on]
    uvicorn.Server(config).run(sockets=[listener(address, arguments.port) for address in addresses])
    return 0


def listener(address: str, port: int) -> socket.socket:
    """A listening socket whose connections send at once.

    asyncio sees to that only where a socket's protocol number is given (``base_events._set_nodelay``); here it is 0,
    and the second segment of every answer would wait the 40 ms of the front's delayed acknowledgement.
    """
    listening = socket.create_server((address, port), backlog=2048)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits it
    return listening


if __name__ == "__main__":
    sys.exit(main())
