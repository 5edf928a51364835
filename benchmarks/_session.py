"""A page as a browser asks for it, without a browser: what is measured is the server, and the way there and back.

Speaks Streamlit's own protocol: a web socket, protobuf messages, and of a browser's habits those that cost the server something: it says
which large messages it still has, and asks for each part of a page that is to be drawn again every few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Given = TypeVar("Given")
PATIENCE = 180.0
"""Seconds after which a server that has not answered is taken for broken."""
_KEPT_RUNS = 2
"""A browser keeps a large message for so many runs of the script (Streamlit's global.maxCachedMessageAge)."""


class Unanswered(Exception):
    """The server closed the connection, knows no such page, showed an error, or took too long."""


@dataclass(frozen=True)
class Answer:
    """What came back for one request."""

    seconds: float
    """From sending the request to the message that its script has finished."""
    heard: float
    """From sending the request to the first message of any kind."""
    received: int
    """Bytes of all messages."""


@dataclass
class Session:
    """One tab. Open it, ask for a page, and close it, all in one event loop."""

    url: str
    """http://host:port of the server."""
    told: Callable[[ForwardMsg, float], None] = lambda message, at: None
    """Is given each message as it comes, with time.time()."""
    page: str = ""
    query: str = ""
    errors: list[str] = field(default_factory=list)
    """Exceptions that the page showed."""
    reruns: int = 0
    """How many parts of the page were drawn again by themselves."""
    _socket: ClientConnection | None = None
    _page_hash: str = ""
    _reader: asyncio.Task | None = None
    _timers: dict[str, tuple[float, asyncio.Task]] = field(default_factory=dict)
    _large: dict[str, int] = field(default_factory=dict)
    """Hash of each large message that is kept, with the run that it was used in last."""
    _runs: int = 0
    _asked: float | None = None
    _heard: float | None = None
    _bytes: int = 0
    _done: asyncio.Future | None = None
    _id: str = ""
    _uploader: str = ""
    """The widget id of the page's place for files."""
    _addresses: asyncio.Future | None = None

    @property
    def is_open(self) -> bool:
        return self._reader is not None and not self._reader.done()

    @property
    def received(self) -> int:
        """Bytes of all messages since the last `ask`."""
        return self._bytes

    async def open(self) -> Session:
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = await connect(
            address, origin=self.url, subprotocols=["streamlit"], max_size=None, max_queue=None, proxy=None, open_timeout=PATIENCE
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def close(self) -> None:
        for fragment in list(self._timers):
            self._forget(fragment)
        if self._socket:
            await self._socket.close()
        if self._reader:
            with suppress(asyncio.CancelledError):
                await self._reader

    async def ask(self, page: str = "", query: str = "", *, patience: float = PATIENCE) -> Answer:
        """Go to a page (its address, '' for the first) with a query ('?view=Map', or '') and wait until it stands. Raises Unanswered."""
        self.page, self.query = page, query.removeprefix("?")
        self._done = asyncio.get_running_loop().create_future()
        self._heard, self._bytes, self._page_hash = None, 0, ""
        try:
            await self._send("")
            ended = await asyncio.wait_for(self._done, patience)
        except (TimeoutError, ConnectionClosed) as error:
            raise Unanswered(f"/{page}{query}: {type(error).__name__}") from error
        finally:
            self._done = None
        return Answer(ended - self._asked, self._heard - self._asked, self._bytes)

    async def upload(self, name: str, content: bytes, *, patience: float = PATIENCE) -> Answer:
        """Put a file into the page's place for files and wait until the page stands. Raises Unanswered."""
        began = time.perf_counter()
        self._heard, self._bytes = None, 0
        self.errors.clear()
        loop = asyncio.get_running_loop()
        try:
            self._addresses = loop.create_future()
            wanted = FileURLsRequest(request_id=name, file_names=[name], session_id=self._id)
            await self._socket.send(BackMsg(file_urls_request=wanted).SerializeToString())
            (address,) = (await asyncio.wait_for(self._addresses, patience)).file_urls
            await self._put(address.upload_url, name, content)
            info = UploadedFileInfo(name=name, size=len(content), file_id=address.file_id, file_urls=address)
            self._done = loop.create_future()
            states = WidgetStates()
            states.widgets.add(id=self._uploader).file_uploader_state_value.uploaded_file_info.append(info)
            await self._send("", states)
            ended = await asyncio.wait_for(self._done, patience)
        except (TimeoutError, ConnectionClosed, httpx.HTTPError) as error:
            raise Unanswered(f"/{self.page}, {name}: {type(error).__name__} {error}") from error
        finally:
            self._done = self._addresses = None
        return Answer(ended - began, self._heard - began, self._bytes)

    async def _put(self, path: str, name: str, content: bytes) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, trust_env=False) as client:
            await client.get("/_stcore/health")  # which sets the cookie that a form must show again
            token = client.cookies.get("_streamlit_xsrf", "")
            told = await client.put(path, files={name: (name, content)}, headers={"X-Xsrftoken": token})
            told.raise_for_status()

    async def _send(self, fragment: str, states: WidgetStates | None = None) -> None:
        """Ask for the page, with the values of its widgets where they changed, or for one part of it, as its timer does."""
        state = ClientState(
            query_string=self.query,
            page_script_hash=self._page_hash,
            page_name="" if self._page_hash else self.page,
            fragment_id=fragment,
            is_auto_rerun=bool(fragment),
            cached_message_hashes=list(self._large),
        )
        if states is not None:
            state.widget_states.CopyFrom(states)
        state.context_info.url = f"{self.url}/{self.page}"
        state.context_info.timezone, state.context_info.locale, state.context_info.color_scheme = "UTC", "en-GB", "light"
        if not fragment:
            self._asked = time.perf_counter()
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def _read(self) -> None:
        try:
            async for payload in self._socket:
                now = time.perf_counter()
                if self._heard is None:
                    self._heard = now
                self._bytes += len(payload)
                message = ForwardMsg.FromString(payload)
                self._take(message, now)
                self.told(message, time.time())
        except ConnectionClosed as error:
            self._fail(Unanswered(f"/{self.page}: the connection was lost ({error})"))
        else:
            self._fail(Unanswered(f"/{self.page}: the server closed the connection"))

    def _take(self, message: ForwardMsg, now: float) -> None:
        kind = message.WhichOneof("type")
        if message.metadata.cacheable:
            self._large[message.hash] = self._runs
        elif kind == "ref_hash":
            self._large[message.ref_hash] = self._runs
        if kind == "new_session" and not message.metadata.run.fragment_ids:
            self._page_hash, self._id = message.new_session.page_script_hash, message.new_session.initialize.session_id
            for fragment in list(self._timers):  # the page says again which parts are to be drawn anew
                self._forget(fragment)
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "file_urls_response":
            if self._addresses and not self._addresses.done():
                self._addresses.set_result(message.file_urls_response)
        elif kind == "delta" and message.delta.new_element.HasField("file_uploader"):
            self._uploader = message.delta.new_element.file_uploader.id
        elif kind == "auto_rerun":
            self._every(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._forget(fragment)
        elif kind == "page_not_found":
            self._fail(Unanswered(f"there is no page /{self.page}"))
        elif kind == "delta" and message.delta.new_element.HasField("exception"):
            self.errors.append(message.delta.new_element.exception.message)
        elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._runs += 1
            self._large = {name: run for name, run in self._large.items() if self._runs - run <= _KEPT_RUNS}
            if message.script_finished != ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY and self._done and not self._done.done():
                self._done.set_result(now)

    def _fail(self, error: Unanswered) -> None:
        for awaited in (self._done, self._addresses):
            if awaited and not awaited.done():
                awaited.set_exception(error)

    def _every(self, fragment: str, interval: float) -> None:
        if fragment in self._timers and self._timers[fragment][0] == interval:
            return
        self._forget(fragment)
        self._timers[fragment] = interval, asyncio.create_task(self._again(fragment, interval))

    async def _again(self, fragment: str, interval: float) -> None:
        """At fixed times, as a browser's timer, whether the last answer has come or not."""
        due = time.monotonic()
        with suppress(ConnectionClosed):
            while True:
                due = max(due + interval, time.monotonic())
                await asyncio.sleep(due - time.monotonic())
                self.reruns += 1
                await self._send(fragment)

    def _forget(self, fragment: str) -> None:
        known = self._timers.pop(fragment, None)
        if known:
            known[1].cancel()


async def _visited(url: str, page: str, query: str) -> Answer:
    session = await Session(url).open()
    try:
        answer = await session.ask(page, query)
    finally:
        await session.close()
    if session.errors:
        raise Unanswered(f"/{page}{query} shows an error: {session.errors[0]}")
    return answer


def visited(url: str, page: str, query: str = "") -> Answer:
    """The first view of a page in a session of its own. Raises Unanswered."""
    return in_loop(_visited(url, page, query))


def in_loop(work: Coroutine[Any, Any, Given]) -> Given:
    """Do asynchronous work in a thread with an event loop of its own: the caller's may already have one, as a browser's driver does."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
