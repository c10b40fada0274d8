// The few operations on the page that everything else is made of.
//
// Two rules hold here and nowhere need repeating. Data enters the page as text or as an attribute value, never as markup,
// because names come from clients and files. And what is on the page is changed in place: an element lives as long as the
// thing it shows, so that hours of updates leave the page as large as it was, and focus and selection where they were.

const SVG = "http://www.w3.org/2000/svg";

/** The element with an id that index.html is known to have. */
export const byId = (id) => document.getElementById(id);

/** A copy of a template, as `{root, slot}`: its element, and its `data-slot` elements by name. */
export function fromTemplate(id) {
  const root = byId(id).content.firstElementChild.cloneNode(true);
  const slot = {};
  if (root.dataset.slot) slot[root.dataset.slot] = root;
  for (const element of root.querySelectorAll("[data-slot]")) slot[element.dataset.slot] = element;
  return { root, slot };
}

/** A new element with a class and a text. */
export function element(tag, className = "", content = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content) made.textContent = content;
  return made;
}

/** A new element of a drawing. Attributes of drawings are allowed where style attributes are not. */
export function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Sets a text, and touches nothing if it is that already. */
export function text(node, value) {
  const wanted = String(value);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Sets an attribute, or takes it away for null, and touches nothing if it is so already. */
export function attribute(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

/** Shows or hides. */
export function shown(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** A bar's length as a share of its track, 0 to 1. */
export function length(node, share) {
  const wanted = `${(Math.min(1, Math.max(0, share || 0)) * 100).toFixed(2)}%`;
  if (node.style.width !== wanted) node.style.width = wanted;
}

// Entries of a list by its element; they go with it.
const lists = new WeakMap();

/**
 * Makes the children of `parent` show `items`, one each and in their order. `make(item)` returns an entry with a `root`
 * for a key that is new, `update(entry, item)` writes into it; children whose key is gone are removed. What stands before
 * the first call in `parent` stays first.
 */
export function list(parent, items, keyOf, make, update) {
  let known = lists.get(parent);
  if (!known) lists.set(parent, (known = { entries: new Map(), first: parent.children.length }));
  const seen = new Set();
  items.forEach((item, index) => {
    let key = keyOf(item);
    while (seen.has(key)) key = `${key}\u0000again`;
    seen.add(key);
    let entry = known.entries.get(key);
    if (!entry) known.entries.set(key, (entry = make(item)));
    const there = parent.children[known.first + index];
    if (there !== entry.root) parent.insertBefore(entry.root, there ?? null);
    update(entry, item);
  });
  for (const [key, entry] of known.entries) {
    if (seen.has(key)) continue;
    entry.root.remove();
    entry.leave?.();
    known.entries.delete(key);
  }
}

/** A list of plain lines of text. */
export function lines(parent, texts) {
  list(parent, texts, (line) => line, (line) => ({ root: element("li", "", line) }), () => {});
}

/** A row of a table with so many cells; the first one heads it. */
export function row(classes) {
  const root = element("tr");
  const cells = classes.map((className, index) => {
    const cell = element(index === 0 ? "th" : "td", className);
    if (index === 0) cell.scope = "row";
    root.append(cell);
    return cell;
  });
  return { root, cells };
}
