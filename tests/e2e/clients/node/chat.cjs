// Chat completions: whole, streamed, and what requests may carry.

const { MODEL, QUESTION, all, assert, check, textOf } = require('./world.cjs');

const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const contentOf = (answer) => answer.choices[0].message.content;

check('chat/plain', async (world) => {
  const answer = await world.chat();
  assert(answer.object === 'chat.completion' && answer.id && answer.created > 0, JSON.stringify(answer));
  assert(answer.choices[0].message.role === 'assistant' && contentOf(answer), JSON.stringify(answer));
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0, JSON.stringify(answer.usage));
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

check('chat/raw_headers', async (world) => {
  const { data, response, request_id } = await world.chat().withResponse();
  assert(response.headers.get('content-type').startsWith('application/json'));
  assert(request_id && request_id === data._request_id && request_id === response.headers.get('x-request-id'));
  if (['direct', 'baseline'].includes(world.arm)) assert(response.headers.get('openai-processing-ms'));
  // The mock repeats itself, names included; the gateway must not.
  if (world.arm !== 'direct') assert.notEqual((await world.chat())._request_id, request_id);
});

check('chat/stream', async (world) => {
  const chunks = await all(world.chat({ stream: true }));
  assert.equal(textOf(chunks), contentOf(await world.chat()));
  assert(chunks.every((chunk) => chunk.usage === undefined), 'usage that nobody asked for');
  assert(chunks.every((chunk) => chunk.object === 'chat.completion.chunk' && chunk.choices.length === 1));
  assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size, 1);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.equal(chunks.filter((chunk) => chunk.choices[0].finish_reason).length, 1);
});

check('chat/stream_usage', async (world) => {
  const chunks = await all(world.chat({ stream: true, stream_options: { include_usage: true } }));
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + last.usage.completion_tokens);
  assert(chunks.every((chunk) => chunk.choices.length && !chunk.usage), 'usage before its own chunk');
  // Servers that only resemble OpenAI leave it out.
  assert(world.arm === 'either' || chunks.every((chunk) => chunk.usage === null), 'usage is not null');
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
});

check('chat/stream_helper', async (world) => {
  const asked = { model: MODEL, messages: QUESTION, stream_options: { include_usage: true } };
  const stream = world.client.chat.completions.stream(asked);
  let text = '';
  stream.on('content', (delta) => (text += delta));
  const final = await stream.finalChatCompletion();
  assert.equal(contentOf(final), contentOf(await world.chat()));
  assert.equal(text, contentOf(final));
  assert((await stream.totalUsage()).completion_tokens > 0, 'no usage');
});

check('chat/stream_frames', async (world) => {
  const response = await world.chat({ stream: true }).asResponse();
  assert(response.headers.get('content-type').startsWith('text/event-stream'));
  const frames = (await response.text()).split('\n\n');
  // Signs of life while the provider has not begun; each is a frame of its own.
  while (frames[0].startsWith(':')) frames.shift();
  assert.equal(frames.pop(), '', 'the stream does not end with a blank line');
  assert.equal(frames.pop(), 'data: [DONE]');
  for (const frame of frames) assert(JSON.parse(frame.replace(/^data: /, '')), frame);
});

check('chat/async_parallel', async (world) => {
  const one = async (number) => {
    const asked = { messages: [{ role: 'user', content: `Name ${number} rivers.` }] };
    return [textOf(await all(world.chat({ ...asked, stream: true }))), contentOf(await world.chat(asked))];
  };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => one(number)));
  for (const [streamed, whole] of answers) assert.equal(streamed, whole);
  assert(new Set(answers.map(([, whole]) => whole)).size > 1, 'twenty questions with one answer');
});

check(
  'chat/n',
  async (world) => {
    const answer = await world.chat({ n: 2 });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
    const texts = ['', ''];
    for await (const chunk of await world.chat({ n: 2, stream: true }))
      for (const choice of chunk.choices) texts[choice.index] += choice.delta.content ?? '';
    assert.deepEqual(texts, answer.choices.map((choice) => choice.message.content));
    assert(texts.every(Boolean), 'an empty choice');
  },
  { servedBy: 'baseline' },
);

check(
  'chat/logprobs',
  async (world) => {
    const { choices: [choice] } = await world.chat({ logprobs: true, top_logprobs: 2 });
    assert.equal(choice.logprobs.content.map((token) => token.token).join(''), choice.message.content);
    assert(choice.logprobs.content.every((token) => token.logprob <= 0 && token.top_logprobs.length === 2));
    const chunks = await all(world.chat({ logprobs: true, top_logprobs: 2, stream: true }));
    const tokens = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
    assert.equal(tokens.map((token) => token.token).join(''), textOf(chunks));
  },
  { servedBy: 'either' },
);

check('chat/vision', async (world) => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: PIXEL, detail: 'low' } },
  ];
  assert(contentOf(await world.chat({ messages: [{ role: 'user', content }] })));
});

check(
  'chat/audio',
  async (world) => {
    const out = await world.chat({ modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } });
    assert(out.choices[0].message);
    const content = [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }];
    assert((await world.chat({ messages: [{ role: 'user', content }] })).choices[0].message);
  },
  { servedBy: 'baseline' },
);

check('chat/reasoning_effort', async (world) => {
  for (const asked of [{ reasoning_effort: 'low' }, { model: 'gpt-5-mini', reasoning_effort: 'high' }]) {
    const { message } = (await world.chat(asked)).choices[0];
    assert(message.content && !message.reasoning_content, JSON.stringify(message));
  }
  for (const chunk of await all(world.chat({ reasoning_effort: 'low', stream: true })))
    assert(!chunk.choices[0]?.delta.reasoning_content, JSON.stringify(chunk));
});

check('chat/developer_role', async (world) => {
  assert(contentOf(await world.chat({ messages: [{ role: 'developer', content: 'Be short.' }, ...QUESTION] })));
});

check('chat/max_completion_tokens', async (world) => {
  const answer = await world.chat({ max_completion_tokens: 5 });
  assert(answer.choices[0].finish_reason === 'length' && answer.usage.completion_tokens <= 5, JSON.stringify(answer));
  const chunks = await all(world.chat({ max_completion_tokens: 5, stream: true }));
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
});

// What the candidate does not know is left out, and said.
check('chat/dropped_members', async (world) => {
  const asked = { seed: 7, presence_penalty: 0.5, temperature: 0.5 };
  const { data, response } = await world.chat(asked).withResponse();
  assert(contentOf(data));
  const said = (response.headers.get('x-weighbridge-dropped') ?? '').split(', ').sort();
  assert.deepEqual(said, world.arm === 'candidate' ? ['presence_penalty', 'seed'] : ['']);
});

check('chat/unknown_members', async (world) => {
  const known = { seed: 7, user: 'u-1', metadata: { team: 'é' }, temperature: 0.0, stop: ['END'] };
  const unknown = { x_number: 1e21, x_text: '\u2028 \u{1f30d} \\', x_nested: { b: [1.5, null], a: {} } };
  assert(contentOf(await world.chat({ ...known, ...unknown })));
  // The test reads this line and looks for the same bytes at the provider.
  console.log(`sent ${JSON.stringify(world.attempts.at(-1).init.body)}`);
});
