// Answers in JSON.

const { z } = require('zod');
const { zodResponseFormat } = require('openai/helpers/zod');
const { MODEL, all, assert, check, textOf } = require('./world.cjs');

const messages = [{ role: 'user', content: 'Describe a river as JSON.' }];
const River = z.object({ name: z.string(), length_km: z.int(), countries: z.array(z.string()) });
const FORMAT = zodResponseFormat(River, 'river');
// The candidate has no schemas of its own; a policy may make it imitate them.
const EITHER = { servedBy: 'either' };

check('formats/json_object', async (world) => {
  const asked = { messages, response_format: { type: 'json_object' } };
  const answer = await world.chat(asked);
  assert.equal(typeof JSON.parse(answer.choices[0].message.content), 'object');
  assert.equal(textOf(await all(world.chat({ ...asked, stream: true }))), answer.choices[0].message.content);
});

check(
  'formats/json_schema',
  async (world) => {
    const { type, json_schema } = FORMAT;
    const answer = await world.chat({ messages, response_format: { type, json_schema } });
    River.parse(JSON.parse(answer.choices[0].message.content));
  },
  EITHER,
);

check(
  'formats/parse',
  async (world) => {
    const answer = await world.client.chat.completions.parse({ model: MODEL, messages, response_format: FORMAT });
    River.parse(answer.choices[0].message.parsed);
  },
  EITHER,
);

check(
  'formats/parse_stream',
  async (world) => {
    const stream = world.client.chat.completions.stream({ model: MODEL, messages, response_format: FORMAT });
    River.parse((await stream.finalChatCompletion()).choices[0].message.parsed);
  },
  EITHER,
);
