"""The Python client of the Model Context Protocol, which calls every tool: `mcp_client.py http URL KEY | stdio PROGRAM …`."""

import asyncio
import logging
import sys

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

logging.disable(logging.CRITICAL)


def server():
    how, where, *rest = sys.argv[1:]
    if how == "stdio":
        return StdioServerParameters(command=where, args=rest)
    return streamable_http_client(where, http_client=httpx2.AsyncClient(headers={"Authorization": f"Bearer {rest[0]}"}))


async def every_tool(client):
    called = set()

    async def call(name, /, **arguments):
        called.add(name)
        result = await client.call_tool(name, arguments)
        assert not result.is_error, (name, result.content)
        assert result.content[0].text and isinstance(result.structured_content, dict), (name, result)
        return result.structured_content

    memory = (await call("add_memory", text="Ann drinks tea", user_id="ann"))["id"]
    assert (await call("search_memories", query="tea", user_id="ann"))["memories"][0]["id"] == memory
    assert (await call("get_memories", user_id="ann"))["total"] == 1
    assert (await call("get_memory", memory_id=memory))["trust"] == "agent"
    assert (await call("update_memory", memory_id=memory, text="Ann drinks coffee"))["text"] == "Ann drinks coffee"
    assert "coffee" in (await call("recall", query="what does Ann drink, coffee?", tokens=300))["context"]
    called.add("give_feedback")
    nobodys = {"trial": memory, "used": [memory]}
    refused = await client.call_tool("give_feedback", nobodys)
    assert refused.is_error and "online = true" in refused.content[0].text, refused
    await call("delete_memory", memory_id=memory)
    await call("add_memory", text="one more", user_id="ann")
    assert (await call("delete_all_memories", user_id="ann"))["forgotten"] == 1
    refused = await client.call_tool("get_memory", {"memory_id": memory})
    assert refused.is_error and "there is no memory" in refused.content[0].text, refused

    rule = (await call("compile_correction", text="never use npm here, use pnpm"))["rules"][0]["rule"]
    assert [found["name"] for found in (await call("list_rules"))["rules"]] == [rule]
    event = {"event": "pre_tool_use", "tool": "Bash", "input": {"command": "npm install"}}
    assert (await call("check_event", event=event))["blocked"]
    assert (await call("explain_rule", name=rule))["said"] == ["never use npm here, use pnpm"]

    session = (await call("state_begin", agent="tester"))["session"]
    assert not (await call("state_read", key="plan", session=session))["is_there"]
    await call("state_write", key="plan", value={"goal": "ship"}, session=session)
    assert (await call("state_commit", session=session))["committed"]
    assert (await call("state_scan", prefix="pl"))["cells"] == [{"key": "plan", "value": {"goal": "ship"}}]
    session = (await call("state_begin"))["session"]
    await call("state_read", key="plan", session=session)
    await call("state_write", key="plan", how="delete")
    doomed = (await call("state_write", key="log", value="x", how="append", session=session))["doomed"]
    assert doomed[0]["key"] == "plan", doomed
    assert not (await call("state_commit", session=session))["committed"]
    await call("state_abort", session=session)
    return called


async def main():
    async with Client(server()) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        called = await every_tool(client)
        assert names == called, names ^ called


asyncio.run(main())
print("done")
