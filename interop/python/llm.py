"""Leads the providers' own clients through the LLM proxy to an upstream that answers as the providers do. What a client makes
of an answer is compared with what it makes of it without the proxy, and the trail with the usage that the answer told."""

import argparse
import base64
import binascii
import hashlib
import http.server
import json
import os
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import warnings
from pathlib import Path

import anthropic
import boto3
import botocore
import botocore.config
import openai
from google import genai
from google.genai import types

ADMIN_KEY = "ik_a-key-for-tests-only"
TOKEN = "token-of-the-agent-4f1d9c2e7b"
KEYS = {name: f"key-of-{name}-9b1f4c0de2a7" for name in ("openai", "anthropic", "gemini", "bedrock")}
# Longest wait for what was recorded to be readable.
PATIENCE_S = 60
WORDS = ["The file ", "has three ", "lines: ñ, ", "😀 and ", "nothing else."]
TEXT = "".join(WORDS)

CHAT_USAGE = {
    "prompt_tokens": 1200, "completion_tokens": 85, "total_tokens": 1285,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
}
RESPONSE_USAGE = {
    "input_tokens": 900, "input_tokens_details": {"cached_tokens": 512}, "output_tokens": 70,
    "output_tokens_details": {"reasoning_tokens": 32}, "total_tokens": 970,
}
CLAUDE_USAGE = {"input_tokens": 11, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 2000, "output_tokens": 47}
GEMINI_USAGE = {
    "promptTokenCount": 700, "candidatesTokenCount": 40, "thoughtsTokenCount": 25, "cachedContentTokenCount": 256, "totalTokenCount": 765,
}
BEDROCK_USAGE = {"inputTokens": 21, "outputTokens": 33, "totalTokens": 554, "cacheReadInputTokens": 400, "cacheWriteInputTokens": 100}


def sse(events):
    out = []
    for name, data in events:
        head = f"event: {name}\n" if name else ""
        out.append(f"{head}data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}\n\n".encode())
    return out


def chat(model, asked_usage):
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1772000000, "model": model, "service_tier": "default"}
    more = {"usage": None} if asked_usage else {}

    def chunk(delta, finish=None):
        return {**base, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **more}

    events = [(None, chunk({"role": "assistant", "content": ""}))]
    events += [(None, chunk({"content": word})) for word in WORDS]
    events.append((None, chunk({}, "stop")))
    if asked_usage:
        events.append((None, {**base, "choices": [], "usage": CHAT_USAGE}))
    return sse(events + [(None, "[DONE]")])


def response(status="completed"):
    return {
        "id": "resp_1", "object": "response", "created_at": 1772000000, "status": status, "model": "gpt-4.1-2025-04-14", "parallel_tool_calls": True,
        "tool_choice": "auto", "tools": [], "metadata": {}, "instructions": None, "temperature": 1.0, "top_p": 1.0, "error": None,
        "incomplete_details": None, "usage": RESPONSE_USAGE if status == "completed" else None,
        "output": [{"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": TEXT, "annotations": []}]}]
        if status == "completed" else [],
    }


def responses_events():
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = [{"type": "response.created", "sequence_number": 0, "response": response("in_progress")}]
    for number, word in enumerate(WORDS):
        events.append({"type": "response.output_text.delta", "sequence_number": number + 1, "delta": word, "logprobs": [], **place})
    return events + [{"type": "response.completed", "sequence_number": 9, "response": response()}]


def responses_stream():
    return sse([(event["type"], event) for event in responses_events()])


