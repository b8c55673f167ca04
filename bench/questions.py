"""The questions, as a path of the API and as SQL, with parameters from the events themselves."""

import collections
import datetime
import json
import urllib.parse

import events

SUMS = "count(*), sum(input_tokens), sum(output_tokens), sum(cost_nanousd)"
PAGE = 200
WEEK_US = 7 * 86_400_000_000


class Question:
    def __init__(self, name, path, sql, of_api, text=None):
        self.name = name
        self.path = path
        self.sql = sql
        self.of_api = of_api
        # What is searched in the whole text, which every system says in its own way: `{text}` in the SQL.
        self.text = text

    def of_sql(self, rows):
        """The rows of an SQL answer in the same terms as an answer of the API."""
        if self.of_api is ids:
            return page(row[0] for row in rows)
        return in_order(tuple(cell if isinstance(cell, str) else int(cell or 0) for cell in row) for row in rows)


def in_order(rows):
    return sorted(rows, key=repr)


def ids(body):
    return page(row["id"] for row in json.loads(body)["data"])


def page(found):
    """Batches of several connections are recorded in any order: which 200 are the newest differs between systems."""
    found = sorted(found)
    return found if len(found) < PAGE else [f"{PAGE} rows"]


def rows(*members):
    def read(body):
        found = []
        for row in json.loads(body)["data"]:
            start = [hour(row["start"])] if "start" in row else []
            for group in row.get("groups", [row]):
                # What the server records of itself, the peers do not have.
                if group.get("source") == "system":
                    continue
                found.append(tuple(start + [group[member] or 0 for member in members]))
        return in_order(found)

    return read


def hour(text):
    return int(datetime.datetime.fromisoformat(text).timestamp()) // 3600


def value(body):
    return [(json.loads(body)["value"],)]


def path(call, **parameters):
    return f"/v1/{call}?{urllib.parse.urlencode(parameters)}"


def make(sample):
    """Questions about events of which these rows are a part."""
    agents = collections.Counter(row[4] for row in sample)
    rare = min(agents.items(), key=lambda item: (item[1], item[0]))[0]
    frequent = agents.most_common(40)[-1][0]
    middle = sample[len(sample) // 2]
    project, job, resource = middle[6], middle[7], middle[11]
    bodies = [json.loads(row[-1]) for row in sample[:20_000]]
    words = collections.Counter(word for body in bodies for word in set(body["output"]["text"].split()))
    pairs = collections.Counter(
        pair for body in bodies for pair in zip(body["output"]["text"].split(), body["output"]["text"].split()[1:])
    )
    target = len(bodies) / 200
    phrase = " ".join(min(pairs, key=lambda pair: (abs(pairs[pair] - target / 4), pair)))
    rare_word = min(words, key=lambda word: (abs(words[word] - 2), word))
    week = events.START_US + 10 * 86_400_000_000
    week_end = week + WEEK_US
    newest = "SELECT id, body FROM events WHERE {} ORDER BY seq DESC LIMIT 200"
    sums = ("count", "input_tokens", "output_tokens", "cost_nanousd")
    month = {"from": events.iso(events.START_US), "to": events.iso(events.START_US + events.DAYS * 86_400_000_000)}
    base = {"q": "-source:system"}

    def q(text):
        return {"q": f"{text} -source:system"}

    return [
        Question("newest 200", path("events", limit=200, **base), newest.format("1=1"), ids),
        Question("newest 200 of one project", path("events", limit=200, project=project), newest.format(f"project='{project}'"), ids),
        Question("newest 200 of a rare agent", path("events", limit=200, actor=rare), newest.format(f"actor='{rare}'"), ids),
        Question("needle by resource id", path("events", limit=200, resource=resource), newest.format(f"resource='{resource}'"), ids),
        Question("all of one job", path("events", limit=200, job=job), newest.format(f"job='{job}'"), ids),
        Question("group by source, sums", path("aggregate", by="source"), f"SELECT source, {SUMS} FROM events GROUP BY source", rows("source", *sums)),
        Question(
            "hour by result over 30 days", path("series", by="result", interval="hour", **month),
            "SELECT {hour}, result, count(*) FROM events GROUP BY 1, 2", rows("result", "count"),
        ),
        Question(
            "top 20 agents by cost with tokens", path("aggregate", by="actor", sort="cost_nanousd", top=20),
            f"SELECT actor, {SUMS} FROM events GROUP BY actor ORDER BY coalesce(sum(cost_nanousd), 0) DESC, actor LIMIT 20", rows("actor", *sums),
        ),
        Question(
            "actions of one agent in one week", path("aggregate", by="action", actor=frequent, **{"from": events.iso(week), "to": events.iso(week_end)}),
            f"SELECT action, count(*) FROM events WHERE actor='{frequent}' AND time_us>={week} AND time_us<{week_end} GROUP BY action", rows("action", "count"),
        ),
        Question("newest 200 with a phrase", path("events", limit=200, **q(f'"{phrase}"')), newest.format("{text}"), ids, phrase),
        Question("count of a rare token", path("count", **q(rare_word)), "SELECT count(*) FROM events WHERE {text}", value, rare_word),
        Question(
            "other filter, group by two", path("aggregate", by="source,result", **q("duration>1500ms status>=400 -resource:/srv/data/7/*")),
            f"SELECT source, result, {SUMS} FROM events WHERE duration_us>1500000 AND status>=400 AND resource NOT LIKE '/srv/data/7/%' GROUP BY source, result",
            rows("source", "result", *sums),
        ),
    ]
