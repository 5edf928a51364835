"""Opening and closing the page. A small web server stands in for Streamlit, but for one real start."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from allcore import launch
from allcore.base.errors import AllcoreError, BadInput
from allcore.base.paths import Artifacts

ROOT = Path(__file__).resolve().parents[1]

WEB_SERVER = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == sys.argv[2] else 404)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

OBEDIENT_RUNNER = """
import pathlib, signal, sys
def end(*_):
    pathlib.Path(sys.argv[2]).write_text(str(pathlib.Path(sys.argv[1]).exists()))
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
while True:
    signal.pause()
"""

STUBBORN_RUNNER = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True:
    signal.pause()
"""


def stand_in(port: int, health: str = "/_stcore/health") -> list[str]:
    return [sys.executable, "-c", WEB_SERVER, str(port), health]


def close_at_once() -> None:
    raise KeyboardInterrupt


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    for process in left:
        process.kill()
    assert not left


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python programs that are ended after the test, whatever happens."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def write_state(path: Path, process: psutil.Process, *, older_by: float = 0.0) -> None:
    state = {"schema_version": 1, "pid": process.pid, "create_time": process.create_time() - older_by, "port": 1, "url": "http://other"}
    path.write_text(json.dumps(state))


def test_the_page_answers_before_the_caller_is_told_and_is_gone_afterwards(artifacts: Artifacts, port: int, capsys):
    seen = {}

    def look() -> None:
        seen.update(json.loads(artifacts.server_state.read_text()), status=status_of(port, "/_stcore/health"))
        raise KeyboardInterrupt

    assert launch.serve(artifacts, port=port, command=stand_in(port), on_ready=look) == 0
    assert (seen["status"], seen["port"], seen["url"]) == (200, port, f"http://127.0.0.1:{port}")
    assert not psutil.pid_exists(seen["pid"])
    assert not artifacts.server_state.exists()
    opened, closed = capsys.readouterr().out.splitlines()
    assert f"http://127.0.0.1:{port}" in opened
    assert "make stop" in opened
    assert closed == "The page is closed."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_closes_the_page_and_says_so(artifacts: Artifacts, port: int, child, number: signal.Signals):
    program = """
import signal, sys
from allcore import launch
from allcore.base.paths import Artifacts
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup, which would be passed on
sys.exit(launch.serve(Artifacts.locate(), port=int(sys.argv[1]), command=sys.argv[2:]))
"""
    runner = child(OBEDIENT_RUNNER, artifacts.runner_stop, artifacts.root / "seen")
    write_state(artifacts.runner_state, psutil.Process(runner.pid))
    launcher = child(program, str(port), *stand_in(port))
    assert str(port) in launcher.stdout.readline()
    page = psutil.Process(json.loads(artifacts.server_state.read_text())["pid"])
    launcher.send_signal(number)
    output, _ = launcher.communicate(timeout=60)
    assert output == "The page is closed. Training goes on; `make stop` ends it.\n"
    assert launcher.returncode == 0
    assert not page.is_running()
    assert runner.poll() is None


def test_a_second_start_says_where_the_page_is_open(artifacts: Artifacts, port: int, capsys):
    second = []

    def start_again() -> None:
        second.append(launch.serve(artifacts, port=port + 1, command=["/nonexistent"]))
        raise KeyboardInterrupt

    launch.serve(artifacts, port=port, command=stand_in(port), on_ready=start_again)
    assert second == [0]
    assert f"open already: http://127.0.0.1:{port} " in capsys.readouterr().out


def test_a_port_in_use_is_refused_with_a_free_one_named(artifacts: Artifacts):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(BadInput, match=f"Port {taken} is used by another program") as refusal:
            launch.serve(artifacts, port=taken, command=["/nonexistent"])
    named = int(refusal.value.hint.rpartition("PORT=")[2].rstrip("."))
    assert taken < named < taken + 100
    assert refusal.value.exit_code == 2
    assert not artifacts.server_state.exists()


@pytest.mark.parametrize("number", [0, 65536])
def test_a_number_that_is_no_port_is_refused(artifacts: Artifacts, number: int):
    with pytest.raises(BadInput, match="not a port"):
        launch.serve(artifacts, port=number, command=["/nonexistent"])


def test_an_artifacts_folder_that_cannot_be_made_is_refused(tmp_path: Path, port: int):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="can't be written to"):
        launch.serve(Artifacts(tmp_path / "file" / "artifacts"), port=port, command=["/nonexistent"])


@pytest.mark.parametrize("stale", ["dead", "recycled", "damaged", "incomplete"])
def test_a_stale_state_file_is_ignored(artifacts: Artifacts, port: int, child, capsys, stale: str):
    other = child("import time; time.sleep(600)")
    if stale == "dead":
        write_state(artifacts.server_state, psutil.Process(other.pid))
        other.kill()
        other.wait()
    elif stale == "recycled":
        write_state(artifacts.server_state, psutil.Process(other.pid), older_by=3600)
    else:
        artifacts.server_state.write_text({"damaged": "{", "incomplete": '{"schema_version": 1}'}[stale])
    assert launch.serve(artifacts, port=port, command=stand_in(port), on_ready=close_at_once) == 0
    assert "The page is open:" in capsys.readouterr().out


