"""Refusals and failures, as the client's own exception classes."""

import asyncio
import time

import openai
from world import MODEL, QUESTION, check, refused, says


def ask(world, **more):
    return world.client.chat.completions.create(**{"model": MODEL, "messages": QUESTION, **more})


@check("errors/bad_type")
def bad_type(world):
    error = refused(openai.BadRequestError, lambda: ask(world, messages="no list"))
    assert error.type == "invalid_request_error" and error.param == "messages", error.body
    error = refused(openai.BadRequestError, lambda: ask(world, messages="no list", stream=True))
    assert error.param == "messages", error.body


@check("errors/bad_parameter")
def bad_parameter(world):
    for more in ({}, {"stream": True}):
        error = refused(openai.BadRequestError, lambda: ask(world, temperature=-1, **more))
        assert error.type == "invalid_request_error" and "temperature" in error.message, error.body
        # The other vendor does not say which member it was.
        by_candidate = error.response.headers.get("x-weighbridge-arm") == "candidate"
        assert by_candidate or error.param == "temperature", error.body


@check("errors/bad_model")
def bad_model(world):
    for model in ("gpt-unheard-of", "gpt-gone"):
        error = refused(openai.NotFoundError, lambda: ask(world, model=model))
        assert error.code == "model_not_found" and error.type == "invalid_request_error", error.body


@check("errors/context_length")
def context_length(world):
    error = refused(openai.BadRequestError, lambda: ask(world, **says("river " * 1_500_000)))
    assert error.code == "context_length_exceeded" and error.type == "invalid_request_error", error.body


@check("errors/bad_url")
def bad_url(world):
    error = refused(openai.NotFoundError, lambda: world.client.get("/nowhere", cast_to=object))
    assert error.type == "invalid_request_error", error.body
    error = refused(openai.NotFoundError, lambda: world.client.post("/batches", body={}, cast_to=object))
    assert error.type == "invalid_request_error", error.body


def attempts(world, kind, **more):
    """Calls with one retry; returns the error and the seconds between the two attempts."""
    world.start()
    error = refused(kind, lambda: ask(world, **more))
    (first, request), (second, repeated) = world.attempts
    assert [r.headers["x-stainless-retry-count"] for r in (request, repeated)] == ["0", "1"]
    ids = {answer.headers["x-request-id"] for answer in world.answers}
    assert len(ids) == 2, "two attempts with one request id"
    return error, second - first


@check("errors/rate_limit", suite="rate_limit")
def rate_limit(world):
    """The providers say 900 ms; without that advice the client would wait half a second at most."""
    world.client = world.client.with_options(max_retries=1)
    for more in ({}, {"stream": True}):
        error, seconds = attempts(world, openai.RateLimitError, **more)
        assert error.type == "requests" and error.code == "rate_limit_exceeded", error.body
        assert world.arm == "candidate" or error.response.headers["retry-after-ms"] == "900", error.response.headers
        assert float(error.response.headers["retry-after"]) >= 0.9, error.response.headers
        assert seconds >= 0.89, f"the client waited {seconds:.3f} s"


@check("errors/server_error", suite="server_error")
def server_error(world):
    world.client = world.client.with_options(max_retries=1)
    for more in ({}, {"stream": True}):
        error, _ = attempts(world, openai.InternalServerError, **more)
        assert error.status_code >= 500 and error.type in ("server_error", "service_unavailable_error"), error.body


@check("errors/wrong_key", suite="wrong_key")
def wrong_key(world):
    """A refusal of the gateway's key is not the client's fault."""
    if world.arm == "direct":
        error = refused(openai.AuthenticationError, lambda: ask(world))
        assert error.code == "invalid_api_key", error.body
    else:
        error = refused(openai.InternalServerError, lambda: ask(world))
        assert error.code == "upstream_auth", error.body


@check("errors/broken_stream", suite="broken_stream", served_by="either")
def broken_stream(world):
    """An answer that breaks off in the middle is an error, not a short answer."""
    chunks = []
    try:
        for chunk in ask(world, stream=True):
            chunks.append(chunk)
        raise AssertionError(f"ended well after {len(chunks)} chunks")
    except openai.APIError as error:
        assert not isinstance(error, openai.APIStatusError) and error.message, error
    assert chunks, "nothing came before the error"


@check("errors/abort", suite="abort", served_by="either")
def abort(world):
    """The client goes away in the middle of a stream that would never end; the test looks for the record."""
    stream = ask(world, stream=True)
    assert next(stream).choices, "no first chunk"
    stream.close()
    begun = time.monotonic()
    with world.client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True) as stream:
        next(stream)
    assert time.monotonic() - begun < 30, "closing waits for the end of the stream"

    async def cancelled():
        async with world.async_client() as client:
            stream = await client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True)
            async for _ in stream:
                asyncio.current_task().cancel()

    try:
        asyncio.run(cancelled())
        raise AssertionError("the stream ended before it was cancelled")
    except asyncio.CancelledError:
        pass


@check("errors/timeout", suite="slow")
def timeout(world):
    """The client gives up before the first byte."""
    for more in ({}, {"stream": True}):
        try:
            ask(world, timeout=0.5, **more)
            raise AssertionError("answered in time")
        except openai.APITimeoutError:
            pass
