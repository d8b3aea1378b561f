"""Run a command beside a throw-away PostgreSQL from Debian's package: ``python tests/clinic/postgres.py pytest …``.

The server listens on loopback only, as a user that is not root, in a folder that is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
USER = "postgres"


def main(command: list[str]) -> int:
    """Start, run, stop; give the command's own exit code."""
    if not BINARIES:
        sys.exit("PostgreSQL is not there: apt-get install postgresql")
    binaries = BINARIES[-1]
    folder = Path(tempfile.mkdtemp(prefix="upturn-postgres-"))
    as_user: list[str] = []
    if os.getuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, USER, USER)
        # It lies in /usr/sbin, which a bare PATH leaves out.
        as_user = [shutil.which("runuser") or "/usr/sbin/runuser", "-u", USER, "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = folder / "data", folder / "log"

    def run(*words: str) -> None:
        subprocess.run([*as_user, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    run(str(binaries / "initdb"), "-D", str(data), "-U", "upturn", "--auth=trust", "-E", "UTF8", "--no-sync")
    # Nothing here outlives the run: the disk need not be waited for.
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
    try:
        address = f"postgres://upturn@127.0.0.1:{port}/postgres"
        return subprocess.run(command, check=False, env={**os.environ, "UPTURN_DATABASE_URL": address}).returncode
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
