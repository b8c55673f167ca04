//! What each agent does in a job.

use serde_json::{Value, json};

use super::{Job, MIRA, SECOND_US, TOMAS};

pub(super) fn invoices(job: &mut Job<'_>) {
    let batch = 2 + job.random.below(4);
    let number = 100 + job.random.below(900);
    named(job, &format!("Supplier batch {number}"));
    for _ in 0..batch {
        let (supplier, amount) = (
            job.random
                .pick(&["Nordwerk", "Kestrel Paper", "Aldous & Sons", "Ferrum"]),
            80 + job.random.below(9_000),
        );
        let scan = job.random.below(90_000);
        job.cloud(
            "s3:GetObject",
            &format!("halden-invoices/{supplier}/{scan}.pdf"),
            200,
        );
        job.model(
            &format!("Read the attached invoice of {supplier} and give number, date, amount and VAT as JSON."),
            &format!("{{\"supplier\":\"{supplier}\",\"amount\":{amount},\"currency\":\"EUR\",\"vat\":0.19}}"),
        );
        job.tool(
            "erp/post_invoice",
            &json!({"supplier": supplier, "amount": amount, "currency": "EUR"}),
            &json!({"posted": true}),
        );
    }
    job.model(
        "Summarise the batch for the bookkeeper.",
        &format!("{batch} invoices were read and posted. None is above the limit."),
    );
}

pub(super) fn claims(job: &mut Job<'_>) {
    let claim = 40_000 + job.random.below(9_000);
    named(job, &format!("Triage claim {claim}"));
    job.tool(
        "claims/get",
        &json!({"claim": claim}),
        &json!({"claim": claim, "kind": "water damage", "amount": 2_310}),
    );
    let outage = job.random.percent(6);
    for photo in 0..=job.random.below(3) {
        let status = if outage { 503 } else { 200 };
        job.cloud(
            "s3:GetObject",
            &format!("halden-claims/{claim}/photo-{photo}.jpg"),
            status,
        );
    }
    job.model(
        &format!("Claim {claim}: is it covered, and what is missing?"),
        "Covered by section 4.2. A repair estimate is missing; I ask the customer for it.",
    );
    job.tool(
        "mail/send",
        &json!({"to": "customer", "template": "missing-estimate", "claim": claim}),
        &json!({"queued": true}),
    );
    if job.random.percent(10) {
        job.denied_tool(
            "claims/pay_out",
            &json!({"claim": claim, "amount": 12_000}),
            "payouts-above-5000",
        );
    }
}

pub(super) fn support(job: &mut Job<'_>) {
    let ticket = 7_000 + job.random.below(2_000);
    named(job, &format!("Ticket {ticket}"));
    job.tool(
        "tickets/read",
        &json!({"ticket": ticket}),
        &json!({"subject": "Where is my refund?", "language": "en"}),
    );
    job.model(
        &format!("Answer ticket {ticket} from the order history."),
        "Your refund was sent on Monday and arrives within three working days.",
    );
    if job.random.percent(4) {
        job.denied_tool(
            "payments/refund_create",
            &json!({"ticket": ticket, "amount": 480}),
            "refunds-need-a-person",
        );
    }
    job.tool(
        "tickets/reply",
        &json!({"ticket": ticket}),
        &json!({"sent": true}),
    );
}

pub(super) fn kyc(job: &mut Job<'_>) {
    let person = job.random.below(100_000);
    named(job, &format!("Check customer {person}"));
    let status = if job.random.percent(5) { 404 } else { 200 };
    job.request(
        "GET",
        "registry.example",
        "/v2/persons",
        &Value::Null,
        status,
        &json!({"matches": 1}),
    );
    job.model(
        "Compare the passport data with the register.",
        "Name, date of birth and number agree. No entry on a sanctions list.",
    );
    job.tool(
        "kyc/file_result",
        &json!({"customer": person, "result": "clear"}),
        &json!({"filed": true}),
    );
}

