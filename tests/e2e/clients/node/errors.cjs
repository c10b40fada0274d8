// Refusals and failures, as the client's own error classes.

const OpenAI = require('openai');
const { MODEL, QUESTION, all, assert, check, refused } = require('./world.cjs');

check('errors/bad_type', async (world) => {
  for (const more of [{}, { stream: true }]) {
    const error = await refused(OpenAI.BadRequestError, () => world.chat({ messages: 'no list', ...more }));
    assert.deepEqual([error.type, error.param], ['invalid_request_error', 'messages']);
  }
});

check('errors/bad_parameter', async (world) => {
  for (const more of [{}, { stream: true }]) {
    const error = await refused(OpenAI.BadRequestError, () => world.chat({ temperature: -1, ...more }));
    assert(error.type === 'invalid_request_error' && error.message.includes('temperature'), error.message);
    // The other vendor does not say which member it was.
    assert(error.headers.get('x-weighbridge-arm') === 'candidate' || error.param === 'temperature', error.param);
  }
});

check('errors/bad_model', async (world) => {
  for (const model of ['gpt-unheard-of', 'gpt-gone']) {
    const error = await refused(OpenAI.NotFoundError, () => world.chat({ model }));
    assert.deepEqual([error.code, error.type], ['model_not_found', 'invalid_request_error']);
  }
});

check('errors/context_length', async (world) => {
  const messages = [{ role: 'user', content: 'river '.repeat(1_500_000) }];
  const error = await refused(OpenAI.BadRequestError, () => world.chat({ messages }));
  assert.deepEqual([error.code, error.type], ['context_length_exceeded', 'invalid_request_error']);
});

check('errors/bad_url', async (world) => {
  const { client } = world;
  for (const call of [() => client.get('/nowhere'), () => client.post('/batches', { body: {} })])
    assert.equal((await refused(OpenAI.NotFoundError, call)).type, 'invalid_request_error');
});

// Calls with one retry; returns the error and the milliseconds between the two attempts.
async function attempts(world, kind, more) {
  world.start();
  world.client = world.open({ maxRetries: 1 });
  const error = await refused(kind, () => world.chat(more));
  assert.deepEqual(world.attempts.map(({ init }) => init.headers.get('x-stainless-retry-count')), ['0', '1']);
  const ids = new Set(world.answers.map((answer) => answer.headers.get('x-request-id')));
  assert.equal(ids.size, 2, 'two attempts with one request id');
  return { error, waited: world.attempts[1].at - world.attempts[0].at };
}

check(
  'errors/rate_limit',
  async (world) => {
    // The providers say 900 ms; without that advice the client would wait half a second at most.
    for (const more of [{}, { stream: true }]) {
      const { error, waited } = await attempts(world, OpenAI.RateLimitError, more);
      assert.deepEqual([error.type, error.code], ['requests', 'rate_limit_exceeded']);
      assert(world.arm === 'candidate' || error.headers.get('retry-after-ms') === '900', 'advice to wait is lost');
      assert(Number(error.headers.get('retry-after')) >= 0.9, error.headers.get('retry-after'));
      assert(waited >= 890, `the client waited ${waited} ms`);
    }
  },
  { suite: 'rate_limit' },
);

check(
  'errors/server_error',
  async (world) => {
    for (const more of [{}, { stream: true }]) {
      const { error } = await attempts(world, OpenAI.InternalServerError, more);
      assert(error.status >= 500 && ['server_error', 'service_unavailable_error'].includes(error.type), error.type);
    }
  },
  { suite: 'server_error' },
);

check(
  'errors/wrong_key',
  async (world) => {
    // A refusal of the gateway's key is not the client's fault.
    const [kind, code] =
      world.arm === 'direct'
        ? [OpenAI.AuthenticationError, 'invalid_api_key']
        : [OpenAI.InternalServerError, 'upstream_auth'];
    assert.equal((await refused(kind, () => world.chat())).code, code);
  },
  { suite: 'wrong_key' },
);

check(
  'errors/broken_stream',
  async (world) => {
    // An answer that breaks off in the middle is an error, not a short answer.
    const chunks = [];
    const whole = async () => {
      for await (const chunk of await world.chat({ stream: true })) chunks.push(chunk);
    };
    await assert.rejects(whole, (error) => error instanceof OpenAI.APIError && error.status === undefined);
    assert(chunks.length > 0, 'nothing came before the error');
  },
  { suite: 'broken_stream', servedBy: 'either' },
);

check(
  'errors/abort',
  async (world) => {
    // The client goes away in the middle of a stream that would never end; the test looks for the record.
    for await (const chunk of await world.chat({ stream: true })) {
      assert(chunk.choices);
      break;
    }
    const stream = await world.chat({ stream: true });
    setTimeout(() => stream.controller.abort(), 50);
    assert((await all(stream)).length > 0, 'nothing came before the abort');
    const leaving = new AbortController();
    const asked = { model: MODEL, messages: QUESTION, stream: true };
    for await (const _ of await world.client.chat.completions.create(asked, { signal: leaving.signal })) leaving.abort();
  },
  { suite: 'abort', servedBy: 'either' },
);

check(
  'errors/timeout',
  async (world) => {
    // The client gives up before the first byte.
    for (const more of [{}, { stream: true }]) {
      const call = () => world.open({ maxRetries: 0, timeout: 500 }).chat.completions.create({ model: MODEL, messages: QUESTION, ...more });
      await assert.rejects(call, OpenAI.APIConnectionTimeoutError);
    }
  },
  { suite: 'slow' },
);
