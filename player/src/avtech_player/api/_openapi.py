"""The local API described in OpenAPI 3.1, for those who generate clients and for tests that try everything."""

from typing import Any

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_TIME = {"type": "string", "format": "date-time"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def openapi() -> dict[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AVTech player",
            "version": "1",
            "description": "What the player on this device does. It listens on this device alone.",
        },
        "servers": [{"url": "http://127.0.0.1:8081"}],
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": _schemas()},
        "paths": _paths(),
    }


def _paths() -> dict[str, Any]:
    return {
        "/healthz": {"get": _operation("health", "Whether the player runs", "Health", secret=False)},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Metrics for Prometheus",
                "security": [],
                "responses": {"200": {"description": "In the text format", "content": {"text/plain": {"schema": _TEXT}}}},
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "security": [],
                "responses": {"200": _json("The document", {"type": "object"})},
            }
        },
        "/v1/status": {"get": _operation("status", "What plays, what should, and why not", "Status")},
        "/v1/status/sync": {"post": _operation("sync", "Look for a release now", "Asked", status=202)},
        "/v1/status/reconcile": {
            "post": _operation(
                "reconcile", "Read every clip anew, repair what is damaged, look for a release", "Asked", status=202
            )
        },
        "/v1/assets/status": {"get": _operation("assets", "The clips on the disk and the room that is left", "Assets")},
        "/v1/assets/cleanup": {"post": _cleanup()},
        "/v1/now": {"get": _operation("now", "What is on the screen and on the air", "Now")},
        "/v1/screenshot": {"get": _screenshot()},
    }


def _operation(name: str, summary: str, schema: str, *, status: int = 200, secret: bool = True) -> dict[str, Any]:
    responses = {str(status): _json(summary, _ref(schema))}
    if not secret:
        return {"operationId": name, "summary": summary, "security": [], "responses": responses}
    return {"operationId": name, "summary": summary, "responses": {**responses, **_problems("401", "503")}}


def _cleanup() -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["daysOld"],
        "additionalProperties": False,
        "properties": {"daysOld": {"type": "number", "minimum": 0, "maximum": 36500}, "dryRun": {"type": "boolean"}},
    }
    return {
        "operationId": "cleanup",
        "summary": "Remove clips that no kept release needed for some days",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": _json("What was removed", _ref("Cleanup")), **_problems("400", "401", "413", "415", "503")},
    }


def _screenshot() -> dict[str, Any]:
    picture = {
        "description": "A PNG",
        "content": {"image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}}},
    }
    return {
        "operationId": "screenshot",
        "summary": "What is on screen",
        "responses": {"200": picture, **_problems("401", "503")},
    }


def _schemas() -> dict[str, Any]:
    release = _object(sequence=_COUNT, commit=_TEXT, digest=_SHA256)
    engine = _object(kind=_TEXT, version=_TEXT, state=_TEXT, restarts=_COUNT)
    playing = _object(clip=_TEXT, rule=_maybe(_TEXT), since=_TIME)
    clip = _object(clip=_TEXT, sha256=_SHA256, rule=_maybe(_TEXT), durationMs=_COUNT)
    idle = _object(name=_TEXT, size=_COUNT, used=_TIME)
    return {
        "Problem": _object(title=_TEXT, status={"type": "integer"}, detail=_TEXT),
        "Health": _object(healthy={"type": "boolean"}, state=_TEXT),
        "Asked": {
            "type": "object",
            "required": ["asked"],
            "properties": {"asked": {"type": "boolean"}, "begun": {"type": "boolean"}},
            "additionalProperties": False,
        },
        "Status": _object(
            screen=_TEXT,
            state=_TEXT,
            phase=_TEXT,
            desired=_maybe(release),
            applied=_maybe(release),
            candidate=_maybe(release),
            quarantine=_list(_object(digest=_SHA256, sequence=_COUNT, commit=_TEXT, reason=_TEXT, time=_TIME)),
            counters=_object(attempts=_COUNT, successes=_COUNT, failures=_COUNT, consecutiveFailures=_COUNT, meanTimeMs=_COUNT),
            lastError=_maybe(_TEXT),
            nowPlaying=_maybe(playing),
            engine=_maybe(engine),
            clockTrusted=_maybe({"type": "boolean"}),
            reported=_maybe(_TIME),
        ),
        "Assets": _object(
            storage=_object(freeBytes=_COUNT, contentBytes=_COUNT, minFreeBytes=_COUNT, maxBytes=_maybe(_COUNT)),
            assets=_list(_object(sha256=_SHA256, size=_COUNT, durationMs=_COUNT, present={"type": "boolean"})),
            idle=_list(idle),
            scrub=_object(checked=_COUNT, damaged=_COUNT, due=_maybe(_TIME), finished=_maybe(_TIME)),
        ),
        "Cleanup": _object(dryRun={"type": "boolean"}, removed=_list(idle), bytes=_COUNT),
        "Now": _object(nowPlaying=_maybe(playing), onAir=_list(clip), until=_maybe(_TIME), engine=_maybe(engine)),
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties, "additionalProperties": False}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _maybe(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_MEANINGS = {
    "400": "The body does not say what it should",
    "401": "The token is missing or wrong",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "503": "The disk or the engine does not do it now",
}


def _problems(*statuses: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}
