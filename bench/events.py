"""Events as a fleet of agents sends them: the same ones for the same number, about 940 bytes each.

5,000 agents, most of them rarely, over 30 days; jobs of about a hundred events whose neighbours lie
together; text with the word frequencies of prose (Zipf) and with ids that occur once.
"""

import datetime
import itertools
import json
import pathlib
import random

BATCH = 1_000
DAYS = 30
START_US = 1_772_000_000_000_000
AGENTS = 5_000
OPEN_JOBS = 40
SOURCES = ["llm", "mcp", "shell", "app", "kubernetes", "aws", "forward-proxy"]
ACTIONS = {
    "llm": ["chat.completions", "responses", "messages"],
    "mcp": ["tools/call", "tools/list", "resources/read", "prompts/get"],
    "shell": ["shell.exec"],
    "app": ["order.refund", "order.read", "mail.send", "report.create"],
    "kubernetes": ["pods.get", "pods.list", "pods.delete", "deployments.patch"],
    "aws": ["s3.GetObject", "s3.PutObject", "ec2.DescribeInstances"],
    "forward-proxy": ["http.get", "http.post", "http.connect"],
}
RESOURCES = {
    "llm": "model", "mcp": "tool", "shell": "command", "app": "order",
    "kubernetes": "object", "aws": "arn", "forward-proxy": "url",
}
RESULTS = ["success"] * 17 + ["failure", "failure", "error"]
MODELS = ["claude-opus-4-5", "claude-sonnet-4-5", "gpt-5.1", "gemini-3-pro"]
PROVIDERS = ["anthropic", "anthropic", "openai", "google"]
# What one row of a peer's table has, in this order.
COLUMNS = [
    "seq", "id", "time_us", "duration_us", "actor", "initiator", "project", "job", "source", "action",
    "resource_type", "resource", "result", "status", "approver", "provider", "model", "input_tokens",
    "output_tokens", "cache_read_tokens", "cost_nanousd", "body",
]


def prose(rng, words=400_000):
    """Words of which the n-th is about n times as rare as the first."""
    syllables = ["ba", "con", "de", "ex", "fi", "ga", "in", "ko", "lu", "mar", "no", "per", "qua", "re", "sta", "tor"]
    vocabulary = sorted({"".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(40_000)}, key=lambda _: rng.random())
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(vocabulary))))
    return rng.choices(vocabulary, cum_weights=weights, k=words)


class Generator:
    def __init__(self, count):
        self.rng = random.Random(20260131)
        self.count = count
        self.words = prose(self.rng)
        self.jobs = []
        self.job_number = 0
        weights = [1 / (rank + 20) for rank in range(AGENTS)]
        self.agents = list(itertools.accumulate(weights))

    def job(self):
        self.job_number += 1
        agent = self.rng.choices(range(AGENTS), cum_weights=self.agents)[0]
        return {
            "id": f"job-{self.job_number:06}", "agent": f"agent-{agent:04}", "user": f"user-{agent % 211}",
            "project": f"project-{agent % 12}", "left": self.rng.randint(20, 180),
        }

    def text(self, least, most):
        length = self.rng.randint(least, most)
        at = self.rng.randrange(len(self.words) - length)
        return " ".join(self.words[at:at + length])

    def event(self, number):
        """One event and its row for a peer's table."""
        rng = self.rng
        if len(self.jobs) < OPEN_JOBS:
            self.jobs.append(self.job())
        slot = rng.randrange(len(self.jobs))
        job = self.jobs[slot]
        job["left"] -= 1
        if job["left"] == 0:
            self.jobs[slot] = self.job()
        source = SOURCES[min(rng.randrange(10), 6)]
        time_us = START_US + number * DAYS * 86_400_000_000 // self.count
        resource = f"/srv/data/{rng.randrange(97)}/{rng.getrandbits(40):010x}.json"
        result = rng.choice(RESULTS)
        event = {
            "id": f"{time_us:x}-{rng.getrandbits(64):016x}",
            "time": iso(time_us),
            "duration_us": int(rng.expovariate(1 / 400_000)),
            "actor": {"type": "agent", "id": job["agent"], "name": "Worker " + job["agent"][-4:]},
            "initiator": {"type": "user", "id": job["user"]},
            "project": job["project"],
            "job": job["id"],
            "source": source,
            "action": rng.choice(ACTIONS[source]),
            "resource": {"type": RESOURCES[source], "id": resource},
            "result": result,
            "status": 200 if result == "success" else rng.choice([400, 403, 404, 429, 500, 503]),
        }
        if rng.randrange(8) == 0:
            event["approval"] = {"decision": "allowed", "approver": f"user-{rng.randrange(9)}"}
        usage = {}
        if source == "llm":
            model = rng.randrange(4)
            usage = event["usage"] = {
                "provider": PROVIDERS[model], "model": MODELS[model], "input_tokens": rng.randrange(12_000),
                "output_tokens": rng.randrange(900), "cache_read_tokens": rng.randrange(30_000),
                "cost_nanousd": rng.randrange(90_000_000),
            }
        event["input"] = {"arguments": {"path": resource, "query": self.text(4, 16), "request": f"{rng.getrandbits(64):016x}"}}
        event["output"] = {"text": self.text(10, 58), "checksum": f"{rng.getrandbits(64):016x}"}
        body = json.dumps(event, separators=(",", ":"))
        row = (
            number, event["id"], time_us, event["duration_us"], job["agent"], job["user"], job["project"], job["id"],
            source, event["action"], RESOURCES[source], resource, result, event["status"],
            event.get("approval", {}).get("approver"), usage.get("provider"), usage.get("model"),
            usage.get("input_tokens"), usage.get("output_tokens"), usage.get("cache_read_tokens"),
            usage.get("cost_nanousd"), body,
        )
        return row


def iso(time_us):
    moment = datetime.datetime.fromtimestamp(time_us // 1_000_000, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_us % 1_000_000:06}Z"


def batches(path):
    """Rows, 1,000 at a time, of a file that `write` made."""
    with open(path, encoding="utf-8") as lines:
        while batch := list(itertools.islice(lines, BATCH)):
            yield [tuple(json.loads(line)) for line in batch]


def write(path, count):
    """Writes the rows of so many events as JSON lines, if they are not there."""
    path = pathlib.Path(path)
    if path.exists():
        return
    generator = Generator(count)
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "w", encoding="utf-8") as out:
        for number in range(count):
            out.write(json.dumps(generator.event(number), separators=(",", ":")) + "\n")
    unfinished.rename(path)
