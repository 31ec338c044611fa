# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx as tests and benchmarks start it: all that it writes is below one folder, its messages are in its output."""

import os
import pathlib

_CONFIG = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log stderr {level};
worker_processes {workers};
worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{http}
}}
"""

_FILES_MAX = 1024  # open in a worker beside its connections


def command(folder: pathlib.Path, http: str, *, program: str = "nginx", workers: int = 1, connections: int = 4096,
            level: str = "error") -> list[str]:
    """Writes the configuration, `http` in the frame that all have, and answers what starts it. `connections`: of a worker, both sides."""
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(
        folder=folder, http=http, level=level, workers=workers, connections=connections, descriptors=connections + _FILES_MAX,
        user="user root;" if os.geteuid() == 0 else ""))
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(config)]
