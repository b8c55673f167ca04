"""The tools for assistants, asked by the Model Context Protocol's client for Python.

Usage: INDELIBLE_KEY=KEY assistant.py URL PROGRAM
"""

import asyncio
import os
import sys

import httpx2
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

TOOLS = ["what_just_happened", "show_proof", "explain_event", "search_audit"]


async def converse(client: Client) -> None:
    """Everything that a host does with the tools."""
    assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
    happened = await client.call_tool("what_just_happened", {"job": "release-9"})
    assert happened.structured_content["count"] == 4, happened
    seq = happened.structured_content["seqs"][0]
    shown = await client.call_tool("show_proof", {"seq": seq})
    assert shown.structured_content["verdict"] == "verified", shown
    assert "the proof holds" in shown.content[0].text, shown
    found = await client.call_tool("search_audit", {"q": 'action:"PATCH deployments"'})
    assert found.structured_content["count"] == 1, found
    refused = await client.call_tool("search_audit", {"q": "actoor:x"})
    assert refused.is_error and "did you mean `actor`" in refused.content[0].text, refused
    resources = await client.list_resources()
    page = await client.read_resource(resources.resources[0].uri)
    assert page.contents[0].mime_type == "text/html;profile=mcp-app", page


async def main(url: str, program: str) -> None:
    key = os.environ["INDELIBLE_KEY"]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        async with Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
            await converse(client)
    print("Python over HTTP: tools, card and faults")
    command = StdioServerParameters(
        command=program,
        args=["mcp-server", "--server", url],
        env={"INDELIBLE_KEY": key},
    )
    async with Client(command) as client:
        await converse(client)
    print("Python over pipes: tools, card and faults")


asyncio.run(main(*sys.argv[1:]))
