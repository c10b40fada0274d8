"""What the checks share: a table of named checks, clients that note who answered, and the runner.

    python run.py LEFT_OUT SUITE ARM BASE_URL [SUITE ARM BASE_URL ...]

ARM is who should answer: `baseline` or `candidate` through a gateway, `either`, or `direct` where there is no gateway.
LEFT_OUT holds names of checks, or the first part of their names, that are left out; separated by commas.
"""

import sys
import time
import traceback

import openai

MODEL = "gpt-4o-mini"
KEY = "sk-key-of-the-client"
SECRETS = {"cookie": "session=of-the-client", "x-weighbridge-consumer": "somebody-else"}
QUESTION = [{"role": "user", "content": "Name three rivers."}]

CHECKS = []


def check(name, served_by="candidate", suite="features"):
    """Registers a check. `served_by` is who answers while everything is meant for the candidate: `candidate`,
    `baseline` where the candidate cannot, `either`, or `gateway` where no provider is asked."""

    def register(function):
        CHECKS.append((suite, name, served_by, function))
        return function

    return register


def says(text, question=None):
    """A question as a message, and the usual arguments of a chat call."""
    return {"model": MODEL, "messages": [{"role": "user", "content": text}] if question is None else question}


class World:
    """Clients of one base URL. They are the official ones; hooks note what came back."""

    def __init__(self, base_url, arm):
        self.base_url, self.arm = base_url, arm
        self.answers = []
        self.attempts = []
        self.client = self.open(openai.OpenAI, openai.DefaultHttpxClient, self.note_request, self.note)

        async def note_request(request):
            self.note_request(request)

        async def note(response):
            self.note(response)

        self.async_client = lambda: self.open(
            openai.AsyncOpenAI, openai.DefaultAsyncHttpxClient, note_request, note
        )

    def open(self, kind, http, note_request, note):
        return kind(
            base_url=self.base_url,
            api_key=KEY,
            organization="org-of-the-client",
            project="proj-of-the-client",
            default_headers=SECRETS,
            max_retries=0,
            timeout=60,
            http_client=http(event_hooks={"request": [note_request], "response": [note]}),
        )

    def note_request(self, request):
        self.attempts.append((time.monotonic(), request))

    def note(self, response):
        self.answers.append(response)

    def start(self):
        self.answers, self.attempts = [], []

    def check_arm(self, served_by):
        """Every good answer of a check must come from whom it should."""
        arms = {answer.headers.get("x-weighbridge-arm") for answer in self.answers if answer.status_code < 400}
        if self.arm == "direct" or served_by == "gateway":
            wanted = set()
        elif self.arm == "baseline":
            wanted = {"baseline"}
        elif self.arm == "either" or served_by == "either":
            wanted = {"baseline", "candidate"}
        else:
            wanted = {served_by}
        assert arms - {None} <= wanted and (not wanted or None not in arms), f"answered by {arms}, not by {wanted}"


def refused(kind, call):
    """The exception of a call that must be refused with exactly this class, in OpenAI's shape."""
    try:
        call()
    except openai.APIStatusError as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        body = error.response.json()
        assert list(body) == ["error"] and {"message", "type", "param", "code"} <= set(body["error"]), body
        assert body["error"]["message"] and body["error"]["type"], body
        assert error.request_id, "an error without x-request-id"
        assert error.response.headers["content-type"].startswith("application/json"), error.response.headers
        assert KEY not in error.response.text, "the client's key is shown"
        return error
    raise AssertionError(f"accepted instead of {kind.__name__}")


def run_suite(world, suite, left_out):
    """One line a check; says whether all held."""
    held = True
    for _, name, served_by, function in [entry for entry in CHECKS if entry[0] == suite]:
        if name.startswith(left_out):
            print(f"skip {name}")
            continue
        world.start()
        try:
            function(world)
            world.check_arm(served_by)
            print(f"ok {name}")
        except Exception as error:
            held = False
            frames = traceback.extract_tb(error.__traceback__)
            where = [frame for frame in frames if "clients/python" in frame.filename][-1]
            why = f"{type(error).__name__}: {error} [line {where.lineno}: {where.line}]"
            print(f"FAIL {name} ({suite}, {world.arm}): {why}".replace("\n", " "))
    return held


def main():
    not_yet, *rest = sys.argv[1:]
    left_out = tuple(name for name in not_yet.split(",") if name)
    runs = zip(rest[0::3], rest[1::3], rest[2::3], strict=True)
    held = [run_suite(World(base_url, arm), suite, left_out) for suite, arm, base_url in runs]
    sys.exit(0 if all(held) else 1)