def test_a_page_that_dies_while_it_starts_shows_its_last_lines(artifacts: Artifacts, port: int):
    with pytest.raises(AllcoreError, match="could not be opened") as failure:
        launch.serve(artifacts, port=port, command=[sys.executable, "-c", "raise SystemExit('no such theme')"])
    assert "no such theme" in failure.value.hint
    assert "server.log" in failure.value.hint
    assert not artifacts.server_state.exists()


def test_the_log_of_an_earlier_start_is_not_shown(artifacts: Artifacts, port: int):
    (artifacts.root / "server.log").write_text("something old\n")
    with pytest.raises(AllcoreError) as failure:
        launch.serve(artifacts, port=port, command=[sys.executable, "-c", "raise SystemExit(1)"])
    assert "something old" not in failure.value.hint


def test_a_page_that_does_not_answer_is_given_up_and_ended(artifacts: Artifacts, port: int, monkeypatch):
    monkeypatch.setattr(launch, "START_SECONDS", 0.5)
    with pytest.raises(AllcoreError, match="did not answer"):
        launch.serve(artifacts, port=port, command=[sys.executable, "-c", "import time; time.sleep(600)"])


def test_a_page_that_dies_later_is_an_error(artifacts: Artifacts, port: int):
    def kill() -> None:
        psutil.Process(json.loads(artifacts.server_state.read_text())["pid"]).kill()

    with pytest.raises(AllcoreError, match="ended by itself"):
        launch.serve(artifacts, port=port, command=stand_in(port), on_ready=kill)


def test_a_failure_of_the_caller_closes_the_page(artifacts: Artifacts, port: int):
    def fail() -> None:
        raise AllcoreError("no room for the demo data")

    with pytest.raises(AllcoreError, match="no room"):
        launch.serve(artifacts, port=port, command=stand_in(port), on_ready=fail)
    with pytest.raises(ConnectionRefusedError):
        status_of(port, "/")


def test_a_base_path_is_part_of_the_address(artifacts: Artifacts, port: int, capsys, monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "/lab/")
    command = stand_in(port, "/lab/_stcore/health")
    assert launch.serve(artifacts, port=port, command=command, on_ready=close_at_once) == 0
    assert f"http://127.0.0.1:{port}/lab " in capsys.readouterr().out


def test_stop_closes_the_page_and_ends_the_runner(artifacts: Artifacts, port: int, child, capsys):
    runner = child(OBEDIENT_RUNNER, artifacts.runner_stop, artifacts.root / "seen")
    runner.stdout.readline()
    write_state(artifacts.runner_state, psutil.Process(runner.pid))

    def stop_from_elsewhere() -> None:
        assert launch.stop(artifacts, grace=60) == 0

    assert launch.serve(artifacts, port=port, command=stand_in(port), on_ready=stop_from_elsewhere) == 0
    assert runner.wait(10) == 0
    assert (artifacts.root / "seen").read_text() == "True", "the runner was signalled before it could read that it shall stop"
    assert not artifacts.runner_stop.exists()
    assert not artifacts.server_state.exists()
    output = capsys.readouterr().out
    assert "The page is closed." in output
    assert "They have ended" in output


def test_stop_kills_a_runner_that_does_not_end(artifacts: Artifacts, child, capsys):
    runner = child(STUBBORN_RUNNER)
    runner.stdout.readline()
    write_state(artifacts.runner_state, psutil.Process(runner.pid))
    assert launch.stop(artifacts, grace=0.3) == 0
    assert runner.wait(10) == -signal.SIGKILL
    assert "was killed" in capsys.readouterr().out
    assert not artifacts.runner_stop.exists()


def test_stop_spares_a_process_that_only_has_the_number(artifacts: Artifacts, child, capsys):
    other = child("import time; time.sleep(600)")
    for state in (artifacts.server_state, artifacts.runner_state):
        write_state(state, psutil.Process(other.pid), older_by=3600)
    assert launch.stop(artifacts) == 0
    assert other.poll() is None
    assert capsys.readouterr().out == "Nothing is running.\n"


def test_streamlit_itself_opens_on_this_machine_only(artifacts: Artifacts, port: int):
    def look() -> None:
        page = psutil.Process(json.loads(artifacts.server_state.read_text())["pid"])
        assert [(end.laddr.ip, end.laddr.port) for end in page.net_connections("tcp") if end.status == "LISTEN"] == [("127.0.0.1", port)]
        assert status_of(port, "/") == 200
        raise KeyboardInterrupt

    assert launch.serve(artifacts, port=port, on_ready=look) == 0
    assert "Traceback" not in (artifacts.root / "server.log").read_text()
