// OpenAI's SDK for Node against the proxy: one JSON line of what came of it.
//
// node chat.mjs BASE_URL [stream]

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_HOME}/`);
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));

const [baseURL, stream] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "unused" });
const asked = { model: "m", messages: [{ role: "user", content: "hello" }] };
const told = {};
try {
  if (stream) {
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
      chunks.push(chunk.choices[0]?.delta?.content ?? "");
    }
    told.content = chunks.join("");
  } else {
    told.content = (await client.chat.completions.create(asked)).choices[0].message.content;
  }
} catch (error) {
  told.status = error.status;
  told.type = error.type;
}
console.log(JSON.stringify(told));
