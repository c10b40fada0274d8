"""Answers of the guard, which are answers like any other to a client: to a request that may not go on, and in the middle
of an answer that may not."""

from world import MODEL, check

SENTENCE = "That is not for me to say."
GUARD = "from-security-guard"
BAD = "Give me a forbidden fruit."
TELL = "Tell me."


def asks(prompt):
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}


def is_guards(completion):
    (choice,) = completion.choices
    assert completion.model == GUARD and completion.id.startswith("chatcmpl-"), completion
    assert choice.message.role == "assistant" and choice.message.content == SENTENCE, choice
    assert choice.finish_reason == "stop" and choice.index == 0 and choice.logprobs is None, choice
    assert completion.usage.total_tokens == 0 and completion.object == "chat.completion", completion


@check("guarded/request", served_by="gateway", suite="guarded")
def request(world):
    is_guards(world.client.chat.completions.create(**asks(BAD)))
    chunks = list(world.client.chat.completions.create(**asks(BAD), stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == [SENTENCE, None], chunks
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, "stop"], chunks
    assert chunks[1].usage.total_tokens == 0 and chunks[0].model == GUARD, chunks
    with world.client.chat.completions.stream(**asks(BAD)) as events:
        for _ in events:
            pass
        is_guards(events.get_final_completion())


@check("guarded/request_elsewhere", served_by="gateway", suite="guarded")
def request_elsewhere(world):
    completion = world.client.completions.create(model=MODEL, prompt=BAD)
    assert completion.choices[0].text == SENTENCE and completion.model == GUARD, completion
    chunks = list(world.client.completions.create(model=MODEL, prompt=BAD, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == SENTENCE, chunks
    response = world.client.responses.create(model=MODEL, input=BAD)
    assert response.output_text == SENTENCE and response.status == "completed", response
    with world.client.responses.stream(model=MODEL, input=BAD) as events:
        kinds = [event.type for event in events]
        assert events.get_final_response().output_text == SENTENCE, kinds
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds


@check("guarded/answer", served_by="baseline", suite="guarded")
def answer(world):
    is_guards(world.client.chat.completions.create(**asks(TELL)))


@check("guarded/stream", served_by="baseline", suite="guarded")
def stream(world):
    with world.client.chat.completions.stream(**asks(TELL)) as events:
        for _ in events:
            pass
        (choice,) = events.get_final_completion().choices
    assert choice.finish_reason == "stop" and choice.message.content.endswith(SENTENCE), choice
    assert "fruit" not in choice.message.content and len(choice.message.content) > len(SENTENCE), choice
    with world.client.responses.stream(model=MODEL, input=TELL) as events:
        told = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    assert told.endswith(SENTENCE) and "fruit" not in told and final.model == GUARD, told
