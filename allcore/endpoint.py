"""Answers for other programs over HTTP: one run's model, the same function as the page and the command line."""

from __future__ import annotations

import html
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from anyio import from_thread
from fastapi import FastAPI, File, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from allcore import __version__
from allcore.base.errors import AllcoreError, NotFound
from allcore.base.fileio import SCHEMA_VERSION
from allcore.base.paths import Artifacts
from allcore.inference import answers, kinds, limits, receiving, served, uploads, worth
from allcore.inference.shelf import Shelf
from allcore.inference.uploads import Found, Refused, Upload
from allcore.runs import status, store

LOCAL = ("127.0.0.1", "localhost")
ABOUT = "For teaching and research, never for diagnosis. Pictures are judged and not kept."
_LOOK_EVERY = 0.5
"""Seconds between two looks whether somebody still waits."""


def application(artifacts: Artifacts, *, hosts: Sequence[str] = LOCAL, shelf: Shelf | None = None) -> FastAPI:
    """The endpoint for one artifacts folder, as an ASGI application.

    It answers to the names in `hosts` alone, so that a web page elsewhere can't reach it under a name of its own. Its page of
    documentation is made here and asks nothing of any other host.
    """
    models = shelf or Shelf()
    receiving.keep_in_memory()
    app = FastAPI(title="allcore", version=__version__, description=ABOUT, docs_url=None, redoc_url=None)
    app.add_middleware(_Bounded, most=limits.REQUEST_BYTES)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_exception_handler(AllcoreError, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _malformed)

    @app.get("/health", summary="Whether this endpoint is up, and its version")
    def health() -> dict[str, Any]:
        return {"status": "ok", "version": __version__}

    @app.get("/runs", summary="The runs that can answer, newest last")
    def runs() -> dict[str, Any]:
        cards = [served.read_card(job.paths) for job in store.runs(artifacts) if job.state == status.DONE]
        told = ("run", "model", "data", "synthetic", "class_names", "positive", "input_size")
        return {"schema_version": SCHEMA_VERSION, "runs": [{name: getattr(card, name) for name in told} for card in cards]}

    @app.post("/predict", summary="What a run's model says of image files (PNG, JPEG, BMP, TIFF, WebP)")
    def predict(
        request: Request,
        run: str = Query(description="The run's id, as /runs lists it"),
        kind: kinds.Kind = Query(kinds.AUTO, description="What the pictures show, where it is not to be found out"),  # noqa: B008
        anyway: bool = Query(False, description="Whether to tell label and probabilities of what can't be judged, too"),
        prevalence: str | None = Query(None, description="Share of the positive class where the pictures come from, or CLASS=SHARE"),
        files: list[UploadFile] = File(description=f"Image files or zips of them. {limits.REQUEST}"),  # noqa: B008 - FastAPI's way
    ) -> dict[str, Any]:
        paths = artifacts.run(run)
        model, adviser = models.get(paths), answers.adviser(artifacts, paths)
        whole = [_taken(file) for file in files]
        uploads.require_few(sum(map(uploads.count, whole)))
        sent = (one for file in whole for one in uploads.opened(file))
        value = worth.asked(paths, adviser, prevalence)
        found = _while_waited_for(request, uploads.answered(model, sent, adviser=adviser, kind=kind))
        return {"schema_version": SCHEMA_VERSION, "run": run, **uploads.document(adviser, found, anyway=anyway, worth=value)}

    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs() -> str:
        return _page(app.openapi())

    return app


def _while_waited_for(request: Request, found: Iterable[Found | Refused]) -> Iterator[Found | Refused]:
    """What is found, until whoever asked has gone: then the rest is not judged. To be taken in a thread of the server's."""
    looked = time.monotonic()
    for one in found:
        yield one
        if time.monotonic() - looked > _LOOK_EVERY:
            if from_thread.run(request.is_disconnected):
                raise AllcoreError("Nobody waits for the answers any more.")
            looked = time.monotonic()


def _taken(file: UploadFile) -> Upload:
    """What was sent, held once."""
    content = file.file.read()
    file.file.close()
    return Upload(file.filename or "", content)


class _Bounded:
    """Refuses a request that says, or turns out, to be larger than `most` bytes, before all of it is taken in."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said) > self._most:
            return await _too_large(self._most)(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise HTTPException(413, f"The request has more than {self._most / 1e6:.0f} MB.")
            return message

        return await self._app(scope, counted, send)


def _too_large(most: int) -> JSONResponse:
    return JSONResponse({"error": f"The request has more than {most / 1e6:.0f} MB.", "hint": "Send fewer files at once."}, 413)


def _refused(request: Request, error: AllcoreError) -> JSONResponse:
    return JSONResponse({"error": error.message, "hint": error.hint}, 404 if isinstance(error, NotFound) else 400)


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": str(error.detail), "hint": "/docs says what can be asked."}, error.status_code)


def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    missing = sorted({str(one["loc"][-1]) for one in error.errors()})
    return JSONResponse({"error": f"Missing or not as it should be: {', '.join(missing)}.", "hint": "/docs says what can be asked."}, 422)


_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font-size:.9rem}pre{padding:.8rem;border:1px solid #8888;border-radius:6px;overflow:auto}"
)


def _page(schema: dict[str, Any]) -> str:
    """The endpoint's own description as a page for people, from its OpenAPI document."""
    verbs = [(method.upper(), path, one) for path, methods in schema["paths"].items() for method, one in methods.items()]
    parts = []
    for method, path, one in verbs:
        rows = "".join(
            f"<li><code>{html.escape(given['name'])}</code>: {html.escape(given.get('description', ''))}</li>"
            for given in one.get("parameters", [])
        )
        if "requestBody" in one:
            rows += f"<li><code>files</code> (multipart/form-data): image files or zips of them. {limits.REQUEST}</li>"
        parts.append(f"<h2><code>{method} {html.escape(path)}</code></h2><p>{html.escape(one['summary'])}.</p><ul>{rows}</ul>")
    example = "curl -F files=@cell.png 'http://127.0.0.1:8600/predict?run=RUN'"
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>allcore over HTTP</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body><h1>allcore over HTTP</h1>"
        f"<p>{html.escape(ABOUT)}</p><pre>{html.escape(example)}</pre>{''.join(parts)}"
        "<p>The same for programs: <a href='/openapi.json'>openapi.json</a>.</p></body></html>"
    )
