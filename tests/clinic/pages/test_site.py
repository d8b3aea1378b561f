"""A site: what it decides by environment, that the decisions are safe, and that ``upturn serve`` serves."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from upturn.errors import CannotError, InputError
from upturn_clinic.environment import generate_secret_key, read_environment

# It makes its database first.
LONGEST_START_S = 120.0
KEY = {"UPTURN_SECRET_KEY": "k" * 20 + "0123456789abcdefghijklmnopqrstuvwxyz!"}


def clinic(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one of the clinic's commands as a site would."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UPTURN", "DJANGO"))}
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-m", "upturn_clinic", *words], capture_output=True,
        text=True, check=False, env={**clean, **variables},
    )  # fmt: skip


def test_the_check_for_deployment_is_clean(tmp_path: Path) -> None:
    done = clinic(
        "check", "--deploy", "--fail-level", "WARNING", **KEY, UPTURN_DATA_DIRECTORY=str(tmp_path),
        UPTURN_HOSTS="clinic.example.org", UPTURN_PROXY="on", UPTURN_MAIL_URL="smtps://c:s@mail.example.org",
        UPTURN_DATABASE_URL="postgres://upturn:pass@db.example.org/upturn",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_without_a_key_nothing_starts(tmp_path: Path) -> None:
    done = clinic("check", UPTURN_DATA_DIRECTORY=str(tmp_path))
    assert done.returncode == 1
    assert "has no secret key" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_generated_key_is_for_its_owner_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    file = generate_secret_key(folder)
    key = file.read_text()
    assert len(key) > 80
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert generate_secret_key(folder).read_text() == key
    assert read_environment({"UPTURN_DATA_DIRECTORY": str(folder)}).secret_key == key
    file.chmod(0o644)
    with pytest.raises(CannotError, match="read by others"):
        read_environment({"UPTURN_DATA_DIRECTORY": str(folder)})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UPTURN_DATABASE_URL", "mysql://u:secret@h/n"),
        ("UPTURN_MAIL_URL", "smtp:secret"),
        ("UPTURN_HTTPS", "secret"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str) -> None:
    with pytest.raises(InputError, match=variable) as told:
        read_environment({**KEY, variable: value})
    if variable.endswith("URL"):
        assert "secret" not in str(told.value)


def test_the_defaults_are_the_safe_ones() -> None:
    found = read_environment(KEY)
    assert found.https is True
    assert found.proxy is False
    assert set(found.hosts) == {"localhost", "127.0.0.1", "[::1]"}
    assert "synchronous=FULL" in found.database["OPTIONS"]["init_command"]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[Path]:
    """Serve from a new folder, as somebody who tries it would, and stop it as they would."""
    data = tmp_path / "data"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UPTURN", "DJANGO"))}
    server = subprocess.Popen(
        [Path(sys.executable).parent / "upturn", "serve", "--port", str(port), "--data", str(data)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean,
    )  # fmt: skip
    try:
        until = time.monotonic() + LONGEST_START_S
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/well/")
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        yield data
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=120) == 0


def test_serve_serves(served: Path, port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        page = answer.read().decode()
        assert answer.url.endswith("/log-in/?next=%2F")
        assert "max-age" not in answer.headers.get("Strict-Transport-Security", "")
    assert "Log in" in page
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{style}") as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("secret-key", "clinic.sqlite3"):
        assert stat.S_IMODE((served / name).stat().st_mode) == 0o600
    taken = clinic("serve", "--port", str(port), "--data", str(served))
    assert taken.returncode == 1
    assert "cannot be used" in taken.stderr
    assert clinic("verify_audit", UPTURN_DATA_DIRECTORY=str(served), UPTURN_HTTPS="off").returncode == 0


def test_serve_says_what_is_missing_when_the_extra_is_not_installed(tmp_path: Path) -> None:
    script = (
        "import sys, importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'django' else real(name, *a)\n"
        "sys.argv = ['upturn', 'serve']\nfrom upturn.cli import run; run()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'upturn[clinic]'" in done.stderr


def test_the_library_does_not_load_the_clinic() -> None:
    script = "import sys, upturn.cli; print([m for m in ('upturn_clinic', 'django') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
