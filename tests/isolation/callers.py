# SPDX-License-Identifier: GPL-3.0-or-later
"""Many callers at once, and what each single one of them was told by the back end."""

import collections
import dataclasses
import multiprocessing
import random
from concurrent import futures

from harness import Caller, Closed, Message, request
from identities import Identity

PROCESSES = 2
PIPELINED = 8  # requests that one caller sends before it reads the first answer


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one call to `api` came to."""

    api: str
    status: int = 0  # 0: no answer
    own: bool = False  # the answer belongs to this very call
    seen: Identity = Identity()
    tls: str | None = None
    new: bool = False  # the back end had served no call on this connection
    resumed: bool = False


def _answer(api: str, number: str, response: Message) -> Answer:
    seen = Identity(*(response.field(f"X-Client-{what}") for what in ("Subject", "Serial", "Sha1")))
    return Answer(api, response.status, response.field("X-Call") == number, seen, response.field("X-Tls"),
                  response.field("X-Connection-Calls") == "1", response.field("X-Session-Reused") == "r")


def _call_one_by_one(port: int, wanted: "collections.deque[tuple[str, str]]") -> list[Answer]:
    """One caller: sends a few requests in one go and reads their answers, until nothing is left. An entry is (API, number of the call)."""
    answers = []
    while wanted:
        with Caller(port) as caller:
            open_for_more = True
            while wanted and open_for_more:
                batch = [wanted.popleft() for _ in range(min(PIPELINED, len(wanted)))]
                try:
                    caller.send(b"".join(request(f"/{api}/1k?call={number}") for api, number in batch))
                    while batch:
                        response = caller.response()
                        answers.append(_answer(*batch.pop(0), response))
                        open_for_more = response.keeps_alive()
                except (Closed, OSError):
                    open_for_more = False
                answers += [Answer(api) for api, _ in batch]
    return answers


def _run_share(port: int, apis: list[str], calls: int, callers: int, seed: int) -> "collections.Counter[Answer]":
    """The callers of one process, a thread each."""
    order = random.Random(seed)
    wanted = [collections.deque() for _ in range(callers)]
    for number in range(calls):
        wanted[number % callers].append((order.choice(apis), f"{seed}-{number}"))
    with futures.ThreadPoolExecutor(callers) as pool:
        return collections.Counter(answer for answers in pool.map(_call_one_by_one, [port] * callers, wanted) for answer in answers)


def call_all(port: int, apis: list[str], calls: int, callers: int) -> "collections.Counter[Answer]":
    """`calls` calls over `callers` connections at once, to `apis` in random order. Every call is counted, also one without an answer."""
    processes = min(PROCESSES, callers)
    shares = [(port, apis, calls // processes + (each < calls % processes), callers // processes, each) for each in range(processes)]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        answers: collections.Counter[Answer] = collections.Counter()
        for share in pool.starmap(_run_share, shares):
            answers.update(share)
    assert answers.total() == calls
    return answers
