"use strict";
(async () => {
  const make = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };
  const words = (schema) => {
    if (schema.$ref) return schema.$ref.split("/").pop();
    const kind = schema.type || (schema.anyOf || []).map((one) => one.type).filter((one) => one && one !== "null").join(" or ");
    const range = schema.minimum !== undefined ? ` ${schema.minimum} to ${schema.maximum}` : "";
    const standard = schema.default !== undefined ? `, default ${schema.default}` : "";
    return `${kind}${range}${standard}${schema.description ? `: ${schema.description}` : ""}`;
  };
  const api = await (await fetch("/openapi.json")).json();
  document.getElementById("catalog").textContent = `version ${api.info.version}`;
  const groups = {};
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      (groups[(operation.tags || ["other"])[0]] ||= []).push([path, method, operation]);
    }
  }
  const all = document.getElementById("operations");
  for (const [group, operations] of Object.entries(groups)) {
    all.append(make("h2", "", group));
    for (const [path, method, operation] of operations) {
      const details = make("details"), summary = make("summary");
      summary.append(make("code", "method", method.toUpperCase()), make("code", "", path), make("span", "quiet", operation.summary));
      details.append(summary, make("p", "", operation.description));
      const list = make("dl");
      for (const one of operation.parameters || []) {
        list.append(make("dt"), make("dd", "", words({ ...one.schema, description: one.description || one.schema.description })));
        list.children[list.children.length - 2].append(make("code", "", one.name));
      }
      for (const kind of Object.keys((operation.requestBody || { content: {} }).content)) {
        list.append(make("dt", "", "body"), make("dd", "", kind));
      }
      details.append(list);
      all.append(details);
    }
  }
})();
