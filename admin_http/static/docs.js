// Draws openapi.json. Texts become text nodes, never markup.
"use strict";

const make = (name, text, ...children) => {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  node.append(...children);
  return node;
};

const table = (head, rows) => {
  const top = make("tr", "", ...head.map((text) => make("th", text)));
  const lines = rows.map((cells) => make("tr", "", ...cells.map((text) => make("td", text))));
  return make("table", "", make("thead", "", top), make("tbody", "", ...lines));
};

const named = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : null);

let schemas = {}; // of the document, by name

const words = (schema) => {
  if (!schema) return "";
  if (named(schema)) return schemas[named(schema)]?.enum ? words(schemas[named(schema)]) : named(schema);
  if (schema.allOf) return words(schema.allOf[0]);
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `list of ${words(schema.items) || "values"}`;
  return schema.format || schema.type || "any";
};

const shape = (whole) => {
  const schema = whole.allOf ? whole.allOf[0] : whole; // what must hold beside it is said in words
  const found = named(schema) ? schemas[named(schema)] : schema;
  if (!found || !found.properties) return make("p", words(schema));
  const required = new Set(found.required || []);
  const rows = Object.entries(found.properties).map(([name, part]) => [
    name, words(part), required.has(name) ? "yes" : "", part.description || "",
  ]);
  return make("div", "", make("p", found.description || ""),
    table(["field", "type", "required", ""], rows));
};

const operation = (path, verb, item) => {
  const body = make("div");
  body.className = "body";
  if (item.description) body.append(make("p", item.description));
  if (item.parameters) {
    body.append(make("h3", "Parameters"), table(["name", "in", "type", ""],
      item.parameters.map((p) => [p.name, p.in, words(p.schema || Object.values(p.content)[0].schema), p.description || ""])));
  }
  for (const [media, content] of Object.entries(item.requestBody?.content || {})) {
    body.append(make("h3", `Body: ${media}`), shape(content.schema));
    if (content.example) body.append(make("pre", JSON.stringify(content.example, null, 2)));
  }
  body.append(make("h3", "Answers"));
  for (const [code, answer] of Object.entries(item.responses)) {
    const [media, content] = Object.entries(answer.content || {})[0] || ["", null];
    body.append(make("p", `${code} ${media}: ${answer.description}`));
    if (code < 300 && content && content.schema) body.append(shape(content.schema));
  }
  const mark = make("span", verb.toUpperCase());
  mark.className = "verb";
  const head = make("summary", "", mark, make("code", path), ` ${item.summary}`);
  const box = make("details", "", head, body);
  box.dataset.text = `${verb} ${path} ${item.summary}`.toLowerCase();
  return box;
};

const draw = (api) => {
  schemas = api.components.schemas;
  const main = document.getElementById("main");
  const parts = new Map(api.tags.map((tag) => [tag.name, make("section", "", make("h2", tag.name))]));
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const [verb, item] of Object.entries(verbs)) {
      parts.get(item.tags[0]).append(operation(path, verb, item));
    }
  }
  const intro = api.info.description.split("\n\n").map((text) => make("p", text));
  main.replaceChildren(...intro, ...parts.values());
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const part of parts.values()) {
      const boxes = [...part.querySelectorAll("details")];
      for (const box of boxes) box.hidden = !box.dataset.text.includes(wanted);
      part.hidden = boxes.every((box) => box.hidden);
    }
  });
};

fetch("/v1/openapi.json").then((answer) => answer.json()).then(draw).catch((error) => {
  document.getElementById("main").replaceChildren(make("p", `The description cannot be read: ${error}`));
});
