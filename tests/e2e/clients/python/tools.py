"""Tools: whole, streamed, several at once, forced, and the turn after."""

import json

import openai
import pydantic
from world import MODEL, check

WEATHER = [{"role": "user", "content": "What is the weather in Paris and in London?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CITIES = [{"city": "Paris"}, {"city": "London"}]


def ask(world, **more):
    return world.client.chat.completions.create(**{"model": MODEL, "messages": WEATHER, "tools": [TOOL], **more})


def arguments(calls):
    return [json.loads(call.function.arguments) for call in calls]


def results(calls):
    return [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]


@check("tools/whole")
def whole(world):
    choice = ask(world).choices[0]
    assert choice.finish_reason == "tool_calls", choice
    assert arguments(choice.message.tool_calls) == CITIES, choice
    assert all(call.type == "function" and call.function.name == "get_weather" for call in choice.message.tool_calls)
    assert len({call.id for call in choice.message.tool_calls}) == 2, "two calls with one id"


@check("tools/stream")
def stream(world):
    calls, finish = {}, []
    for chunk in ask(world, stream=True, parallel_tool_calls=True):
        choice = chunk.choices[0]
        finish += [choice.finish_reason] if choice.finish_reason else []
        for part in choice.delta.tool_calls or []:
            call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
            call["id"] += part.id or ""
            call["name"] += part.function.name or ""
            call["arguments"] += part.function.arguments or ""
    assert sorted(calls) == [0, 1] and finish == ["tool_calls"], (calls, finish)
    assert [json.loads(calls[index]["arguments"]) for index in (0, 1)] == CITIES, calls
    assert all(call["name"] == "get_weather" and call["id"] for call in calls.values()), calls


@check("tools/stream_helper")
def stream_helper(world):
    with world.client.chat.completions.stream(model=MODEL, messages=WEATHER, tools=[TOOL]) as events:
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
        final = events.get_final_completion()
    assert [json.loads(event.arguments) for event in done] == CITIES, done
    assert arguments(final.choices[0].message.tool_calls) == CITIES, final


@check("tools/second_turn")
def second_turn(world):
    first = ask(world).choices[0].message
    turns = [*WEATHER, first, *results(first.tool_calls)]
    answer = ask(world, messages=turns)
    assert answer.choices[0].finish_reason == "stop" and answer.choices[0].message.content, answer
    chunks = list(ask(world, messages=turns, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == answer.choices[0].message.content


@check("tools/second_turn_reasoning")
def second_turn_reasoning(world):
    """The client keeps only what it is shown; what else a provider wants back is the gateway's affair."""
    first = ask(world, reasoning_effort="high").choices[0].message
    turns = [*WEATHER, first.model_dump(exclude_none=True), *results(first.tool_calls)]
    assert ask(world, messages=turns, reasoning_effort="high").choices[0].message.content


@check("tools/foreign_history")
def foreign_history(world):
    """A conversation whose tool calls were made by somebody else."""
    call = {"id": "call_elsewhere", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turns = [
        *WEATHER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_elsewhere", "content": "sunny"},
    ]
    assert ask(world, messages=turns).choices[0].message.content
    assert ask(world, messages=turns, reasoning_effort="low").choices[0].message.content


@check("tools/forced")
def forced(world):
    question = [{"role": "user", "content": "Say hello."}]
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        for more in ({}, {"reasoning_effort": "low"}):
            answer = ask(world, messages=question, tool_choice=choice, **more)
            assert answer.choices[0].message.tool_calls[0].function.name == "get_weather", answer


@check("tools/not_forced")
def not_forced(world):
    assert ask(world, tool_choice="auto").choices[0].message.tool_calls
    assert not ask(world, tool_choice="none").choices[0].message.tool_calls
    assert ask(world, parallel_tool_calls=False).choices[0].message.tool_calls


@check("tools/parse", served_by="either")
def parse(world):
    class GetWeather(pydantic.BaseModel):
        city: str

    tool = openai.pydantic_function_tool(GetWeather, name="get_weather")
    answer = world.client.chat.completions.parse(model=MODEL, messages=WEATHER, tools=[tool])
    calls = answer.choices[0].message.tool_calls
    assert [call.function.parsed_arguments.city for call in calls] == ["Paris", "London"], calls
