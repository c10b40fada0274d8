// One stream of documents, kept open.
//
// The browser's own reconnecting is not used: it gives up for good on an answer that is not 200, and cannot say that a
// stream which is open has gone silent. Here every end, and every silence, leads to the same place: the old stream is
// closed, the session is asked for, and a new stream is opened after a wait that doubles up to half a minute.

import { session } from "./api.js";

const WAIT_FIRST_MS = 1000;
const WAIT_LONGEST_MS = 30000;
// Documents come every second; a machine under load may be late, one that is silent this long is not there.
const SILENCE_MS = 12000;

/**
 * Keeps a stream open until `close` is called on what is returned. `on.document(document)` gets every document,
 * `on.state(word)` one of `connecting`, `live`, `reconnecting`, `stopped`, `on.signedOut()` is called once, when the
 * session has ended.
 */
export function listen(on) {
  let source = null;
  let wait_ms = WAIT_FIRST_MS;
  let timer = 0;
  let silence = 0;
  let closed = false;
  // A stopped gateway is waited for like a lost one, but it is called by its name until another one answers.
  let lost = "reconnecting";

  function drop() {
    source?.close();
    source = null;
    clearTimeout(silence);
  }

  async function again() {
    drop();
    clearTimeout(timer);
    if (closed) return;
    on.state(lost);
    if ((await session()) === false) {
      close();
      on.signedOut();
      return;
    }
    if (closed) return;
    // A tenth of chance, so that many consoles do not come back in the same moment.
    timer = setTimeout(open, wait_ms * (0.9 + 0.2 * Math.random()));
    wait_ms = Math.min(WAIT_LONGEST_MS, wait_ms * 2);
  }

  function heard(event) {
    let parsed;
    try {
      parsed = JSON.parse(event.data);
    } catch {
      again();
      return;
    }
    wait_ms = WAIT_FIRST_MS;
    lost = "reconnecting";
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
    on.state("live");
    on.document(parsed);
  }

  function open() {
    drop();
    source = new EventSource("/console/events");
    silence = setTimeout(again, SILENCE_MS);
    source.addEventListener("hello", heard);
    source.addEventListener("now", heard);
    source.addEventListener("bye", () => {
      lost = "stopped";
      again();
    });
    source.addEventListener("error", again);
  }

  function close() {
    closed = true;
    clearTimeout(timer);
    drop();
  }

  on.state("connecting");
  open();
  return { close };
}
