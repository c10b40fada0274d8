// Everything but chat: legacy completions, embeddings, responses, moderations, models.

const { z } = require('zod');
const { zodTextFormat } = require('openai/helpers/zod');
const { CITIES, PARAMETERS, WEATHER } = require('./tools.cjs');
const { MODEL, all, assert, check } = require('./world.cjs');

const INSTRUCT = 'gpt-3.5-turbo-instruct';
const EMBEDDING = 'text-embedding-3-small';
const MODERATION = 'omni-moderation-latest';
const FUNCTION = { type: 'function', name: 'get_weather', parameters: PARAMETERS, strict: false };
const TEXT_EVENTS = [
  'response.created',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.done',
  'response.content_part.done',
  'response.output_item.done',
  'response.completed',
];
const BASELINE = { servedBy: 'baseline' };
const EITHER = { servedBy: 'either' };
const GATEWAY = { servedBy: 'gateway' };

const bodyOf = (world) => JSON.parse(world.attempts.at(-1).init.body);

check(
  'completions/plain',
  async (world) => {
    const answer = await world.client.completions.create({ model: INSTRUCT, prompt: 'Rivers are', max_tokens: 20 });
    assert(answer.object === 'text_completion' && answer.choices[0].text, JSON.stringify(answer));
    assert(['stop', 'length'].includes(answer.choices[0].finish_reason), JSON.stringify(answer));
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },
  BASELINE,
);

check(
  'completions/stream',
  async (world) => {
    const asked = { model: INSTRUCT, prompt: 'Rivers are' };
    const answer = await world.client.completions.create(asked);
    const chunks = await all(world.client.completions.create({ ...asked, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), answer.choices[0].text);
    assert(chunks.every((chunk) => !chunk.usage), 'usage that nobody asked for');
    const counted = { ...asked, stream: true, stream_options: { include_usage: true } };
    const last = (await all(world.client.completions.create(counted))).at(-1);
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, answer.usage.completion_tokens);
  },
  BASELINE,
);

check(
  'embeddings/default',
  async (world) => {
    // The client asks for base64 of its own accord and decodes it.
    const answer = await world.client.embeddings.create({ model: EMBEDDING, input: 'a river' });
    assert.equal(bodyOf(world).encoding_format, 'base64');
    assert(answer.object === 'list' && answer.data[0].embedding.length > 8, JSON.stringify(answer));
    assert(answer.data[0].embedding.every(Number.isFinite));
    assert(answer.usage.prompt_tokens > 0 && answer.usage.total_tokens === answer.usage.prompt_tokens);
  },
  BASELINE,
);

check(
  'embeddings/formats',
  async (world) => {
    const vector = async (more) =>
      (await world.client.embeddings.create({ model: EMBEDDING, input: 'a river', ...more })).data[0].embedding;
    const [decoded, floats] = [await vector({}), await vector({ encoding_format: 'float' })];
    const bytes = Buffer.from(await vector({ encoding_format: 'base64' }), 'base64');
    assert.deepEqual(decoded, decoded.map((_, index) => bytes.readFloatLE(4 * index)));
    assert(floats.length === decoded.length && floats.every((value, index) => Math.abs(value - decoded[index]) < 1e-6));
  },
  BASELINE,
);

check(
  'embeddings/batch',
  async (world) => {
    const asked = { model: EMBEDDING, input: ['one', 'two', 'three'], dimensions: 16 };
    const answer = await world.client.embeddings.create(asked);
    assert.deepEqual(answer.data.map((item) => [item.index, item.embedding.length]), [[0, 16], [1, 16], [2, 16]]);
    assert.notDeepEqual(answer.data[0].embedding, answer.data[1].embedding);
    const tokens = await world.client.embeddings.create({ model: EMBEDDING, input: [[1, 2], [3]] });
    assert.equal(tokens.data[1].index, 1);
  },
  BASELINE,
);

