"""Answers in JSON."""

import json

import pydantic
from world import MODEL, check

QUESTION = [{"role": "user", "content": "Describe a river as JSON."}]


class River(pydantic.BaseModel):
    name: str
    length_km: int
    countries: list[str]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "river", "strict": True, "schema": River.model_json_schema()}}


@check("formats/json_object")
def json_object(world):
    asked = {"model": MODEL, "messages": QUESTION, "response_format": {"type": "json_object"}}
    answer = world.client.chat.completions.create(**asked)
    assert isinstance(json.loads(answer.choices[0].message.content), dict), answer
    chunks = world.client.chat.completions.create(**asked, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == answer.choices[0].message.content, text


# The candidate has no schemas of its own; a policy may make it imitate them.
@check("formats/json_schema", served_by="either")
def json_schema(world):
    answer = world.client.chat.completions.create(model=MODEL, messages=QUESTION, response_format=SCHEMA)
    assert River.model_validate_json(answer.choices[0].message.content), answer


@check("formats/parse", served_by="either")
def parse(world):
    answer = world.client.chat.completions.parse(model=MODEL, messages=QUESTION, response_format=River)
    assert isinstance(answer.choices[0].message.parsed, River), answer


@check("formats/parse_stream", served_by="either")
def parse_stream(world):
    with world.client.chat.completions.stream(model=MODEL, messages=QUESTION, response_format=River) as events:
        for _ in events:
            pass
        assert isinstance(events.get_final_completion().choices[0].message.parsed, River)