def claude_stream():
    message = {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {**CLAUDE_USAGE, "output_tokens": 1},
    }
    events = [("message_start", {"type": "message_start", "message": message})]
    events.append(("content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}))
    events.append(("ping", {"type": "ping"}))
    events += [("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}) for word in WORDS]
    events.append(("content_block_stop", {"type": "content_block_stop", "index": 0}))
    events.append(("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 47}}))
    return sse(events + [("message_stop", {"type": "message_stop"})])


def gemini(texts, usage=None):
    body = {"candidates": [{"content": {"parts": [{"text": text} for text in texts], "role": "model"}, "index": 0}], "modelVersion": "gemini-2.5-flash", "responseId": "r1"}
    if usage:
        body["candidates"][0]["finishReason"] = "STOP"
        body["usageMetadata"] = usage
    return body


def frame(kind, payload):
    """A message of an AWS event stream."""
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    payload = json.dumps(payload, ensure_ascii=False).encode()
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head += struct.pack(">I", binascii.crc32(head))
    message = head + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def converse_stream():
    frames = [frame("messageStart", {"role": "assistant"})]
    frames += [frame("contentBlockDelta", {"delta": {"text": word}, "contentBlockIndex": 0}) for word in WORDS]
    frames += [frame("contentBlockStop", {"contentBlockIndex": 0}), frame("messageStop", {"stopReason": "end_turn"})]
    return frames + [frame("metadata", {"usage": BEDROCK_USAGE, "metrics": {"latencyMs": 800}})]


def claude():
    return {
        "id": "msg_02", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": CLAUDE_USAGE,
    }


class Upstream(http.server.BaseHTTPRequestHandler):
    """All providers under one roof: the first part of a path says which."""

    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        shown = self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key") or self.headers.get("x-goog-api-key")
        self.seen.append((self.path, shown))
        path = urllib.parse.unquote(self.path.split("?")[0])
        provider = path.split("/")[1]
        if provider == "openai" and path.endswith("/chat/completions"):
            if body["model"] == "refuses":
                return self.whole(429, {"error": {"message": "slow down", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}})
            if body.get("stream"):
                pieces = chat(body["model"], (body.get("stream_options") or {}).get("include_usage", False))
                return self.pieces("text/event-stream", pieces[:3] if body["model"] == "breaks" else pieces, breaks=body["model"] == "breaks")
            message = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
            return self.whole(200, {
                "id": "chatcmpl-2", "object": "chat.completion", "created": 1772000000, "model": body["model"], "usage": CHAT_USAGE,
                "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}], "service_tier": "default",
            })
        if provider == "openai":
            return self.pieces("text/event-stream", responses_stream()) if body.get("stream") else self.whole(200, response())
        if provider == "anthropic":
            return self.pieces("text/event-stream; charset=utf-8", claude_stream()) if body.get("stream") else self.whole(200, claude())
        if provider == "gemini":
            if "stream" in path:
                return self.pieces("text/event-stream", sse([(None, gemini([word])) for word in WORDS[:-1]] + [(None, gemini(WORDS[-1:], GEMINI_USAGE))]))
            return self.whole(200, gemini([TEXT], GEMINI_USAGE))
        if path.endswith("/converse-stream"):
            return self.pieces("application/vnd.amazon.eventstream", converse_stream())
        if path.endswith("/invoke"):
            return self.whole(200, claude())
        answer = {"output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}}, "stopReason": "end_turn", "usage": BEDROCK_USAGE, "metrics": {"latencyMs": 900}}
        return self.whole(200, answer)

    def do_GET(self):
        """Responses over a WebSocket: each message is answered with the same events."""
        self.seen.append((self.path, self.headers.get("authorization", "").removeprefix("Bearer ")))
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while frame := self.frame():
            opcode, payload = frame
            if opcode == 8:
                return self.wfile.write(bytes([0x88, len(payload)]) + payload)
            if opcode == 1 and json.loads(payload)["type"] == "response.create":
                for event in responses_events():
                    data = json.dumps(event, ensure_ascii=False).encode()
                    length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
                    self.wfile.write(b"\x81" + length + data)

    def frame(self):
        """Opcode and payload of the next frame; nothing at the end."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        length = head[1] & 0x7F
        if length >= 126:
            length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
        mask = self.rfile.read(4)
        return head[0] & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length)))

    def whole(self, status, body):
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def pieces(self, kind, pieces, breaks=False):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
            time.sleep(0.002)
        if breaks:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")


def calls(base, key):
    """Each call by its name: a function that gives what the client made of the answer."""
    messages = [{"role": "user", "content": "What is in the file?"}]
    ai = openai.OpenAI(base_url=f"{base}/openai/v1", api_key=key("openai"), max_retries=0)
    an = anthropic.Anthropic(base_url=f"{base}/anthropic", api_key=key("anthropic"), max_retries=0)
    ge = genai.Client(api_key=key("gemini"), http_options=types.HttpOptions(base_url=f"{base}/gemini"))
    # It does not send a Bedrock API key without TLS by itself.
    config = botocore.config.Config(retries={"max_attempts": 0}, signature_version=botocore.UNSIGNED)
    be = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=f"{base}/bedrock", config=config)
    bearer = f"Bearer {key('bedrock')}"
    be.meta.events.register("before-call.bedrock-runtime", lambda params, **_: params["headers"].update(Authorization=bearer))
    claude_model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    asked = [{"role": "user", "content": [{"text": "What is in the file?"}]}]

    def whole_chat():
        answer = ai.chat.completions.create(model="gpt-4.1", messages=messages)
        return answer.choices[0].message.content, answer.usage.model_dump()

    def chat_stream(model="gpt-4.1", **more):
        got = list(ai.chat.completions.create(model=model, messages=messages, stream=True, **more))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in got if chunk.choices)
        return text, [chunk.model_dump() for chunk in got]

    def refused():
        try:
            return ai.chat.completions.create(model="refuses", messages=messages)
        except openai.RateLimitError as error:
            return str(error), error.status_code

    def broken():
        try:
            return chat_stream("breaks")
        except Exception as error:  # Each client has an error of its own for this.
            return "", type(error).__name__

    def responses():
        answer = ai.responses.create(model="gpt-4.1", input="What is in the file?")
        return answer.output_text, answer.usage.model_dump()

    def responses_streamed():
        got = list(ai.responses.create(model="gpt-4.1", input="What is in the file?", stream=True))
        return "".join(event.delta for event in got if event.type == "response.output_text.delta"), [event.type for event in got]

    def messages_whole():
        answer = an.messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=messages)
        return answer.content[0].text, answer.usage.model_dump()

    def messages_streamed():
        with an.messages.stream(model="claude-sonnet-4-5", max_tokens=64, messages=messages) as stream:
            text = "".join(stream.text_stream)
            return text, stream.get_final_message().usage.model_dump()

    def generate():
        answer = ge.models.generate_content(model="gemini-2.5-flash", contents="What is in the file?")
        return answer.text, answer.usage_metadata.model_dump()

    def generate_streamed():
        got = list(ge.models.generate_content_stream(model="gemini-2.5-flash", contents="What is in the file?"))
        return "".join(piece.text for piece in got), got[-1].usage_metadata.model_dump()

    def converse():
        answer = be.converse(modelId=claude_model, messages=asked)
        return answer["output"]["message"]["content"][0]["text"], answer["usage"]

    def converse_streamed():
        got = list(be.converse_stream(modelId=claude_model, messages=asked)["stream"])
        text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in got if "contentBlockDelta" in event)
        return text, [event["metadata"]["usage"] for event in got if "metadata" in event]

    def invoke():
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": messages}
        answer = json.loads(be.invoke_model(modelId=claude_model, body=json.dumps(body))["body"].read())
        return answer["content"][0]["text"], answer["usage"]

    return {
        "chat": whole_chat, "chat stream": chat_stream, "chat stream with usage": lambda: chat_stream(stream_options={"include_usage": True}),
        "chat refused": refused, "chat broken": broken, "responses": responses, "responses stream": responses_streamed,
        "messages": messages_whole, "messages stream": messages_streamed, "gemini": generate, "gemini stream": generate_streamed,
        "converse": converse, "converse stream": converse_streamed, "invoke": invoke,
    }


def over_websocket(base, key):
    """Two calls on one connection of the official client: what it made of each."""
    ai = openai.OpenAI(base_url=f"{base}/openai/v1", api_key=key, max_retries=0)
    got = []
    with ai.responses.connect() as connection:
        for previous in (None, "resp_1"):
            more = {"previous_response_id": previous} if previous else {}
            connection.send({"type": "response.create", "model": "gpt-4.1", "input": "What is in the file?", **more})
            event = connection.recv()
            while event.type != "response.completed":
                got.append(event.type)
                event = connection.recv()
            got.append((event.response.output_text, event.response.usage.model_dump()))
    return got


def compare_websocket(server, before):
    """The connection's two events, and those of the calls on it."""
    events = server.events(before + 6)[before:]
    halves = {phase: [event for event in events if event["producer"].get("phase") == phase] for phase in ("intent", "outcome")}
    check([len(half) for half in halves.values()] == [3, 3], f"websocket: {len(events)} events")
    calls = [event for event in halves["outcome"] if event["action"] == "responses.create"]
    opened = next(event for event in halves["outcome"] if event["action"] == "GET /v1/responses")
    check(opened["meta"]["calls"] == len(calls) == 2 and opened["meta"]["close_code"] == 1000, f"websocket: {opened['meta']}")
    for call in calls:
        check(call["meta"]["connection"] == opened["producer"]["call"], "websocket: another connection")
        compare("responses stream", server, call, [event for event in halves["intent"] if event["producer"]["call"] == call["producer"]["call"]])
    asked = [event for event in halves["intent"] if event["meta"].get("previous_response_id") == "resp_1"]
    check(len(asked) == 1, "websocket: previous_response_id")


# Input, output, cache reads, cache writes, reasoning, as the trail has them: cached tokens are input, reasoning is output.
CHAT = (1200, 85, 1024, None, 64)
RESPONSE = (900, 70, 512, None, 32)
CLAUDE = (2311, 47, 2000, 300, None)
GEMINI = (700, 65, 256, None, 25)
BEDROCK = (521, 33, 400, 100, None)
EXPECTED = {
    "chat": ("chat.completions", "openai", 200, "success", CHAT),
    "chat stream": ("chat.completions", "openai", 200, "success", CHAT),
    "chat stream with usage": ("chat.completions", "openai", 200, "success", CHAT),
    "chat refused": ("chat.completions", "openai", 429, "failure", None),
    "chat broken": ("chat.completions", "openai", 200, "error", None),
    "responses": ("responses.create", "openai", 200, "success", RESPONSE),
    "responses stream": ("responses.create", "openai", 200, "success", RESPONSE),
    "messages": ("messages.create", "anthropic", 200, "success", CLAUDE),
    "messages stream": ("messages.create", "anthropic", 200, "success", CLAUDE),
    "gemini": ("generateContent", "gemini", 200, "success", GEMINI),
    "gemini stream": ("generateContent", "gemini", 200, "success", GEMINI),
    "converse": ("converse", "bedrock", 200, "success", BEDROCK),
    "converse stream": ("converse", "bedrock", 200, "success", BEDROCK),
    "invoke": ("invokeModel", "bedrock", 200, "success", CLAUDE),
}


class Server:
    """`indelible serve` with the proxy inside."""

    def __init__(self, binary, work, upstream):
        self.data = work / "data"
        (work / "agent.token").write_text(TOKEN)
        for name, key in KEYS.items():
            (work / f"{name}.key").write_text(key)
        settings = ['[[agent]]\nid = "coder"\ntoken_file = "agent.token"\n', '[llm]\nlisten = "127.0.0.1:0"\n', "[llm.upstream]\n"]
        settings += [f'{name} = "{upstream}/{name}"\n' for name in KEYS]
        settings += ["[llm.key_file]\n"] + [f'{name} = "{name}.key"\n' for name in KEYS]
        config = work / "serve.toml"
        config.write_text("".join(settings))
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--config", config]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "INDELIBLE_ADMIN_KEY": ADMIN_KEY}, cwd=work)
        for line in self.process.stdout:
            if line.startswith("llm"):
                self.proxy = line.split()[1]
            if "listening on " in line:
                self.url = line.split("listening on ")[1].strip()
                break
        else:
            sys.exit("the server does not start")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {ADMIN_KEY}"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def events(self, count):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            events = self.get("/v1/events?source=llm&limit=200&order=asc")["data"]
            if len(events) >= count or time.monotonic() > deadline:
                return events
            time.sleep(0.1)


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED {what}")


def compare(name, server, event, intents):
    action, provider, status, result, usage = EXPECTED[name]
    said = {key: event.get(key) for key in ("action", "status", "result")}
    check((event["action"], event.get("status"), event["result"]) == (action, status, result), f"{name}: {said}")
    check(event["meta"]["provider"] == provider, f"{name}: provider {event['meta']['provider']}")
    check(event["actor"]["id"] == "coder" and event["actor"]["auth"] == "key", f"{name}: actor {event['actor']}")
    check(len(intents) == 1 and intents[0]["seq"] < event["seq"], f"{name}: {len(intents)} intents")
    told = event.get("usage") or {}
    members = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    figures = tuple(told.get(member) for member in members)
    check(figures == (usage or (None,) * 5), f"{name}: usage {figures}")
    if usage:
        check(told.get("cost_nanousd", 0) > 0 and told["prices"], f"{name}: no cost")
        content = json.dumps(server.get(f"/v1/events/{event['seq']}/content"), ensure_ascii=False)
        check(TEXT in content, f"{name}: the answer's text is not in the content")
    elif name == "chat broken":
        check(WORDS[0] in json.dumps(server.get(f"/v1/events/{event['seq']}/content")), f"{name}: what came before the end is not there")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--binary", required=True)
    options.add_argument("--work", type=Path, required=True)
    options = options.parse_args()
    # That a model will be retired one day is not about us.
    warnings.simplefilter("ignore", DeprecationWarning)
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{upstream.server_port}"
    server = Server(options.binary, options.work, address)
    try:
        direct = {name: call() for name, call in calls(address, KEYS.get).items()}
        for name, (text, _) in direct.items():
            check(text or name == "chat broken", f"{name}: the client reads nothing from this upstream")
        seen = len(Upstream.seen)
        through = calls(server.proxy, lambda _: TOKEN)
        events = []
        for number, (name, call) in enumerate(through.items(), 1):
            got = call()
            check(got == direct[name], f"{name}: the client is told something else:\n{got}\n{direct[name]}")
            # The upstream sees the provider's key and never the agent's token.
            path, shown = Upstream.seen[-1]
            check(shown == KEYS[path.split("/")[1]], f"{name}: the upstream was shown {shown}")
            events = server.events(2 * number)
            check(len(events) == 2 * number, f"{name}: {len(events)} events of {number} calls")
            outcome = next(event for event in reversed(events) if event["producer"].get("phase") == "outcome")
            intents = [event for event in events if event["producer"]["call"] == outcome["producer"]["call"] and event["producer"].get("phase") == "intent"]
            compare(name, server, outcome, intents)
            print(f"ok {name}")
        check(len(Upstream.seen) - seen == len(through), "the upstream saw other calls than were made")
        direct = over_websocket(address, KEYS["openai"])
        check(over_websocket(server.proxy, TOKEN) == direct, "websocket: the client is told something else")
        check(Upstream.seen[-1][1] == KEYS["openai"], f"websocket: the upstream was shown {Upstream.seen[-1][1]}")
        compare_websocket(server, len(events))
        print("ok responses over a WebSocket")
    finally:
        server.process.terminate()
        server.process.wait()
    secrets = [TOKEN, *KEYS.values()]
    for file in server.data.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            for secret in secrets:
                check(secret.encode() not in data, f"{secret} is in {file}")
    print(f"ok no secret in the data directory; {len(events)} events of {len(through)} calls")


if __name__ == "__main__":
    main()
