"""Real programs under real instrumentation, and the trail that their telemetry becomes.

A stand-in for a model provider answers with a recorded reply. `openai` calls it under the instrumentation of
OpenTelemetry and under that of OpenInference; log records and spans go out over protobuf, plain and packed, and twice.
What is in the trail afterwards is compared with what was sent.
"""

import argparse
import json
import logging
import os
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

REPLY = {
    "id": "chatcmpl-interop",
    "object": "chat.completion",
    "created": 1750000000,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Four."}}
    ],
    "usage": {
        "prompt_tokens": 1200,
        "completion_tokens": 30,
        "total_tokens": 1230,
        "prompt_tokens_details": {"cached_tokens": 1024},
    },
}
SECRET = "ghp_PlantedSecretPlantedSecretPlanted123"


class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(REPLY).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Trail:
    def __init__(self, url, key):
        self.url = url
        self.key = key

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def events(self, q):
        """Records with their contents, oldest first."""
        path = "/v1/events?order=asc&limit=200&q=" + urllib.parse.quote(q)
        records = self.get(path)["data"]
        for record in records:
            record["content"] = self.get(f"/v1/events/{record['seq']}/content")
        return records


def spans(url, key, instrumentor, session, compression):
    """One call of a model under an instrumentation; the spans that were handed to the exporter."""
    from openai import OpenAI
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult, SimpleSpanProcessor

    exporter = OTLPSpanExporter(
        endpoint=f"{url}/v1/traces",
        headers={"authorization": f"Bearer {key}"},
        compression=Compression(compression),
    )
    sent = []

    class Twice(SpanExporter):
        """A network that loses answers."""

        def export(self, batch):
            sent.extend(batch)
            assert exporter.export(batch) is SpanExportResult.SUCCESS
            return exporter.export(batch)

        def shutdown(self):
            exporter.shutdown()

    provider = TracerProvider(resource=Resource({"service.name": session, "indelible.job": session}))
    provider.add_span_processor(SimpleSpanProcessor(Twice()))
    instrument = instrumentor()
    instrument.instrument(tracer_provider=provider)
    client = OpenAI(api_key="sk-none", base_url=f"http://127.0.0.1:{PROVIDER.server_port}/v1")
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": f"2+2? {SECRET}"}]
    )
    assert answer.choices[0].message.content == "Four."
    with provider.get_tracer("interop").start_as_current_span("execute_tool add") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "add",
                "gen_ai.tool.call.id": f"call-{session}",
                "gen_ai.tool.call.arguments": '{"a": 2, "b": 2}',
                "own.list": [1, 2, 3],
                "own.double": 0.5,
            }
        )
    instrument.uninstrument()
    provider.shutdown()
    return sent


def check_spans(trail, session, sent):
    records = trail.events(f"source:otlp job:{session}")
    assert len(records) == len(sent), f"{session}: {len(sent)} sent once each, {len(records)} recorded"
    by_span = {record["span"]: record for record in records}
    for span in sent:
        record = by_span[f"{span.context.span_id:016x}"]
        assert record["trace"] == f"{span.context.trace_id:032x}", record
        took = (span.end_time - span.start_time) // 1000
        assert record["duration_us"] == took, (record["duration_us"], took)
        assert record["actor"] == {**record["actor"], "type": "agent", "id": session, "auth": "claimed"}
        rest = record["content"].get("attributes", {})
        known = json.dumps(record)
        for name, value in span.attributes.items():
            kept = rest.get(name, None) == (list(value) if isinstance(value, tuple) else value)
            plain = str(value) if not isinstance(value, (bool, tuple)) else None
            taken = plain is not None and (plain in known or json.dumps(value)[1:-1] in known)
            redacted = plain is not None and SECRET in plain
            unpacked = plain is not None and plain.startswith(("{", "["))
            assert kept or taken or redacted or unpacked, f"{name}={value!r} is lost: {record}"
    chat = [record for record in records if record["action"] == "chat"]
    assert len(chat) == 1, [record["action"] for record in records]
    usage = chat[0]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (1200, 30), usage
    assert usage["model"] in ("gpt-4o-2024-08-06", "gpt-4o"), usage
    assert usage["cost_nanousd"] > 0, usage
    tool = [record for record in records if record["action"] == "tools/call"][0]
    assert tool["resource"] == {"type": "tool", "id": "add"}, tool
    assert tool["producer"]["call"] == f"call-{session}", tool
    assert tool["content"]["input"] == {"a": 2, "b": 2}, tool
    assert tool["content"]["attributes"]["own.list"] == [1, 2, 3], tool
    return usage


def logs(url, key):
    """Log records of the standard library's logging; what was said."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    provider = LoggerProvider(resource=Resource({"service.name": "py-logs", "indelible.job": "py-logs"}))
    exporter = OTLPLogExporter(endpoint=f"{url}/v1/logs", headers={"authorization": f"Bearer {key}"})
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.getLogger("interop")
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=provider))
    said = [f"line {number} of ä" for number in range(300)]
    for line in said:
        logger.info(line, extra={"number": 7})
    logger.error(f"broken {SECRET}")
    provider.shutdown()
    return said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    with open(args.key_file) as file:
        key = file.read().strip()
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
    threading.Thread(target=PROVIDER.serve_forever, daemon=True).start()
    trail = Trail(args.url, key)

    from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor as Convention

    for instrumentor, session, compression in [
        (Convention, "py-convention", "gzip"),
        (OpenInference, "py-openinference", "none"),
    ]:
        sent = spans(args.url, key, instrumentor, session, compression)
        usage = check_spans(trail, session, sent)
        print(f"{session}: {len(sent)} spans, {usage['input_tokens']} tokens in, {usage['cost_nanousd']} nano-dollars")
    said = logs(args.url, key)
    bodies = []
    for page in range(4):
        start = f" seq>{bodies[-1][0]}" if bodies else ""
        for record in trail.events(f"source:otlp job:py-logs{start}"):
            bodies.append((record["seq"], record["content"]["body"], record.get("result")))
    assert [body for _, body, _ in bodies[:300]] == said, bodies[:3]
    assert len(bodies) == 301 and bodies[300][2] == "error", bodies[300:]
    print(f"py-logs: {len(bodies)} log records")
    for folder, _, names in os.walk(args.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert b"PlantedSecret" not in file.read(), f"a secret in {folder}/{name}"


PROVIDER = HTTPServer(("127.0.0.1", 0), Provider)

if __name__ == "__main__":
    main()
