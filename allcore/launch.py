"""The page as a process: opening it, and closing it together with the work in the background."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from allcore.base import fileio, locks, processes
from allcore.base.errors import AllcoreError, BadInput, Conflict
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from allcore.jobs import control

PROJECT = Path(__file__).resolve().parents[1]
LOCAL = "127.0.0.1"
START_SECONDS = 90.0
CLOSE_SECONDS = 10.0
LOG_LINES = 15


def serve(
    artifacts: Artifacts,
    *,
    port: int = 8501,
    on_ready: Callable[[], None] | None = None,
    command: Sequence[str] | None = None,
) -> int:
    """Open the page and stay until it is closed; the exit code.

    Starts Streamlit in a session of its own, waits until it answers, prints the address, calls `on_ready`, and waits for the
    page's end, or for Ctrl-C, SIGTERM or SIGHUP, which close it. Jobs in the background go on. Where the page of these artifacts is
    open already, says so and returns 0. The environment's STREAMLIT_SERVER_ADDRESS and STREAMLIT_SERVER_BASE_URL_PATH are heeded.
    `command` stands in for Streamlit's command line.

    Raises BadInput where `port` can't be had or the artifacts folder can't be written to, Conflict where another start does not come
    to an end, and AllcoreError, with the last lines of the log, where the page does not come up or ends by itself.
    """
    try:
        artifacts.root.mkdir(parents=True, exist_ok=True)
        log = open(_log(artifacts), "ab")  # noqa: SIM115 - the child keeps it
    except OSError as error:
        problem = f"{artifacts.root} can't be written to: {error.strerror}."
        raise BadInput(problem, f"Set {ENVIRONMENT_VARIABLE} to another folder.") from error
    child: subprocess.Popen[bytes] | None = None
    with log, _interrupted_by(signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        try:
            with _one_start_at_a_time(artifacts):
                if url := _open_at(artifacts):
                    print(f"The page is open already: {url} (`make stop` closes it).", flush=True)
                    return 0
                _require_free(port)
                log.truncate(0)
                child = _start(command or _streamlit(port), artifacts, log)
                _remember(child, artifacts, port)
                _wait_until_up(child, artifacts, port)
            print(f"The page is open: {_url(port)} (Ctrl-C closes it, `make stop` ends training too).", flush=True)
            if on_ready:
                on_ready()
            return _exit_code(child.wait(), artifacts)
        except KeyboardInterrupt:
            # A second Ctrl-C must not leave the page behind half closed.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            goes_on = " Training goes on; `make stop` ends it." if control.state(artifacts).running else ""
            after_the_echo_of_ctrl_c = "\n" if sys.stdout.isatty() else ""
            print(f"{after_the_echo_of_ctrl_c}The page is closed.{goes_on}", flush=True)
            return 0
        finally:
            if child:
                _close(child)
                _forget(artifacts, child.pid)


def stop(artifacts: Artifacts, *, grace: float = 30.0) -> int:
    """Close the page and end the job runner, if they run, and say which; the exit code, 0.

    The runner has `grace` seconds to let its jobs save their checkpoints, then it is killed.
    """
    # The page first: while it is open it would start a runner again.
    page = _process(artifacts.server_state)
    if page:
        _end(page, CLOSE_SECONDS)
        _forget(artifacts, page.pid)
        print("The page is closed.", flush=True)
    runner = control.state(artifacts).running
    if runner:
        print("Ending the jobs in the background; a training saves its checkpoint first.", flush=True)
        ended = control.stop(artifacts, seconds=grace) == control.ENDED
        how = "They have ended" if ended else f"Their runner did not end within {grace:.0f} s and was killed"
        print(f"{how}; unfinished ones go on when the page is opened again.", flush=True)
    if not (page or runner):
        print("Nothing is running.", flush=True)
    return 0


def answers(port: int = 8501) -> bool:
    """Whether a page is up at this port of this machine, and well."""
    # http.client, because urllib would ask a proxy that the environment names.
    connection = http.client.HTTPConnection(_host(), port, timeout=2)
    try:
        connection.request("GET", f"{_base_path()}/_stcore/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _streamlit(port: int) -> list[str]:
    # Everything else is said once, in .streamlit/config.toml, where the environment can override it.
    return [sys.executable, "-m", "streamlit", "run", str(PROJECT / "streamlit_app.py"), f"--server.port={port}"]


def _address() -> str:
    return os.environ.get("STREAMLIT_SERVER_ADDRESS") or LOCAL


def _host() -> str:
    """The address to ask: a page that listens everywhere is asked here."""
    return LOCAL if _address() in ("0.0.0.0", "::") else _address()


def _base_path() -> str:
    path = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    return f"/{path}" if path else ""


def _url(port: int) -> str:
    return f"http://{_host()}:{port}{_base_path()}"


def _log(artifacts: Artifacts) -> Path:
    return artifacts.root / "server.log"


def _log_tail(artifacts: Artifacts) -> str:
    lines = fileio.read_tail(_log(artifacts)).rstrip().splitlines()[-LOG_LINES:]
    return f"The last lines of {_log(artifacts)}:\n" + "\n".join(f"  {line}" for line in lines or ["(none)"])


@contextmanager
def _interrupted_by(*numbers: int | None) -> Iterator[None]:
    """Each of these signals raises KeyboardInterrupt in the block."""
    before = {number: signal.getsignal(number) for number in numbers if number is not None}
    for number, handler in before.items():
        # nohup ignores SIGHUP on purpose; a shell that starts `make app &` ignores SIGINT without anybody's asking.
        if handler is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _one_start_at_a_time(artifacts: Artifacts) -> Iterator[None]:
    lock = locks.holder(artifacts.root / "server.lock", timeout=START_SECONDS)
    try:
        lock.acquire()
    except locks.Timeout:
        raise Conflict("Another command has been opening the page for too long.", "Run `make stop`, then try again.") from None
    try:
        yield
    finally:
        lock.release()


def _open_at(artifacts: Artifacts) -> str | None:
    """Where the page of these artifacts is open, None where it is not."""
    return str(fileio.read_json(artifacts.server_state).get("url")) if _process(artifacts.server_state) else None


def _require_free(port: int) -> None:
    if not 1 <= port <= 65535:
        raise BadInput(f"{port} is not a port.", "Choose one from 1024 to 65535: make app PORT=8502.")
    try:
        _bind(port)
    except PermissionError as error:
        raise BadInput(f"Port {port} is for administrators only.", "Choose one from 1024 to 65535: make app PORT=8502.") from error
    except OSError as error:
        if _address() not in (LOCAL, "0.0.0.0", "::") and not _can_bind(0):
            raise BadInput(f"This machine has no address {_address()}.", "Correct or unset STREAMLIT_SERVER_ADDRESS.") from error
        other = next((other for other in range(port + 1, min(port + 100, 65536)) if _can_bind(other)), 8502)
        raise BadInput(f"Port {port} is used by another program.", f"Choose another: make app PORT={other}.") from error


def _bind(port: int) -> None:
    family = socket.AF_INET6 if ":" in _address() else socket.AF_INET
    socket.create_server((_address(), port), family=family).close()


def _can_bind(port: int) -> bool:
    try:
        _bind(port)
    except OSError:
        return False
    return True


def _start(command: Sequence[str], artifacts: Artifacts, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**processes.FRUGAL, **os.environ, ENVIRONMENT_VARIABLE: str(artifacts.root)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Out of reach of the terminal's Ctrl-C: closing it in order is our part.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _remember(child: subprocess.Popen[bytes], artifacts: Artifacts, port: int) -> None:
    identity = {"pid": child.pid, "create_time": psutil.Process(child.pid).create_time()}
    fileio.write_json(artifacts.server_state, {**identity, "port": port, "url": _url(port)})


def _wait_until_up(child: subprocess.Popen[bytes], artifacts: Artifacts, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None:
        if answers(port):
            return
        if time.monotonic() > deadline:
            raise AllcoreError(f"The page did not answer within {START_SECONDS:.0f} s.", _log_tail(artifacts))
        time.sleep(0.1)
    raise AllcoreError("The page could not be opened.", _log_tail(artifacts))


def _exit_code(returncode: int, artifacts: Artifacts) -> int:
    if returncode in (0, -signal.SIGTERM):  # `make stop` elsewhere
        print("The page is closed.", flush=True)
        return 0
    raise AllcoreError("The page ended by itself.", _log_tail(artifacts))


def _close(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _process(state: Path) -> psutil.Process | None:
    """The living process that a state file names; None where there is no file, or the process is dead or another."""
    try:
        document = fileio.read_json(state)
        pid, created = int(document["pid"]), float(document["create_time"])
        return psutil.Process(pid) if processes.is_alive(pid, created) else None
    except (OSError, AllcoreError, KeyError, TypeError, ValueError, psutil.Error):
        return None


def _end(process: psutil.Process, grace: float) -> bool:
    """Ask a process to end, kill it after `grace` seconds; whether it ended in time."""
    try:
        created = process.create_time()
        process.terminate()
        deadline = time.monotonic() + grace
        while processes.is_alive(process.pid, created):
            if time.monotonic() > deadline:
                process.kill()
                return False
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass
    return True


def _forget(artifacts: Artifacts, pid: int) -> None:
    """Remove the page's state file, if it still speaks of `pid`."""
    try:
        if fileio.read_json(artifacts.server_state).get("pid") == pid:
            artifacts.server_state.unlink(missing_ok=True)
    except (FileNotFoundError, AllcoreError):
        pass
