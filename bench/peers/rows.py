# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and what is aimed at: Signet's figure against the better of the others."""

import dataclasses
import enum

from peers.gateways import Floor, FloorSingle, Setup


class Wrong(Exception):
    """A gateway that does not do the work, in words."""


class Kind(enum.Enum):
    CPU = "CPU per call, µs"
    LATENCY = "latency, µs"
    CALLER_MEMORY = "bytes per idle caller"
    CONNECTION_MEMORY = "bytes per idle connection to the origin"


@dataclasses.dataclass(frozen=True)
class Row:
    """`target…`: most that Signet's figure may be, as a ratio to the better of the others, or in bytes for memory."""

    name: str
    title: str
    paths: tuple[str, ...] = ("/pooled/150",)
    kind: Kind = Kind.CPU
    connections: int = 64
    method: str = "GET"
    body_bytes: int = 0
    expected: tuple[str, ...] = ()  # text in the answer's head, for each path
    unexpected_max: float | None = 0.0  # share of calls whose answer may lack it; None: how many do is a figure of the row
    warm_s: float = 1.0
    setup: Setup = Setup()
    floor: type[Floor] | None = None
    only: tuple[str, ...] = ()  # gateways; empty for all
    target: float | None = None
    target_user: float | None = None

    def check(self, result: dict) -> None:
        """Raises Wrong where too many answers lack what is expected."""
        if self.unexpected_max is None:
            return
        # Where a few may lack it, all callers' first calls may: they begin at once, and not everybody keeps a session for each.
        allowed = self.unexpected_max * result["calls"] + (self.connections if self.unexpected_max else 0)
        if result["unexpected"] > allowed:
            raise Wrong(f"{result['unexpected']} of {result['calls']} answers lack {self.expected[0].strip()}")


_RESUMED, _NOT_RESUMED = "X-Session: r\r\n", "X-Session: .\r\n"
CROWD = 100
_CROWD_PATHS = tuple(f"/id-{each}/150" for each in range(CROWD))
_CROWD_NAMES = tuple(f"X-Client: CN=id-{each}\r\n" for each in range(CROWD))


def _handshakes(suffix: str, title: str, setup: Setup) -> tuple[Row, ...]:
    """Connections to the origin are new for each call; callers keep theirs. At start, as many full handshakes as callers are under way at
    once before there is a session to resume."""
    pinned = not suffix
    return (
        Row("resumed" + suffix, f"new connection per call, resumed session, 16 callers{title}", ("/single/150",), expected=(_RESUMED,),
            connections=16, unexpected_max=0.1, setup=setup, floor=FloorSingle if pinned else None, target=0.5 if pinned else None),
        Row("full-p256" + suffix, f"new connection per call, full handshake, P-256 key{title}", ("/full-p256/150",),
            expected=(_NOT_RESUMED,), setup=setup, floor=FloorSingle if pinned else None, target=0.45 if pinned else None),
        Row("full-rsa" + suffix, f"new connection per call, full handshake, RSA-2048 key{title}", ("/full-rsa/150",),
            expected=(_NOT_RESUMED,), setup=setup, floor=FloorSingle if pinned else None, target=0.75 if pinned else None),
    )


ROWS = (
    Row("pooled-150", "pooled, 150 B answer, 64 callers", floor=Floor, target=0.65, target_user=0.35),
    Row("pooled-10k", "pooled, 10 KiB answer, 64 callers", ("/pooled/10k",), floor=Floor),
    Row("pooled-1m", "pooled, 1 MiB answer, 64 callers", ("/pooled/1m",), setup=Setup(large=True), floor=Floor, target=0.7),
    Row("callers-1", "pooled, 150 B answer, 1 caller", connections=1, floor=Floor),
    Row("callers-1000", "pooled, 150 B answer, 1,000 callers", connections=1000, warm_s=3.0, floor=Floor),
    Row("upload-100k", "pooled, 100 KiB upload, 64 callers", ("/pooled/upload",), method="POST", body_bytes=100 * 1024,
        setup=Setup(large=True), floor=Floor),
    *_handshakes("", ", X25519", Setup()),
    *_handshakes("-default", ", default group", Setup(group=None)),
    Row("rate-150", "150 B answers at a fixed rate, 64 callers", kind=Kind.LATENCY, floor=Floor, target=0.7),
    Row("idle-callers", "10,000 idle callers", kind=Kind.CALLER_MEMORY, connections=10_000, target=1024),
    Row("idle-connections", "400 idle TLS connections to the origin", ("/pooled/slow",), kind=Kind.CONNECTION_MEMORY, connections=400,
        target=8192),
    Row("identities-100", "pooled, 150 B answer, 100 identities in turn", _CROWD_PATHS, expected=_CROWD_NAMES, unexpected_max=None,
        warm_s=3.0, setup=Setup(crowd=CROWD)),
    Row("identities-100-shared", "the same, nginx with one upstream block", _CROWD_PATHS, expected=_CROWD_NAMES, unexpected_max=None,
        warm_s=3.0, setup=Setup(crowd=CROWD, shared_upstream=True), only=("nginx",)),
)