check(
  'responses/plain',
  async (world) => {
    const create = (more) => world.client.responses.create({ model: MODEL, ...more });
    const answer = await create({ input: 'Name three rivers.', instructions: 'Be short.' });
    assert(answer.object === 'response' && answer.status === 'completed' && answer.output_text);
    assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
    assert(answer._request_id, 'no request id');
    const input = [{ role: 'user', content: [{ type: 'input_text', text: 'Name three rivers.' }] }];
    assert((await create({ input, max_output_tokens: 2000 })).output_text);
  },
  EITHER,
);

check(
  'responses/stream',
  async (world) => {
    const asked = { model: MODEL, input: 'Name three rivers.' };
    const events = await all(world.client.responses.create({ ...asked, stream: true }));
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
    const kinds = events.map((event) => event.type).filter((kind, index, kinds) => kind !== kinds[index - 1]);
    assert.deepEqual(kinds, TEXT_EVENTS);
    const deltas = events.filter((event) => event.type === 'response.output_text.delta');
    const text = deltas.map((event) => event.delta).join('');
    assert.equal(text, (await world.client.responses.create(asked)).output_text);
    assert(events.at(-1).response.usage.output_tokens > 0, 'no usage');
  },
  EITHER,
);

check(
  'responses/stream_helper',
  async (world) => {
    const stream = world.client.responses.stream({ model: MODEL, input: 'Name three rivers.' });
    let text = '';
    stream.on('response.output_text.delta', (event) => (text += event.delta));
    const final = await stream.finalResponse();
    assert(text && final.output_text === text, `${text} is not ${final.output_text}`);
  },
  EITHER,
);

check(
  'responses/tools',
  async (world) => {
    const [{ content: question }] = WEATHER;
    const create = (more) => world.client.responses.create({ model: MODEL, tools: [FUNCTION], ...more });
    const { output } = await create({ input: question });
    const calls = output.filter((item) => item.type === 'function_call');
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), CITIES);
    const events = await all(create({ input: question, stream: true }));
    const done = events.filter((event) => event.type === 'response.function_call_arguments.done');
    assert.deepEqual(done.map((event) => JSON.parse(event.arguments)), CITIES);
    const results = calls.map((call) => ({ type: 'function_call_output', call_id: call.call_id, output: 'sunny' }));
    assert((await create({ input: [{ role: 'user', content: question }, ...output, ...results] })).output_text);
  },
  EITHER,
);

check(
  'responses/parse',
  async (world) => {
    const format = zodTextFormat(z.object({ name: z.string() }), 'river');
    const asked = { model: MODEL, input: 'Describe a river as JSON.', text: { format } };
    assert((await world.client.responses.parse(asked)).output_parsed.name);
  },
  EITHER,
);

check(
  'moderations/string',
  async (world) => {
    const answer = await world.client.moderations.create({ input: 'I love rivers.' });
    assert(!('model' in bodyOf(world)), 'the client names a model after all');
    assert(answer.id && answer.model && answer.results.length === 1, JSON.stringify(answer));
    const [result] = answer.results;
    assert(result.flagged === false && result.categories.violence === false, JSON.stringify(result));
    assert(result.category_scores.violence >= 0 && result.category_scores.violence <= 1, JSON.stringify(result));
  },
  BASELINE,
);

check(
  'moderations/list',
  async (world) => {
    const create = (input) => world.client.moderations.create({ model: MODERATION, input });
    assert.equal((await create(['I love rivers.', 'I love lakes.'])).results.length, 2);
    assert.equal((await create([{ type: 'text', text: 'I love rivers.' }])).results.length, 1);
  },
  BASELINE,
);

check(
  'models/list',
  async (world) => {
    const models = await all(world.client.models.list());
    assert(models.some((model) => model.id === MODEL), JSON.stringify(models));
    assert(models.every((model) => model.object === 'model' && model.owned_by), JSON.stringify(models));
  },
  GATEWAY,
);

check(
  'models/retrieve',
  async (world) => assert.equal((await world.client.models.retrieve(MODEL)).id, MODEL),
  GATEWAY,
);
