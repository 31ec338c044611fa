# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a run: an authority, the origin's own, and the clients under which the gateways call."""

import functools
import pathlib

from pki import Pair, Pki


class Identities(Pki):
    """Leaves directly below their root: the shortest chain there is, so that no gateway gains by remembering one."""

    # pylint: disable-next=super-init-not-called
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.server_root = self._root("server-root")
        self.client_root = self._root("client-root")
        self.server = self._issue("server", "server", self.server_root, names="DNS:localhost")
        self.p256 = self._issue("p256", "client", self.client_root)
        self.rsa = self._issue("rsa", "client", self.client_root, rsa=True)
        self.client_authorities = self.client_root.certificate

    @functools.cache  # pylint: disable=method-cache-max-size-none
    def crowd(self, number: int) -> list[Pair]:
        """So many further clients with P-256 keys, CN=id-0 and on."""
        return [self._issue(f"id-{each}", "client", self.client_root) for each in range(number)]
