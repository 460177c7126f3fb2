"use strict";
/* Answers as elements. Text from the catalog only ever becomes text, and links only where they are web links. */
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function hitCard(hit, searchSimilar) {
  const card = element("li", "hit");
  const figure = element("figure");
  const picture = element("img");
  picture.src = `${hit.image.url}?size=480`;
  picture.alt = hit.title;
  picture.loading = hit.rank > 8 ? "lazy" : "eager";
  picture.decoding = "async";
  figure.append(picture);

  const words = element("div", "words");
  const link = webLink(hit.url);
  const title = element(link ? "a" : "span", "title", hit.title);
  title.title = hit.title;
  if (link) { title.href = link; title.target = "_blank"; title.rel = "noopener noreferrer"; }
  words.append(title);
  const price = priceText(hit);
  if (price) words.append(element("span", "price", price));
  const traits = [hit.metal, hit.stone, hit.shape, hit.setting].filter(Boolean).join(" · ") || hit.category;
  if (traits) words.append(element("span", "traits", traits));
  if (!hit.in_stock) words.append(element("span", "traits gone", "out of stock"));

  const foot = element("span", "foot");
  const meter = element("meter");
  meter.min = 0; meter.max = 1; meter.value = Math.max(0, hit.score);
  meter.setAttribute("aria-hidden", "true");
  const score = element("span", "score", hit.score.toFixed(3));
  score.title = "similarity: cosine of the two pictures, 1 is the same";
  foot.append(meter, score);
  words.append(foot);

  const more = element("button", "more", "More like this");
  more.type = "button";
  more.setAttribute("aria-label", `More like ${hit.title}`);
  more.addEventListener("click", () => searchSimilar(hit));
  words.append(more);
  card.append(figure, words);
  return card;
}

function webLink(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch { return null; }
}

function priceText(hit) {
  if (hit.price === null) return "";
  try {
    return new Intl.NumberFormat(undefined, hit.currency ? { style: "currency", currency: hit.currency } : {}).format(hit.price);
  } catch { return `${hit.price} ${hit.currency}`; }
}

function showTimings(where, answer) {
  const { total, ...stages } = answer.timings;
  where.replaceChildren();
  const whole = element("span", "", "");
  whole.append(element("b", "", `${Math.round(total)} ms`));
  where.append(whole);
  for (const [stage, ms] of Object.entries(stages)) where.append(element("span", "", `${stage} ${ms < 10 ? ms.toFixed(1) : Math.round(ms)}`));
  where.append(element("span", "", `${answer.coverage.answered}/${answer.coverage.shards} shards`), element("span", "", `generation ${answer.generation}`));
  where.hidden = false;
}

/* What a problem+json means to someone who only wants to find a ring: a title, then a sentence or two. */
function troubleWords(problem) {
  const name = String(problem.type || "").split(":").pop();
  const words = {
    "unavailable": ["The search is not running", "The model server does not answer. The page tries again by itself."],
    "nothing-published": ["Nothing to search yet", "The catalog has to be imported and indexed first.", problem.mend],
    "fingerprint-mismatch": ["The index has to be rebuilt", "It was built with another encoder than the one now served.", problem.mend],
    "deadline-exceeded": ["That took too long", "The server is slow or busy. Try again."],
    "overloaded": ["Too many searches at once", "Try again in a moment."],
    "unsupported-image": ["That is not a picture", problem.detail, problem.mend],
    "image-too-large": ["That picture is too large", problem.detail, problem.mend],
    "image-rejected": ["That picture cannot be used", problem.detail, problem.mend],
    "offline": ["The server cannot be reached", "Check the connection, then try again."],
  }[name];
  return words || [problem.title || "Something went wrong", problem.detail, problem.mend];
}

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