pub(super) fn oncall(job: &mut Job<'_>) {
    named(job, "Look after edge-proxy");
    job.tool(
        "pager/list_incidents",
        &json!({"state": "open"}),
        &json!({"incidents": ["edge-proxy: memory above 80 %"]}),
    );
    job.cluster(
        "GET pods",
        "pods",
        "prod-eu/edge/edge-proxy-7d9",
        200,
        Value::Null,
    );
    job.command(
        "journalctl -u edge-proxy --since -1h -n 40",
        0,
        900_000,
        "edge-proxy[811]: upstream timed out\nedge-proxy[811]: reload done\n",
    );
    if job.random.percent(30) {
        job.cluster(
            "create pods/exec",
            "pods",
            "prod-eu/edge/edge-proxy-7d9",
            503,
            json!({"command": ["cat", "/proc/meminfo"]}),
        );
    }
    job.command("cat /etc/claims/prod.env", 1, 2_000, "");
    job.model(
        "What is wrong with edge-proxy?",
        "A slow upstream fills its buffers. Restarting would hide it; I open an incident.",
    );
    job.tool(
        "pager/create_incident",
        &json!({"service": "edge-proxy", "severity": 3}),
        &json!({"id": "INC-412"}),
    );
}

pub(super) fn dependencies(job: &mut Job<'_>) {
    named(job, "Update dependencies");
    job.connect("registry.npmjs.org", 443, 200);
    let failed = job.random.percent(30);
    job.record("sandbox", "sandbox.exec", 48 * SECOND_US, json!({
        "resource": {"type": "container", "id": "ci-runner:2026-11", "name": "npm test --workspaces"},
        "result": if failed { "failure" } else { "success" }, "status": i64::from(failed),
        "content": {"argv": ["npm", "test", "--workspaces"], "stdout": "12 workspaces\n", "stderr": ""},
    }));
    job.think(20);
    job.model(
        "Which of the updates is safe?",
        "undici 7.4 and zod 4.1 are; vite 8 needs Node 22 and waits.",
    );
    job.request(
        "POST",
        "api.github.com",
        "/repos/halden/web/pulls",
        &json!({"title": "Bump undici and zod"}),
        201,
        &json!({"number": 4_131}),
    );
    if job.random.percent(12) {
        job.begun("sandbox", "sandbox.exec", "container", "ci-runner:2026-11");
    }
}

pub(super) fn data(job: &mut Job<'_>) {
    named(job, "Nightly quality report");
    job.command(
        "psql -f quality.sql",
        0,
        14 * SECOND_US,
        "tables checked: 212\nrows without owner: 0\n",
    );
    job.model(
        "Is anything unusual in the report?",
        "No. Two tables grew by more than a tenth, as announced.",
    );
}

