"""What `ss` says, read; and asked of the kernel itself."""

from __future__ import annotations

from harness.links.sockets import parse

CUT = (
    "ESTAB    0      95568  198.18.1.1:34264 198.18.1.2:8666 bbr rto:408 backoff:1 rtt:0.045/0.026 mss:1448 "
    "pmtu:1500 rcvmss:536 advmss:1448 bytes_sent:28168 bytes_acked:5001 segs_out:22 segs_in:2 "
    "bbr:(bw:5148444136bps,mrtt:0.009) send 257422222bps lastsnd:284 lastrcv:608 lastack:608 app_limited busy:504ms "
    "unacked:15 retrans:1/1 lost:15 rcv_space:14480 rcv_ssthresh:64088 notsent:73848 minrtt:0.009 snd_wnd:75776"
)
CONNECTING = (
    "SYN-SENT 0      1      198.18.1.1:34266 198.18.1.2:8666 bbr rto:1000 mss:524 cwnd:10 segs_out:1 unacked:1   "
)


def test_a_socket_in_a_partition_holds_what_nobody_acknowledged() -> None:
    state = parse(CUT)
    assert (state.local, state.peer) == ("198.18.1.1:34264", "198.18.1.2:8666")
    assert state.open and not state.connecting
    assert (state.queued, state.unacked, state.not_sent, state.acked) == (95568, 15, 73848, 5001)
    assert (state.received, state.retransmits, state.silent_ms) == (0, 1, 608)


def test_a_connect_that_gets_no_answer_is_told_from_a_connection() -> None:
    state = parse(CONNECTING)
    assert state.connecting and not state.open
    assert (state.queued, state.unacked, state.acked) == (1, 1, 0)
