// What the checks share: a table of named checks, a client that notes who answered, and the runner.
//
//     node run.cjs LEFT_OUT SUITE ARM BASE_URL [SUITE ARM BASE_URL ...]
//
// The arguments and the table are those of ../python/world.py.

const assert = require('node:assert/strict');
const OpenAI = require('openai');

const MODEL = 'gpt-4o-mini';
const KEY = 'sk-key-of-the-client';
const QUESTION = [{ role: 'user', content: 'Name three rivers.' }];
const CHECKS = [];

// Registers a check. `servedBy` is who answers while everything is meant for the candidate.
function check(name, run, { servedBy = 'candidate', suite = 'features' } = {}) {
  CHECKS.push({ name, run, servedBy, suite });
}

class World {
  constructor(baseURL, arm) {
    this.baseURL = baseURL;
    this.arm = arm;
    this.start();
    this.client = this.open({ maxRetries: 0 });
  }

  // The official client; the function around `fetch` only takes notes.
  open(options) {
    return new OpenAI({
      baseURL: this.baseURL,
      apiKey: KEY,
      organization: 'org-of-the-client',
      project: 'proj-of-the-client',
      timeout: 60_000,
      defaultHeaders: { cookie: 'session=of-the-client', 'x-weighbridge-consumer': 'somebody-else' },
      fetch: async (url, init) => {
        this.attempts.push({ at: performance.now(), init });
        const answer = await fetch(url, init);
        this.answers.push(answer);
        return answer;
      },
      ...options,
    });
  }

  start() {
    this.attempts = [];
    this.answers = [];
  }

  chat(more) {
    return this.client.chat.completions.create({ model: MODEL, messages: QUESTION, ...more });
  }

  // Every good answer of a check must come from whom it should.
  checkArm(servedBy) {
    const good = this.answers.filter((answer) => answer.ok);
    const arms = new Set(good.map((answer) => answer.headers.get('x-weighbridge-arm')));
    let wanted = [servedBy];
    if (this.arm === 'direct' || servedBy === 'gateway') wanted = [null];
    else if (this.arm === 'baseline') wanted = ['baseline'];
    else if (this.arm === 'either' || servedBy === 'either') wanted = ['baseline', 'candidate'];
    for (const arm of arms) assert(wanted.includes(arm), `answered by ${arm}, not by ${wanted}`);
  }
}

// The error of a call that must be refused with exactly this class, in OpenAI's shape.
async function refused(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor, kind, `${error.constructor.name} instead of ${kind.name}: ${error.message}`);
    for (const member of ['message', 'type', 'param', 'code']) assert(member in error.error, `no ${member}`);
    assert(error.error.message && error.type, JSON.stringify(error.error));
    assert(error.requestID, 'an error without x-request-id');
    assert(error.headers.get('content-type').startsWith('application/json'), 'an error that is not JSON');
    assert(!JSON.stringify(error.error).includes(KEY), "the client's key is shown");
    return error;
  }
  assert.fail(`accepted instead of ${kind.name}`);
}

// All items of a stream.
async function all(stream) {
  const items = [];
  for await (const item of await stream) items.push(item);
  return items;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

// One line a check; the exit code says whether all held.
async function runSuite(world, suite, leftOut) {
  for (const { name, run, servedBy } of CHECKS.filter((entry) => entry.suite === suite)) {
    if (leftOut.some((start) => name.startsWith(start))) {
      console.log(`skip ${name}`);
      continue;
    }
    world.start();
    try {
      await run(world);
      world.checkArm(servedBy);
      console.log(`ok ${name}`);
    } catch (error) {
      process.exitCode = 1;
      const where = (error.stack ?? '').split('\n').find((line) => line.includes('clients/node/')) ?? '';
      const why = `${error.message} [${where.trim()}]`;
      console.log(`FAIL ${name} (${suite}, ${world.arm}): ${why}`.replaceAll('\n', ' '));
    }
  }
}

async function main() {
  const [notYet, ...rest] = process.argv.slice(2);
  const leftOut = notYet.split(',').filter(Boolean);
  for (let at = 0; at < rest.length; at += 3) {
    const [suite, arm, baseURL] = rest.slice(at, at + 3);
    await runSuite(new World(baseURL, arm), suite, leftOut);
  }
}

module.exports = { MODEL, QUESTION, all, assert, check, main, refused, textOf };