/// The job that shows most: everything that an agent can do, two approvals, and a command that failed.
pub(super) fn release(job: &mut Job<'_>) {
    let version = format!("4.{}.0", 2 + job.random.below(11));
    named(job, &format!("Roll out claims-api {version}"));
    job.model("Plan the roll-out.", "Merge the pull request, run the whole test suite on main, compare the digest, then patch the deployment.");
    for _ in 0..2 + job.random.below(3) {
        let check = job
            .random
            .pick(&["list_checks", "get_pull_request", "list_reviews"]);
        job.tool(
            &format!("github/{check}"),
            &json!({"repo": "halden/claims", "pull": 4_127}),
            &json!({"state": "green"}),
        );
        job.model(
            "Is the pull request ready?",
            "All checks are green and two people reviewed it.",
        );
    }
    job.command(
        "git fetch --prune origin",
        0,
        2 * SECOND_US,
        "From github.com:halden/claims\n   9f2c1d0..c41d9e27  main\n",
    );
    job.denied_command("rm -rf target ../cache", "no-destructive-shell");
    job.model(
        "The clean-up was denied. Go on?",
        "Yes: the cache only saves time.",
    );
    let approval = job.approved(
        MIRA,
        "merge-to-main",
        "Reviewed twice, go.",
        4 * 60 * SECOND_US,
    );
    job.record("mcp", "tools/call", 1_100_000, json!({
        "resource": {"type": "tool", "id": "github/merge_pull_request"}, "result": "success", "approval": approval,
        "input": {"repo": "halden/claims", "pull": 4_127, "merge_method": "squash"},
        "output": {"merged": true, "sha": "c41d9e27"},
    }));
    job.request(
        "PUT",
        "api.github.com",
        "/repos/halden/claims/pulls/4127/merge",
        &json!({"merge_method": "squash"}),
        200,
        &json!({"merged": true, "sha": "c41d9e27"}),
    );
    job.command("git rev-parse HEAD", 0, 30_000, "c41d9e27\n");
    job.model(
        "tool: git rev-parse HEAD → c41d9e27",
        "The pull request is merged and main is at c41d9e27. Before the roll-out I run the whole test suite on main with the lock file, then compare the image digest with the build.",
    );
    job.command("cargo test --workspace --locked", 0, 221 * SECOND_US, TESTS);
    job.model(
        "The tests passed.",
        "I compare the digest of the image with the one that was built.",
    );
    job.cloud("ecr:DescribeImages", &format!("claims-api:{version}"), 200);
    job.cloud("sts:AssumeRole", "role/ci-publish", 403);
    job.cloud("sts:AssumeRole", "role/ci-deploy", 200);
    let waited = (4 * 60 + 12) * SECOND_US;
    let approval = job.approved(
        TOMAS,
        "prod-changes",
        "Image digest matches the build. Go.",
        waited,
    );
    job.record("kubernetes", "PATCH deployments", 184_000, json!({
        "resource": {"type": "deployment", "id": "prod-eu/claims/claims-api"}, "result": "success", "status": 200, "approval": approval,
        "input": {"spec": {"template": {"spec": {"containers": [{"name": "claims-api", "image": "registry/claims-api@sha256:5be1…",
            "env": [{"name": "DB_URL", "value": "[REDACTED:db-url:41f09a2c]"}]}]}}}},
    }));
    job.think(8);
    job.cluster("GET pods", "pods", "prod-eu/claims", 200, Value::Null);
    job.model(
        "How does the roll-out look?",
        "Three of three pods are ready, no restarts, latency as before.",
    );
    job.tool(
        "github/create_deployment_status",
        &json!({"state": "success", "environment": "prod-eu"}),
        &json!({"id": 88_211}),
    );
}

const TESTS: &str = "   Compiling claims-model v4.12.0 (/srv/claims/model)
   Compiling claims-api v4.12.0 (/srv/claims/api)
    Finished `test` profile [unoptimized + debuginfo] target(s) in 1m 58s
     Running unittests src/lib.rs (target/debug/deps/claims_api-4f1c)

running 212 tests
test intake::rejects_a_claim_without_policy ... ok
test intake::splits_a_claim_by_policy ... ok
test intake::keeps_the_amount_as_sent ... ok
test payout::rounds_half_even ... ok
test payout::needs_two_approvals_above_limit ... ignored
test payout::refuses_a_closed_claim ... ok
test notify::writes_before_it_answers ... ok
test notify::names_the_approver ... ok
test notify::retries_three_times_then_stops ... ok

test result: ok. 211 passed; 0 failed; 1 ignored; finished in 96.11s
";

impl Job<'_> {
    fn denied_command(&mut self, line: &str, rule: &str) {
        let argv: Vec<&str> = line.split(' ').collect();
        let call = json!({
            "resource": {"type": "command", "id": argv.first(), "name": line}, "result": "failure",
            "approval": {"decision": "denied", "approver": "auto", "rule": rule, "reason": "deletes outside its directory"},
            "content": {"argv": argv, "cwd": "/srv/claims"},
        });
        self.record("shell", "shell.exec", 1_000, call);
        self.think(3);
    }
}

/// A job begins with an event that says what it is for.
fn named(job: &mut Job<'_>, name: &str) {
    let id = job.id.clone();
    let start =
        json!({"resource": {"type": "job", "id": id}, "result": "success", "description": name});
    job.record("app", "job.started", 0, start);
    job.think(3);
}
