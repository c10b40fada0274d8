"""Chat completions: whole, streamed, and what requests may carry."""

import asyncio
import json

from world import MODEL, QUESTION, check, says

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def whole(world, **more):
    return world.client.chat.completions.create(**{"model": MODEL, "messages": QUESTION, **more})


@check("chat/plain")
def plain(world):
    answer = whole(world)
    assert answer.object == "chat.completion" and answer.id and answer.created > 0, answer
    assert answer.choices[0].message.role == "assistant" and answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop", answer
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage


@check("chat/raw_headers")
def raw_headers(world):
    raw = world.client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION)
    assert raw.headers["content-type"].startswith("application/json"), raw.headers
    assert raw.headers["x-request-id"] == raw.request_id == raw.parse()._request_id, raw.headers
    if world.arm in ("direct", "baseline"):
        assert raw.headers["openai-processing-ms"], raw.headers
    # The mock repeats itself, names included; the gateway must not.
    assert world.arm == "direct" or raw.request_id != whole(world)._request_id, "two requests with one id"


@check("chat/stream")
def stream(world):
    chunks = list(whole(world, stream=True))
    assert text_of(chunks) == whole(world).choices[0].message.content
    assert all(chunk.usage is None for chunk in chunks), "usage that nobody asked for"
    assert all(chunk.object == "chat.completion.chunk" for chunk in chunks), chunks[0]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1, "chunks of several answers"
    assert chunks[0].choices[0].delta.role == "assistant", chunks[0]
    assert all(len(chunk.choices) == 1 for chunk in chunks), "a chunk without its choice"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].choices[0].finish_reason == "stop", chunks[-1]


@check("chat/stream_usage")
def stream_usage(world):
    *chunks, last = whole(world, stream=True, stream_options={"include_usage": True})
    assert last.choices == [] and last.usage.completion_tokens > 0, last
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens, last
    assert all(chunk.choices and chunk.usage is None for chunk in chunks), "usage before its own chunk"
    # Servers that only resemble OpenAI leave it out.
    assert world.arm == "either" or all("usage" in chunk.model_fields_set for chunk in chunks), "usage is not null"
    assert chunks[-1].choices[0].finish_reason == "stop", chunks[-1]


@check("chat/stream_helper")
def stream_helper(world):
    kinds = set()
    options = {"include_usage": True}
    with world.client.chat.completions.stream(model=MODEL, messages=QUESTION, stream_options=options) as events:
        for event in events:
            kinds.add(event.type)
        final = events.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds
    assert final.choices[0].message.content == whole(world).choices[0].message.content
    assert final.usage.completion_tokens > 0, final


@check("chat/stream_frames")
def stream_frames(world):
    with world.client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=QUESTION, stream=True
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream"), response.headers
        assert response.headers["x-request-id"], response.headers
        lines = list(response.iter_lines())
    # Signs of life while the provider has not begun; each is a frame of its own.
    while lines[0].startswith(":"):
        assert lines[1] == "", lines[:2]
        del lines[:2]
    assert set(lines[1::2]) == {""}, "an event that is not one line and a blank one"
    assert all(line.startswith("data: ") for line in lines[::2]), lines
    assert lines[-2] == "data: [DONE]", lines[-2:]
    assert all(json.loads(line[6:]) for line in lines[:-2:2])


@check("chat/async_parallel")
def async_parallel(world):
    async def one(client, number):
        question = says(f"Name {number} rivers.")
        chunks = [chunk async for chunk in await client.chat.completions.create(**question, stream=True)]
        answer = await client.chat.completions.create(**question)
        return text_of(chunks), answer.choices[0].message.content

    async def all_of_them():
        async with world.async_client() as client:
            return await asyncio.gather(*(one(client, number) for number in range(20)))

    answers = asyncio.run(all_of_them())
    assert all(streamed == answer for streamed, answer in answers), "streams were mixed up"
    assert len({answer for _, answer in answers}) > 1, "twenty questions with one answer"


@check("chat/n", served_by="baseline")
def alternatives(world):
    answer = whole(world, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1], answer
    texts = ["", ""]
    for chunk in whole(world, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [choice.message.content for choice in answer.choices], texts
    assert all(texts), texts


@check("chat/logprobs", served_by="either")
def logprobs(world):
    answer = whole(world, logprobs=True, top_logprobs=2)
    choice = answer.choices[0]
    assert choice.message.content == "".join(token.token for token in choice.logprobs.content), choice
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in choice.logprobs.content), choice
    chunks = list(whole(world, logprobs=True, top_logprobs=2, stream=True))
    parts = [part for chunk in chunks for part in chunk.choices if part.logprobs]
    assert text_of(chunks) == "".join(token.token for part in parts for token in part.logprobs.content or [])


@check("chat/vision")
def vision(world):
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]
    answer = world.client.chat.completions.create(**says("", [{"role": "user", "content": parts}]))
    assert answer.choices[0].message.content, answer


@check("chat/audio", served_by="baseline")
def audio(world):
    out = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    assert whole(world, **out).choices[0].message, "no message"
    parts = [{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]
    assert whole(world, messages=[{"role": "user", "content": parts}]).choices[0].message, "no message"


@check("chat/reasoning_effort")
def reasoning_effort(world):
    for answer in (whole(world, reasoning_effort="low"), whole(world, model="gpt-5-mini", reasoning_effort="high")):
        message = answer.choices[0].message
        assert message.content and not getattr(message, "reasoning_content", None), message
    for chunk in whole(world, reasoning_effort="low", stream=True):
        assert all(not getattr(choice.delta, "reasoning_content", None) for choice in chunk.choices), chunk


@check("chat/developer_role")
def developer_role(world):
    answer = whole(world, messages=[{"role": "developer", "content": "Be short."}, *QUESTION])
    assert answer.choices[0].message.content, answer


@check("chat/max_completion_tokens")
def max_completion_tokens(world):
    answer = whole(world, max_completion_tokens=5)
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens <= 5, answer
    *_, last = whole(world, max_completion_tokens=5, stream=True)
    assert last.choices[0].finish_reason == "length", last


@check("chat/dropped_members")
def dropped_members(world):
    """What the candidate does not know is left out, and said."""
    raw = world.client.chat.completions.with_raw_response.create(
        model=MODEL, messages=QUESTION, seed=7, presence_penalty=0.5, temperature=0.5
    )
    assert raw.parse().choices[0].message.content
    said = (raw.headers.get("x-weighbridge-dropped") or "").split(", ")
    assert sorted(said) == (["presence_penalty", "seed"] if world.arm == "candidate" else [""]), said


@check("chat/unknown_members")
def unknown_members(world):
    more = {"x_number": 12345678901234567890, "x_text": "\u2028 \U0001f30d \\", "x_nested": {"b": [1.0, None], "a": {}}}
    answer = whole(
        world, seed=7, user="u-1", metadata={"team": "é"}, temperature=0.0, stop=["END"], extra_body=more
    )
    assert answer.choices[0].message.content, answer
    # The test reads this line and looks for the same bytes at the provider.
    print("sent " + json.dumps(world.attempts[-1][1].content.decode()))
