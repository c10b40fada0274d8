"""What an application does with the official client: python openai_client.py BASE_URL MODEL"""

import sys

import openai

base_url, model = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, max_retries=0)
question = [{"role": "user", "content": "Name three rivers."}]

# Whole.
answer = client.chat.completions.create(model=model, messages=question)
assert answer.choices[0].message.content, answer
assert answer.choices[0].finish_reason == "stop", answer
assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer
whole = answer.choices[0].message.content

# Streamed, without and with usage.
chunks = list(client.chat.completions.create(model=model, messages=question, stream=True))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == whole, (text, whole)
if not model.startswith("deepseek"):
    assert all(chunk.usage is None for chunk in chunks), "usage that nobody asked for"
assert chunks[-1].choices[0].finish_reason == "stop", chunks[-1]

chunks = list(
    client.chat.completions.create(model=model, messages=question, stream=True, stream_options={"include_usage": True})
)
reports = [chunk.usage for chunk in chunks if chunk.usage]
assert len(reports) == 1 and reports[0].completion_tokens > 0, reports

# The stream helper, which folds chunks itself.
with client.chat.completions.stream(model=model, messages=question) as stream:
    for _ in stream:
        pass
    assert stream.get_final_completion().choices[0].message.content == whole

# Tools.
tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
extra = {"extra_body": {"thinking": {"type": "disabled"}}} if model.startswith("deepseek") else {}
call = client.chat.completions.create(
    model=model, messages=question, tools=[tool], tool_choice="required", **extra
)
assert call.choices[0].message.tool_calls[0].function.name == "look_up", call

# Errors become the client's own classes.
try:
    client.chat.completions.create(model=model, messages="no list")
    raise SystemExit("a wrong request was accepted")
except openai.BadRequestError as error:
    assert error.body["message"], error

assert [entry.id for entry in client.models.list()], "no models"
print("ok")
