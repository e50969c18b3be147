// mem0's own JavaScript client against a server: `mem0_client.mjs URL KEY`.

import assert from "node:assert/strict";
import * as mem0 from "mem0ai";

const { MemoryClient } = mem0;
const [host, apiKey] = process.argv.slice(2);
const client = new MemoryClient({ apiKey, host });
await client.ping();
const ann = { user_id: "ann" };

const added = await client.add([{ role: "user", content: "I drink green tea" }], { userId: "ann", metadata: { cupSize: 1 } });
assert.equal(added.results[0].event, "ADD");
const tea = added.results[0].id;
await client.add([{ role: "user", content: "I ride a bicycle" }], { userId: "bob", infer: false });

const found = await client.search("green tea", { filters: ann, topK: 3 });
assert.equal(found.results[0].id, tea);
assert.ok(found.results[0].score > 0 && found.results[0].score <= 1);
assert.deepEqual(found.results[0].metadata, { cupSize: 1 });
const page = await client.getAll({ filters: ann, page: 1, pageSize: 10 });
assert.equal(page.count, 1);
assert.equal((await client.get(tea)).memory, "I drink green tea");

assert.equal((await client.update(tea, { text: "I drink coffee" })).memory, "I drink coffee");
const history = await client.history(tea);
assert.deepEqual(history.map((entry) => [entry.event, entry.oldMemory, entry.newMemory]), [
  ["ADD", null, "I drink green tea"],
  ["UPDATE", "I drink green tea", "I drink coffee"],
]);
const users = await client.users({ page: 1, pageSize: 10 });
assert.deepEqual(users.results.map((user) => [user.type, user.name, user.totalMemories]), [["user", "ann", 1], ["user", "bob", 1]]);

const fails = async (name, call, part) => {
  const error = await call().then(() => assert.fail(`${name} was expected`), (error) => error);
  assert.equal(error.name, name, String(error));
  assert.ok(error.message.includes(part), error.message);
};
await fails("ValidationError", () => client.getAll({ filters: {} }), "user_id");
await fails("MemoryNotFoundError", () => client.get("0190a0a0-0000-7000-8000-000000000000"), "there is no memory");
await fails("MemoryError", () => client.feedback({ memoryId: tea, feedback: "POSITIVE" }), "nothing behind");
const complain = console.error;
console.error = () => {};
const stranger = new MemoryClient({ apiKey: "m0-unknown", host });
await fails("AuthenticationError", () => stranger.users(), "key is not known");
console.error = complain;

const more = await client.add([{ role: "user", content: "one" }, { role: "user", content: "two" }], { userId: "ann", infer: false });
const [one, two] = more.results.map((result) => result.id);
await client.batchUpdate([{ memoryId: one, text: "first" }, { memoryId: two, text: "second" }]);
await client.batchDelete([one]);
assert.equal((await client.getAll({ filters: ann })).count, 2);
await client.delete(two);
await client.deleteAll({ userId: "ann" });
assert.equal((await client.getAll({ filters: ann })).count, 0);
await client.deleteUsers({ userId: "bob" });
assert.equal((await client.users()).count, 0);
console.log("done");
