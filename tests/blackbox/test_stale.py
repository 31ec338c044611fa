# SPDX-License-Identifier: GPL-3.0-or-later
"""Pooled connections that the back end has given up: harmless calls never notice, and no other is executed twice."""

import collections
import contextlib
import os
import pathlib
import re
import signal as signals
import socket
import ssl
import struct
import subprocess
import threading
import time

from harness import Caller, Nginx, ScriptedOrigin, Signet, answer, assert_error, backend, call, chunks, gateway, one_api, pki, request

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets


def _closes_after_first(connection, _incoming) -> bytes | None:
    """Answers the first call of each connection; the next one ends it unanswered."""
    if getattr(connection, "served", False):
        return None
    connection.served = True
    return answer()


# ---- what is sent again ------------------------------------------------------------------------------------------------------------------


def test_a_put_whose_connection_dies_is_sent_again_with_its_body():
    for body, fields in ((b"length" * 1000, {}), (b"chunks" * 5000, {"Transfer-Encoding": "chunked"})):
        sent = chunks(body) if fields else body
        with ScriptedOrigin(pki(), script=_closes_after_first) as origin, Signet(one_api(origin)) as signet:
            assert call(signet.port, "/api/first").status == 200
            assert call(signet.port, "/api/second", "PUT", fields, sent).status == 200
            assert [(each.method, each.body) for each in origin.requests[1:]] == [("PUT", body)] * 2
            assert origin.accepted == 2


def test_an_upload_goes_on_where_the_dead_connection_left_it():
    died = threading.Event()

    def script(connection, incoming):
        if connection.number == 1 and incoming.target.endswith("upload"):
            assert connection.reader.exactly(6) == b"before"
            died.set()
            return None
        connection.body = connection.reader.body(incoming)
        return answer(connection.body)

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        assert caller.call("/api/first").status == 200
        caller.send(request("/api/upload", "PUT", {"Content-Length": "12"}) + b"before")
        assert died.wait(20)
        caller.send(b" after")
        assert caller.response().body == b"before after"
        assert origin.accepted == 2


def test_a_body_beyond_the_replay_buffer_is_not_sent_again():
    with ScriptedOrigin(pki(), script=_closes_after_first) as origin:
        small = backend("api", origin.url, pki().orders) | {"replayBufferBytes": 1000}
        with Signet(gateway(small)) as signet:
            assert call(signet.port, "/api/first").status == 200
            assert_error(call(signet.port, "/api/large", "PUT", body=b"x" * 1001), 502)
            assert call(signet.port, "/api/first").status == 200
            assert call(signet.port, "/api/fits", "PUT", body=b"x" * 1000).status == 200
        assert [each.target for each in origin.requests].count("/large") == 1


def test_a_post_that_was_read_is_never_sent_again():
    def aborts(connection, incoming):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        return _closes_after_first(connection, incoming)

    for script in (_closes_after_first, aborts):
        with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
            assert call(signet.port, "/api/first").status == 200
            assert_error(call(signet.port, "/api/post", "POST", body=b"once"), 502)
            assert [each.target for each in origin.requests].count("/post") == 1


# ---- ended at rest, and in the moment of use ---------------------------------------------------------------------------------------------


def _fin(connection) -> None:
    socket.socket.shutdown(connection.socket, socket.SHUT_RDWR)


def _close_notify(connection) -> None:
    """Sends it without waiting for the other side's."""
    connection.socket.settimeout(0)
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.socket.unwrap()


def _close_notify_and_fin(connection) -> None:
    _close_notify(connection)
    _fin(connection)


def test_a_connection_that_ended_at_rest_is_not_used_again():
    for end in (_fin, _close_notify, _close_notify_and_fin):
        released = threading.Event()

        def script(connection, _incoming, end=end, released=released):
            connection.send(answer())
            end(connection)
            released.wait(20)  # the descriptor stays open: what Signet did not notice could still be sent on
            return None

        with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
            assert call(signet.port, "/api/1").status == 200
            with Caller(signet.port) as caller:  # one turn of the loop lies behind an answer
                caller.send(b"\r\n")
            assert call(signet.port, "/api/2", "POST", body=b"x").status == 200
            assert origin.accepted == 2
            released.set()
            assert signet.stop() == 0
            assert all(" attempts=1 " in line for line in signet.access_lines()), signet.log


def _stop(signet) -> None:
    """Every thread stands still: what happens now, the program sees at once, in the order in which it happened."""
    signet.signal(signals.SIGSTOP)
    tasks = pathlib.Path(f"/proc/{signet.program.process.pid}/task")
    while any(re.search(r"^State:\s+([A-Z])", (task / "status").read_text(), re.M)[1] != "T" for task in tasks.iterdir()):
        time.sleep(0.001)


