"""mem0's own Python client against a server: `mem0_client.py URL KEY`."""

import asyncio
import logging
import sys

from mem0 import AsyncMemoryClient, MemoryClient
from mem0.exceptions import AuthenticationError, MemoryError, MemoryNotFoundError, ValidationError

logging.disable(logging.CRITICAL)
url, key = sys.argv[1:]


def fails(kind, call, part):
    try:
        call()
    except kind as error:
        assert type(error) is kind and part in str(error), repr(error)
        return
    raise AssertionError(f"{kind.__name__} was expected")


fails(ValueError, lambda: MemoryClient(api_key="m0-unknown", host=url), "key is not known")
client = MemoryClient(api_key=key, host=url)
ann = {"user_id": "ann"}

added = client.add("I drink green tea", user_id="ann", metadata={"cup": 1})
assert added["status"] == "SUCCEEDED" and added["results"][0]["event"] == "ADD", added
tea = added["results"][0]["id"]
messages = [{"role": "user", "content": "I moved to Oslo"}, {"role": "assistant", "content": "Noted"}]
assert len(client.add(messages, filters=ann, infer=False)["results"]) == 2
client.add("I ride a bicycle", user_id="bob", agent_id="planner", expiration_date="2999-12-31")

found = client.search("green tea", filters=ann, top_k=3)["results"]
assert found[0]["id"] == tea and found[0]["metadata"] == {"cup": 1} and 0 < found[0]["score"] <= 1, found
assert client.search("bicycle", filters=ann)["results"] == [] or all(hit["user_id"] == "ann" for hit in found)
page = client.get_all(filters={"AND": [ann]}, page=1, page_size=2)
assert page["count"] == 3 and len(page["results"]) == 2 and page["next"] and not page["previous"], page
assert client.get(tea)["memory"] == "I drink green tea"

assert client.update(tea, text="I drink coffee", metadata={"cup": 2})["memory"] == "I drink coffee"
history = client.history(tea)
assert [entry["event"] for entry in history] == ["ADD", "UPDATE"], history
assert history[1]["old_memory"] == "I drink green tea" and history[1]["new_memory"] == "I drink coffee"
assert client.update(tea, expiration_date="2999-12-31")["expiration_date"] == "2999-12-31"
assert client.update(tea, expiration_date=None)["expiration_date"] is None

names = {(entity["type"], entity["name"], entity["total_memories"]) for entity in client.users()["results"]}
assert names == {("user", "ann", 3), ("user", "bob", 1), ("agent", "planner", 1)}, names

fails(ValidationError, lambda: client.get_all(filters={}), "user_id")
fails(ValidationError, lambda: client.search("x", filters={"user_id": "ann", "colour": "red"}), "colour")
fails(ValidationError, lambda: client.add("x"), "user_id")
fails(ValidationError, lambda: client.delete_all(), "user_id")
fails(MemoryNotFoundError, lambda: client.get("0190a0a0-0000-7000-8000-000000000000"), "there is no memory")
fails(MemoryError, lambda: client.feedback(tea, "POSITIVE"), "nothing behind")
client.client.headers["Authorization"] = "Token m0-unknown"
fails(AuthenticationError, lambda: client.users(), "key is not known")
client.client.headers["Authorization"] = f"Token {key}"

ids = [memory["id"] for memory in client.get_all(filters=ann)["results"]]
updated = client.batch_update([{"memory_id": id, "text": f"text {number}"} for number, id in enumerate(ids)])
assert "3" in updated["message"], updated
client.batch_delete([{"memory_id": ids[0]}])
client.delete(ids[1])
assert client.get_all(filters=ann)["count"] == 1
assert client.delete_all(user_id="ann")["message"]
assert client.get_all(filters=ann)["count"] == 0
client.delete_users(user_id="bob")
client.add("one more", user_id="eve")
client.reset()
assert client.users()["results"] == []


async def later():
    other = AsyncMemoryClient(api_key=key, host=url)
    await other.add("I like snow", user_id="zoe")
    found = await other.search("snow", filters={"user_id": "zoe"})
    assert found["results"][0]["memory"] == "I like snow", found
    assert (await other.get_all(filters={"user_id": "zoe"}))["count"] == 1
    await other.delete_all(user_id="zoe")


asyncio.run(later())
print("done")
