"""The official Python client, in both eras of the protocol; writes down what happened."""

import asyncio
import json
import os
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

HERE = Path(__file__).parent
GATEWAY = os.environ["GATEWAY"]


def happened(job, resource, arguments, output, result):
    line = {"job": job, "action": "tools/call", "resource": f"python-server/{resource}"}
    line |= {"input": arguments, "output": output, "result": result}
    with open(os.environ["HAPPENED"], "a") as file:
        file.write(json.dumps(line) + "\n")


async def elicited(context, params):
    return ElicitResult(action="accept", content={"name": "octocat"})


async def use(job, target, mode):
    async with Client(target, mode=mode, elicitation_callback=elicited) as client:
        await client.list_tools()
        for name, arguments in [
            ("add", {"a": 1, "b": 2}),
            ("fail", {}),
            ("greet", {}),
            ("add", {"a": 40, "b": 2}),
        ]:
            output = await client.call_tool(name, arguments)
            if name == "greet":
                assert output.content[0].text == "hello octocat", output
            result = "failure" if output.is_error else "success"
            texts = [content.text for content in output.content]
            happened(job, name, arguments, {"texts": texts}, result)


def wrapped(job):
    args = ["mcp", "--job", job, "--", sys.executable, str(HERE / "mcp_server.py"), "stdio"]
    return StdioServerParameters(command=os.environ["INDELIBLE"], args=args, env=dict(os.environ))


async def main():
    for mode, era in [("legacy", "old"), ("2026-07-28", "new")]:
        await use(f"python-stdio-{era}", wrapped(f"python-stdio-{era}"), mode)
        job = f"python-http-{era}"
        await use(job, f"{GATEWAY}/-job/{job}/python", mode)


asyncio.run(main())
