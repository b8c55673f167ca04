"""A server of the official Python package: `stdio`, or `http PORT`."""

import sys
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

server = MCPServer("python-server", version="7")


class Who(BaseModel):
    name: str


def ask() -> Elicit[Who]:
    return Elicit("Who are you?", Who)


@server.tool()
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("on purpose")


@server.tool()
def greet(who: Annotated[Who, Resolve(ask)]) -> str:
    """Greets, and has to ask whom."""
    return f"hello {who.name}"


if sys.argv[1] == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
