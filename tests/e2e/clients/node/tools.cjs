// Tools: whole, streamed, several at once, forced, and the turn after.

const { z } = require('zod');
const { zodFunction } = require('openai/helpers/zod');
const { MODEL, all, assert, check, textOf } = require('./world.cjs');

const WEATHER = [{ role: 'user', content: 'What is the weather in Paris and in London?' }];
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TOOL = {
  type: 'function',
  function: { name: 'get_weather', description: 'Weather of a city.', parameters: PARAMETERS },
};
const CITIES = [{ city: 'Paris' }, { city: 'London' }];

const ask = (world, more) => world.chat({ messages: WEATHER, tools: [TOOL], ...more });
const argumentsOf = (calls) => calls.map((call) => JSON.parse(call.function.arguments));
const resultsOf = (calls) => calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: 'sunny' }));

check('tools/whole', async (world) => {
  const [choice] = (await ask(world)).choices;
  assert.equal(choice.finish_reason, 'tool_calls');
  assert.deepEqual(argumentsOf(choice.message.tool_calls), CITIES);
  assert(choice.message.tool_calls.every((call) => call.type === 'function' && call.function.name === 'get_weather'));
  assert.equal(new Set(choice.message.tool_calls.map((call) => call.id)).size, 2);
});

check('tools/stream', async (world) => {
  const calls = [];
  const finish = [];
  for await (const { choices: [choice] } of await ask(world, { stream: true, parallel_tool_calls: true })) {
    if (choice.finish_reason) finish.push(choice.finish_reason);
    for (const part of choice.delta.tool_calls ?? []) {
      const call = (calls[part.index] ??= { id: '', name: '', arguments: '' });
      call.id += part.id ?? '';
      call.name += part.function.name ?? '';
      call.arguments += part.function.arguments ?? '';
    }
  }
  assert.deepEqual(finish, ['tool_calls']);
  assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), CITIES);
  assert(calls.every((call) => call.name === 'get_weather' && call.id), JSON.stringify(calls));
});

check('tools/stream_helper', async (world) => {
  const stream = world.client.chat.completions.stream({ model: MODEL, messages: WEATHER, tools: [TOOL] });
  const done = [];
  stream.on('tool_calls.function.arguments.done', (event) => done.push(JSON.parse(event.arguments)));
  const final = await stream.finalChatCompletion();
  assert.deepEqual(done, CITIES);
  assert.deepEqual(argumentsOf(final.choices[0].message.tool_calls), CITIES);
});

check('tools/second_turn', async (world) => {
  const first = (await ask(world)).choices[0].message;
  const messages = [...WEATHER, first, ...resultsOf(first.tool_calls)];
  const [choice] = (await ask(world, { messages })).choices;
  assert(choice.finish_reason === 'stop' && choice.message.content, JSON.stringify(choice));
  assert.equal(textOf(await all(ask(world, { messages, stream: true }))), choice.message.content);
});

// The client keeps only what it is shown; what else a provider wants back is the gateway's affair.
check('tools/second_turn_reasoning', async (world) => {
  const more = { reasoning_effort: 'high' };
  const first = (await ask(world, more)).choices[0].message;
  const messages = [...WEATHER, first, ...resultsOf(first.tool_calls)];
  assert((await ask(world, { messages, ...more })).choices[0].message.content);
});

// A conversation whose tool calls were made by somebody else.
check('tools/foreign_history', async (world) => {
  const call = { id: 'call_elsewhere', type: 'function', function: { name: 'get_weather', arguments: '{}' } };
  const messages = [
    ...WEATHER,
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_elsewhere', content: 'sunny' },
  ];
  assert((await ask(world, { messages })).choices[0].message.content);
  assert((await ask(world, { messages, reasoning_effort: 'low' })).choices[0].message.content);
});

check('tools/forced', async (world) => {
  const messages = [{ role: 'user', content: 'Say hello.' }];
  for (const tool_choice of ['required', { type: 'function', function: { name: 'get_weather' } }])
    for (const more of [{}, { reasoning_effort: 'low' }]) {
      const answer = await ask(world, { messages, tool_choice, ...more });
      assert.equal(answer.choices[0].message.tool_calls[0].function.name, 'get_weather');
    }
});

check('tools/not_forced', async (world) => {
  assert((await ask(world, { tool_choice: 'auto' })).choices[0].message.tool_calls);
  assert(!(await ask(world, { tool_choice: 'none' })).choices[0].message.tool_calls?.length);
  assert((await ask(world, { parallel_tool_calls: false })).choices[0].message.tool_calls);
});

check(
  'tools/parse',
  async (world) => {
    const tool = zodFunction({ name: 'get_weather', parameters: z.object({ city: z.string() }) });
    const answer = await world.client.chat.completions.parse({ model: MODEL, messages: WEATHER, tools: [tool] });
    const calls = answer.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.function.parsed_arguments), CITIES);
  },
  { servedBy: 'either' },
);

// The helper that runs the functions itself and goes on until there is text.
check('tools/run', async (world) => {
  const asked = [];
  const run = ({ city }) => (asked.push(city), 'sunny');
  const tool = { ...TOOL, function: { ...TOOL.function, function: run, parse: JSON.parse } };
  const runner = world.client.chat.completions.runTools({ model: MODEL, messages: WEATHER, tools: [tool] });
  assert(await runner.finalContent());
  assert.deepEqual(asked, ['Paris', 'London']);
});

module.exports = { CITIES, PARAMETERS, WEATHER };