def test_a_post_that_meets_the_end_of_its_connection_is_sent_again_once_on_a_fresh_one():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for end in (_fin, _close_notify_and_fin):
            asked, ended, released = threading.Event(), threading.Event(), threading.Event()

            def script(connection, _incoming, end=end, asked=asked, ended=ended, released=released):
                if connection.number == 1:
                    connection.send(answer())
                    asked.wait(20)
                    end(connection)
                    ended.set()
                    released.wait(20)
                    return None
                return answer()

            with ScriptedOrigin(pki(), script=script, version=version) as origin:
                with Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
                    assert caller.call("/api/first").status == 200
                    _stop(signet)
                    caller.send(request("/api/post", "POST", body=b"once"))
                    asked.set()
                    assert ended.wait(20)
                    signet.signal(signals.SIGCONT)
                    assert caller.response().status == 200
                    assert [each.target for each in origin.requests] == ["/first", "/post"]
                    released.set()
                    assert signet.stop() == 0
                    assert "attempts=2" in signet.access_lines()[1], f"the call did not meet the end:\n{signet.log}"


def test_a_post_that_a_back_end_takes_after_its_own_end_is_not_sent_again():
    ended, taken = threading.Event(), []

    def script(connection, incoming):
        if connection.number == 2:
            return answer()
        connection.send(answer())
        assert ended.wait(20)
        taken.append(connection.reader.request())
        return None

    with ScriptedOrigin(pki(), script=script, tls=False) as origin:
        with Signet(gateway(backend("api", origin.url))) as signet, Caller(signet.port) as caller:
            caller.send(request("/api/first"))
            assert caller.response().status == 200
            _stop(signet)
            caller.send(request("/api/post", "POST", body=b"once"))
            origin.connections[0].socket.shutdown(socket.SHUT_WR)
            ended.set()
            signet.signal(signals.SIGCONT)
            assert_error(caller.response(), 502)
            assert [each.target for each in taken] == ["/post"]
            assert origin.accepted == 1


# ---- a crowd -----------------------------------------------------------------------------------------------------------------------------

CALLS = int(os.environ.get("SIGNET_STALE_CALLS", "100000"))
ROUND_S = 4

_LOCATIONS = "".join(f"""
    location /{ms}/ {{ keepalive_timeout {ms}ms; lingering_close off; return 200 fine; }}""" for ms in range(6))

_WRK = """
local threads, number = 0, 0
local methods = { "GET", "POST", "PUT", "DELETE" }
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function init(arguments) round = arguments[1]; math.randomseed(round * 1000 + id) end
function delay() return math.random(0, 8) end
function request()
  number = number + 1
  local method = methods[math.random(#methods)]
  local body = method ~= "GET" and string.rep("x", math.random(0, 2000)) or nil
  return wrk.format(method, string.format("/api/%d/%s-%d-%d", math.random(0, 5), round, id, number), nil, body)
end
"""


def _crowd(signet: Signet, calls: int) -> None:
    """Callers with pauses of 0 to 8 ms, for as many rounds as it takes."""
    script = signet.folder / "crowd.lua"
    script.write_text(_WRK)
    made, rounds = 0, 0
    while made < calls:
        rounds += 1
        done = subprocess.run(["wrk", "-t", "2", "-c", "128", "-d", f"{ROUND_S}s", "--timeout", "60s", "-s", str(script),
                               f"http://127.0.0.1:{signet.port}", "--", str(rounds)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made += int(re.search(r"(\d+) requests in ", done.stdout)[1])


def test_a_crowd_at_a_back_end_that_closes_after_0_to_5_ms_loses_no_harmless_call_and_repeats_no_other():
    with Nginx(pki(), server_lines=_LOCATIONS, keepalive_requests=100_000) as origin:
        with Signet(one_api(origin, shards=2)) as signet:
            _crowd(signet, CALLS)
            signet.stop()
            lines = signet.access_lines()
        origin.stop()
        seen = collections.Counter(line.split(" ")[1] for line in origin.calls() if line.startswith("POST "))
    answers, replayed = collections.Counter(), collections.Counter()
    failed = []
    for line in lines:
        method, status = re.search(r' method="(\w+)"', line)[1], re.search(r" status=(\d+)", line)[1]
        # wrk leaves at the end of its time, whatever is under way.
        status = "left" if "error=caller_gone" in line else status
        answers[method, status] += 1
        replayed[method] += " attempts=1 " not in line
        if method != "POST" and status not in ("200", "left"):
            failed.append(line)
    print(f"{answers}; sent again: {replayed}")
    assert not failed, f"{len(failed)} harmless calls failed; the first:\n" + "\n".join(failed[:5])
    twice = [target for target, count in seen.items() if count > 1]
    assert not twice, f"{len(twice)} of {len(seen)} POSTs were executed twice, such as {twice[:5]}"
    assert answers.total() >= CALLS and replayed.total() > 0, (answers, replayed)


test_a_crowd_at_a_back_end_that_closes_after_0_to_5_ms_loses_no_harmless_call_and_repeats_no_other.timeout_s = 600
