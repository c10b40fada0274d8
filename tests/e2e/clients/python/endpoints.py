"""Everything but chat: legacy completions, embeddings, responses, moderations, models."""

import base64
import json
import struct

import pydantic
from tools import WEATHER
from world import MODEL, check

INSTRUCT = "gpt-3.5-turbo-instruct"
EMBEDDING = "text-embedding-3-small"
MODERATION = "omni-moderation-latest"
FUNCTION = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
TEXT_EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


@check("completions/plain", served_by="baseline")
def completions(world):
    answer = world.client.completions.create(model=INSTRUCT, prompt="Rivers are", max_tokens=20)
    assert answer.object == "text_completion" and answer.choices[0].text, answer
    assert answer.choices[0].finish_reason in ("stop", "length"), answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer


@check("completions/stream", served_by="baseline")
def completions_stream(world):
    asked = {"model": INSTRUCT, "prompt": "Rivers are"}
    answer = world.client.completions.create(**asked)
    chunks = list(world.client.completions.create(**asked, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == answer.choices[0].text
    assert all(chunk.usage is None for chunk in chunks), "usage that nobody asked for"
    *_, last = world.client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    assert last.choices == [] and last.usage.completion_tokens == answer.usage.completion_tokens, last


@check("embeddings/default", served_by="baseline")
def embeddings(world):
    """The client asks for base64 of its own accord and decodes it."""
    answer = world.client.embeddings.create(model=EMBEDDING, input="a river")
    assert json.loads(world.attempts[-1][1].content)["encoding_format"] == "base64"
    assert answer.object == "list" and len(answer.data[0].embedding) > 8, answer
    assert all(isinstance(number, float) for number in answer.data[0].embedding)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0, answer.usage


@check("embeddings/formats", served_by="baseline")
def embeddings_formats(world):
    asked = {"model": EMBEDDING, "input": "a river"}
    default = world.client.embeddings.create(**asked).data[0].embedding
    floats = world.client.embeddings.create(**asked, encoding_format="float").data[0].embedding
    text = world.client.embeddings.create(**asked, encoding_format="base64").data[0].embedding
    bits = base64.b64decode(text)
    assert default == list(struct.unpack(f"<{len(bits) // 4}f", bits)), "base64 differs"
    assert len(floats) == len(default) and all(abs(a - b) < 1e-6 for a, b in zip(floats, default)), "floats differ"


@check("embeddings/batch", served_by="baseline")
def embeddings_batch(world):
    answer = world.client.embeddings.create(model=EMBEDDING, input=["one", "two", "three"], dimensions=16)
    assert [item.index for item in answer.data] == [0, 1, 2], answer
    assert all(len(item.embedding) == 16 for item in answer.data), "dimensions were ignored"
    assert answer.data[0].embedding != answer.data[1].embedding, "two texts with one embedding"
    assert world.client.embeddings.create(model=EMBEDDING, input=[[1, 2], [3]]).data[1].index == 1


@check("responses/plain", served_by="either")
def responses(world):
    answer = world.client.responses.create(model=MODEL, input="Name three rivers.", instructions="Be short.")
    assert answer.object == "response" and answer.status == "completed" and answer.output_text, answer
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens, answer.usage
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Name three rivers."}]}]
    assert world.client.responses.create(model=MODEL, input=items, max_output_tokens=2000).output_text
    assert answer._request_id, "no request id"


@check("responses/stream", served_by="either")
def responses_stream(world):
    asked = {"model": MODEL, "input": "Name three rivers."}
    events = list(world.client.responses.create(**asked, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events))), "a gap in the numbers"
    kinds = [event.type for event in events]
    once = [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind]
    assert once == TEXT_EVENTS, once
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text == world.client.responses.create(**asked).output_text
    assert events[-1].response.usage.output_tokens > 0, events[-1]


@check("responses/stream_helper", served_by="either")
def responses_stream_helper(world):
    with world.client.responses.stream(model=MODEL, input="Name three rivers.") as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert text and events.get_final_response().output_text == text, text


@check("responses/tools", served_by="either")
def responses_tools(world):
    question = WEATHER[0]["content"]
    asked = {"model": MODEL, "tools": [FUNCTION]}
    answer = world.client.responses.create(**asked, input=question)
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Paris", "London"], calls
    done = [
        event
        for event in world.client.responses.create(**asked, input=question, stream=True)
        if event.type == "response.function_call_arguments.done"
    ]
    assert [json.loads(event.arguments)["city"] for event in done] == ["Paris", "London"], done
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    turns = [{"role": "user", "content": question}, *answer.output, *results]
    assert world.client.responses.create(**asked, input=turns).output_text


@check("responses/parse", served_by="either")
def responses_parse(world):
    class River(pydantic.BaseModel):
        name: str

    answer = world.client.responses.parse(model=MODEL, input="Describe a river as JSON.", text_format=River)
    assert isinstance(answer.output_parsed, River), answer


@check("moderations/string", served_by="baseline")
def moderation(world):
    answer = world.client.moderations.create(input="I love rivers.")
    assert "model" not in json.loads(world.attempts[-1][1].content), "the client names a model after all"
    assert answer.id and answer.model and len(answer.results) == 1, answer
    assert answer.results[0].flagged is False and answer.results[0].categories.violence is False, answer
    assert 0 <= answer.results[0].category_scores.violence <= 1, answer


@check("moderations/list", served_by="baseline")
def moderation_list(world):
    answer = world.client.moderations.create(model=MODERATION, input=["I love rivers.", "I love lakes."])
    assert len(answer.results) == 2, answer
    parts = [{"type": "text", "text": "I love rivers."}]
    assert len(world.client.moderations.create(model=MODERATION, input=parts).results) == 1


@check("models/list", served_by="gateway")
def models(world):
    listed = world.client.models.list()
    assert MODEL in [model.id for model in listed], listed
    assert all(model.object == "model" and model.owned_by for model in listed), listed


@check("models/retrieve", served_by="gateway")
def model(world):
    assert world.client.models.retrieve(MODEL).id == MODEL
