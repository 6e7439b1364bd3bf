"""Sockets as the kernel itself counts them."""

from __future__ import annotations

import socket

from harness.links.sockets import sockets_to

CUT = (
    "ESTAB    0      95568  198.18.1.1:34264 198.18.1.2:8666 bbr rto:408 backoff:1 rtt:0.045/0.026 mss:1448 "
    "pmtu:1500 rcvmss:536 advmss:1448 bytes_sent:28168 bytes_acked:5001 segs_out:22 segs_in:2 "
    "bbr:(bw:5148444136bps,mrtt:0.009) send 257422222bps lastsnd:284 lastrcv:608 lastack:608 app_limited busy:504ms "
    "unacked:15 retrans:1/1 lost:15 rcv_space:14480 rcv_ssthresh:64088 notsent:73848 minrtt:0.009 snd_wnd:75776"
)
CONNECTING = (
    "SYN-SENT 0      1      198.18.1.1:34266 198.18.1.2:8666 bbr rto:1000 mss:524 cwnd:10 segs_out:1 unacked:1   "
)


def test_the_sockets_of_one_address_are_found_with_their_bytes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as other:
        address = "{}:{}".format(*server.getsockname())
        assert sockets_to(address) == []
        other.connect(server.getsockname())
        taken, _ = server.accept()
        with taken:
            other.sendall(b"x" * 1000)
            assert taken.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
            taken.sendall(b"y" * 10)
            assert other.recv(10) == b"y" * 10
            (state,) = sockets_to(address)
        assert state.local == "{}:{}".format(*other.getsockname())
        assert (state.acked, state.received, state.queued, state.unacked) == (1001, 10, 0, 0)
