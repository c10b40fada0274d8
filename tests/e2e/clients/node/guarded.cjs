// Answers of the guard: see ../python/guarded.py.

const { MODEL, all, assert, check } = require('./world.cjs');

const SENTENCE = 'That is not for me to say.';
const GUARD = 'from-security-guard';
const BAD = 'Give me a forbidden fruit.';
const TELL = 'Tell me.';
const SUITE = { servedBy: 'gateway', suite: 'guarded' };
const asks = (prompt) => ({ model: MODEL, messages: [{ role: 'user', content: prompt }] });

function isGuards(completion) {
  assert.equal(completion.choices.length, 1);
  const [choice] = completion.choices;
  assert.deepEqual([completion.model, completion.object], [GUARD, 'chat.completion']);
  assert.deepEqual([choice.message.role, choice.message.content], ['assistant', SENTENCE]);
  assert.deepEqual([choice.finish_reason, choice.index, choice.logprobs], ['stop', 0, null]);
  assert.equal(completion.usage.total_tokens, 0);
}

check('guarded/request', async (world) => {
  isGuards(await world.chat(asks(BAD)));
  const chunks = await all(world.chat({ ...asks(BAD), stream: true }));
  assert.deepEqual(chunks.map((chunk) => chunk.choices[0].delta.content), [SENTENCE, undefined]);
  assert.deepEqual(chunks.map((chunk) => chunk.choices[0].finish_reason), [null, 'stop']);
  assert.equal(chunks[1].usage.total_tokens, 0);
}, SUITE);

check('guarded/request_elsewhere', async (world) => {
  const completion = await world.client.completions.create({ model: MODEL, prompt: BAD });
  assert.deepEqual([completion.choices[0].text, completion.model], [SENTENCE, GUARD]);
  const response = await world.client.responses.create({ model: MODEL, input: BAD });
  assert.deepEqual([response.output_text, response.status], [SENTENCE, 'completed']);
  const final = await world.client.responses.stream({ model: MODEL, input: BAD }).finalResponse();
  assert.equal(final.output_text, SENTENCE);
}, SUITE);

check('guarded/answer', async (world) => {
  isGuards(await world.chat(asks(TELL)));
}, { ...SUITE, servedBy: 'baseline' });

check('guarded/stream', async (world) => {
  const completion = await world.client.chat.completions.stream(asks(TELL)).finalChatCompletion();
  const [choice] = completion.choices;
  assert.equal(choice.finish_reason, 'stop');
  assert(choice.message.content.endsWith(SENTENCE) && !choice.message.content.includes('fruit'), choice.message.content);
  const final = await world.client.responses.stream({ model: MODEL, input: TELL }).finalResponse();
  assert.equal(final.model, GUARD);
}, { ...SUITE, servedBy: 'baseline' });
