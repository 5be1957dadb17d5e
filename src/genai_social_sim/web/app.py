"""The application: the API, the stream for programs, and the files of the page, behind the guard."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from genai_social_sim.errors import NoSuchTurnError, RecordError, RequestError, SocialSimError
from genai_social_sim.web import openapi
from genai_social_sim.web.conditions import Conditioned, NoSuchStudyError
from genai_social_sim.web.endpoints import ENDPOINTS, Endpoint, Site
from genai_social_sim.web.folder import Folder, NoSuchRunError
from genai_social_sim.web.forum import Boards
from genai_social_sim.web.guard import Guard, Terms
from genai_social_sim.web.network import Networks, NoSuchChannelError
from genai_social_sim.web.queries import OfHistory
from genai_social_sim.web.society import NoSuchAgentError
from genai_social_sim.web.sources import Sources
from genai_social_sim.web.states import Statements
from genai_social_sim.web.stream import stream
from genai_social_sim.web.summary import Summaries
from genai_social_sim.web.tally import Tallies

_VIEWS: Final = ("/", "/compare", "/conditions", "/runs/{run}", "/runs/{run}/{view}", "/runs/{run}/turns/{turn}")
_COMPRESSED_FROM: Final = 50_000  # bytes; below that, loopback is quicker than gzip


def application(root: Path, sources: Sources, terms: Terms) -> Starlette:
    """The page over the run files in `root`."""
    folder = Folder(root, sources.open, sources.clock.elapsed)
    site = _site(folder, sources)
    described = json.dumps(openapi.document(ENDPOINTS, version=sources.version)).encode()
    page = (files("genai_social_sim.web") / "static" / "index.html").read_bytes()

    async def shown(request: Request) -> Response:
        return Response(page, media_type="text/html")

    async def contract(request: Request) -> Response:
        return Response(described, media_type="application/json")

    routes = [
        *(Route(endpoint.path, _answering(site, endpoint), name=endpoint.name) for endpoint in ENDPOINTS),
        Route(openapi.STREAM, _streaming(site), name="stream"),
        Route("/api/openapi.json", contract),
        *(Route(view, shown) for view in _VIEWS),
        Mount("/static", StaticFiles(packages=[("genai_social_sim.web", "static")])),
    ]
    middleware = [Middleware(Guard, terms), Middleware(GZipMiddleware, minimum_size=_COMPRESSED_FROM, compresslevel=3)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: _no_route})


def _site(folder: Folder, sources: Sources) -> Site:
    statements = Statements()
    return Site(
        folder=folder,
        sources=sources,
        summaries=Summaries(folder, sources),
        tallies=Tallies(),
        networks=Networks(),
        statements=statements,
        conditioned=Conditioned(folder, statements, sources),
        boards=Boards(),
    )


def _answering(site: Site, endpoint: Endpoint) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            query = _asked(request, endpoint.query)
            return _json(200, await run_in_threadpool(endpoint.call, site, query))
        except SocialSimError as fault:
            return _fault(fault)

    return answer


def _streaming(site: Site) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            query: OfHistory = _asked(request, OfHistory)
            last = request.headers.get("last-event-id")
            if last is not None:
                query = _asked(request, OfHistory, after=last)
            await run_in_threadpool(site.started, query.run)  # a file that is no record is refused before it begins
        except SocialSimError as fault:
            return _fault(fault)
        return StreamingResponse(stream(site, query), media_type="text/event-stream")

    return answer


def _asked(request: Request, query: type[Any], **more: str) -> Any:
    """The parameters of a question, checked; raises RequestError."""
    given = {**request.query_params, **request.path_params, **more}
    given.pop("token", None)  # the guard has looked at it
    try:
        return query.model_validate(given)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"]))
        remedy = "GET /api/openapi.json says what can be asked."
        raise RequestError(f"{where}: {first['msg']}", where=request.url.path, remedy=remedy) from None


def _fault(fault: SocialSimError) -> Response:
    status = 409 if isinstance(fault, RecordError) else 400
    if isinstance(fault, NoSuchRunError | NoSuchAgentError | NoSuchChannelError | NoSuchTurnError | NoSuchStudyError):
        status = 404
    error = {"code": fault.code, "message": fault.problem, "where": "", "remedy": fault.remedy}
    return _json(status, {"error": error})


async def _no_route(request: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 404
    error = {"code": "no-such-page", "message": "there is nothing here", "where": "", "remedy": "Start at /."}
    return _json(status, {"error": error})


def _json(status: int, document: Any) -> Response:
    try:
        body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # a number that JSON does not have, in what a backend noted
        body = json.dumps(_finite(document), ensure_ascii=False, separators=(",", ":"))
    return Response(body.encode("utf-8", "replace"), status, media_type="application/json")


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if isfinite(value) else None
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list():
            return [_finite(each) for each in value]
        case _:
            return value
