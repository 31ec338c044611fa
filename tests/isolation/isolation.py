# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a call ever reach a back end under another API's certificate? Scenarios, and a judge for every single call.

The back end is one nginx with everything switched on that makes identities bleed where a gateway confuses them: it takes any caller, with
or without a certificate of the authority (`ssl_verify_client optional`), keeps sessions, issues tickets, and resumes them for whoever
offers them. It says in every answer whose certificate it has on that connection. The gateway's own account is not asked.
"""

import collections
import contextlib
import dataclasses
import subprocess
import sys

from callers import Answer, call_all
from gateways import NginxGateway, SignetGateway
from harness import Nginx, binary, pki

CALLERS = 64

_SERVER_LINES = """
    ssl_session_cache shared:sessions:10m;
    ssl_session_timeout 1h;
    ssl_session_tickets {tickets};
    rewrite ^/service/(.*) /$1 break;
"""


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    protocol: str
    calls_per_connection: int  # after which the back end closes it
    tickets: bool = True
    shards: int = 1

    @property
    def pooled(self) -> bool:
        return self.calls_per_connection > 1

    def origin(self) -> Nginx:
        return Nginx(pki(), protocols=self.protocol, verify="optional", keepalive_requests=self.calls_per_connection,
                     server_lines=_SERVER_LINES.format(tickets="on" if self.tickets else "off"))


POOLED, FEW, ONE = 1_000_000, 3, 1

SCENARIOS = (
    Scenario("TLS 1.2 tickets, pooled connections", "TLSv1.2", POOLED),
    Scenario("TLS 1.2 tickets, new connection per call", "TLSv1.2", ONE),
    Scenario("TLS 1.2 session ids, new connection per call", "TLSv1.2", ONE, tickets=False),
    Scenario("TLS 1.2 tickets, 3 calls per connection, 8 shards", "TLSv1.2", FEW, shards=8),
    Scenario("TLS 1.3, pooled connections", "TLSv1.3", POOLED),
    Scenario("TLS 1.3, pooled connections, 8 shards", "TLSv1.3", POOLED, shards=8),
    Scenario("TLS 1.3, new connection per call", "TLSv1.3", ONE),
    Scenario("TLS 1.3, new connection per call, 8 shards", "TLSv1.3", ONE, shards=8),
    Scenario("TLS 1.3, 3 calls per connection", "TLSv1.3", FEW),
)


@dataclasses.dataclass
class Outcome:
    scenario: Scenario
    answers: "collections.Counter[Answer]"
    expected: dict

    def count(self, condition) -> int:
        return sum(number for answer, number in self.answers.items() if condition(answer))

    @property
    def calls(self) -> int:
        return self.answers.total()

    @property
    def connections(self) -> int:
        return self.count(lambda answer: answer.new)

    @property
    def resumed(self) -> int:
        """Connections that began with an older session."""
        return self.count(lambda answer: answer.new and answer.resumed)

    @property
    def failed(self) -> int:
        """Calls of which the back end's account is missing."""
        return self.count(lambda answer: answer.status != 200)

    @property
    def mismatches(self) -> int:
        """Calls that arrived as somebody else, or whose answer is another call's."""
        return self.count(self._mismatch)

    def _mismatch(self, answer: Answer) -> bool:
        return answer.status == 200 and not (answer.own and answer.seen == self.expected[answer.api])

    @property
    def proves_nothing(self) -> bool:
        """There was no occasion to go wrong: nothing was resumed, or nothing was used again."""
        return self.resumed == 0 if self.scenario.calls_per_connection != POOLED else self.connections >= self.calls

    def findings(self) -> list[str]:
        wrong = collections.Counter()
        for answer, number in self.answers.items():
            if self._mismatch(answer):
                saw = f"the back end saw {answer.seen}" if answer.own else "the answer is another call's"
                wrong[f"/{answer.api}, configured with {self.expected[answer.api]}: {saw}"] += number
            elif answer.status != 200:
                wrong[f"/{answer.api}: {f'status {answer.status}' if answer.status else 'no answer'}"] += number
        lines = [f"{number} x {text}" for text, number in wrong.most_common()]
        return lines + (["nothing was used twice: this scenario shows nothing"] if self.proves_nothing else [])


def run(scenario: Scenario, gateway: str, calls: int) -> Outcome:
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(scenario.origin())
        if gateway == "nginx":
            made = stack.enter_context(NginxGateway(origin, pooled=scenario.pooled, workers=scenario.shards))
        else:
            made = stack.enter_context(SignetGateway(origin, scenario.shards))
        return Outcome(scenario, call_all(made.port, list(made.expected), calls, CALLERS), made.expected)


def _first_line(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    return done.stdout.decode().splitlines()[0].removeprefix("nginx version: ")


_COLUMNS = "{:<52} {:>8} {:>12} {:>9} {:>11} {:>7}"


def print_heading(gateway: str) -> None:
    version = _first_line("nginx", "-v")
    under_test = version if gateway == "nginx" else _first_line(str(binary()), "--version")
    print(f"gateway: {under_test}; back end: {version}")
    print(_COLUMNS.format("scenario", "calls", "connections", "resumed", "mismatches", "failed"), flush=True)


def print_outcome(outcome: Outcome) -> None:
    print(_COLUMNS.format(outcome.scenario.name, outcome.calls, outcome.connections, outcome.resumed, outcome.mismatches, outcome.failed))
    for line in outcome.findings():
        print(f"    {line}")
    sys.stdout.flush()
