// What the page asks of the gateway, beside the stream of events: the session and the changes.
//
// The token is sent once, for a session cookie that scripts cannot read. Whatever changes something carries a header that
// pages of other origins cannot send, so that the cookie alone opens nothing to them.

const MARK = { "x-weighbridge-console": "1" };

/** An answer that is not a success: `status`, 0 where none came, and a sentence. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, body, headers = {}) {
  const options = { method, headers: { ...MARK, ...headers }, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, "The gateway cannot be reached. Whether it still heard this is not known.");
  }
  const answer = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, answer?.error?.message ?? `The gateway answered ${response.status}.`);
  return answer;
}

const migration = (name, what) => `/admin/v1/migrations/${encodeURIComponent(name)}/${what}`;

/** Whether this browser has a session; null if the gateway does not say. */
export async function session() {
  try {
    await call("GET", "/console/session");
    return true;
  } catch (refused) {
    return refused.status === 401 ? false : null;
  }
}

/** Exchanges the token for a session. */
export const signIn = (token) => call("POST", "/console/session", { token });

/** Ends the session. */
export const signOut = () => call("DELETE", "/console/session");

/** Weight and epoch in force now. */
export const weightOf = (name) => call("GET", migration(name, "weight"));

/** Changes the weight, if the epoch is still the one that was decided on; else 412. */
export const setWeight = (name, weight_percent, reason, epoch) =>
  call("PUT", migration(name, "weight"), { weight_percent, reason }, { "if-match": `"${epoch}"` });

/** Takes the weight to 0, whatever it is. */
export const rollBack = (name, reason) => call("POST", migration(name, "rollback"), { reason });

/** Stops offering copies, or offers them again. */
export const pauseShadow = (name, paused, reason) => call("PUT", migration(name, "shadow"), { paused, reason });
