mod json;

use proptest::prelude::*;

use super::*;
use crate::payload::Payload;

fn redactor() -> Redactor {
    let known = [Secret {
        label: label::INJECTED_KEY,
        value: "real-provider-key-1".to_owned(),
    }];
    Redactor::new(None, &known, &[7; 32]).unwrap()
}

#[test]
fn our_own_rules_are_patterns() {
    for own in own::RULES {
        let rule = Rule::from(own);
        rule.regex.check().unwrap();
        for allowed in rule.allowed.iter().flat_map(|allowed| &allowed.regexes) {
            allowed.check().unwrap();
        }
        let is_lower = |word: &&str| !word.is_empty() && *word == word.to_ascii_lowercase();
        assert!(own.keywords.iter().all(is_lower), "{}", own.id);
    }
}

fn redacted(text: &str) -> String {
    let redactor = redactor();
    let mut count = 0;
    redactor.with(&[]).text(text, &mut count).into_owned()
}

/// The value that a body becomes, cut into pieces at these places.
fn value(redactor: &Redactor, body: &[u8], cuts: &[usize]) -> Option<crate::payload::Value> {
    let with = redactor.with(&[]);
    let mut payload = Payload::default();
    let mut at = 0;
    for cut in cuts {
        let cut = (*cut).clamp(at, body.len());
        payload.push(&with, &body[at..cut]);
        at = cut;
    }
    payload.push(&with, &body[at..]);
    payload.finish(&with)
}

/// Text, and what must not be in it afterwards.
const PLANTED: &[(&str, &str)] = &[
    ("key sk-proj-abcdefghij0123456789 here", "sk-proj"),
    ("ANTHROPIC=sk-ant-api03-abcdefghij0123", "sk-ant-api03"),
    ("id AKIAIOSFODNN7EXAMPLE.", "AKIAIOSFODNN7EXAMPLE"),
    (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "wJalrXUtnFEMI",
    ),
    (
        "clone with ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "ghp_0",
    ),
    ("Authorization: Bearer topsecret", "topsecret"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("bearer abcdefgh12345678ZYXW", "abcdefgh12345678ZYXW"),
    ("Cookie: session=abcdef; other=1", "abcdef"),
    ("postgres://app:hunter2@db/prod", "hunter2"),
    ("mysql --password=hunter2 -e x", "hunter2"),
    ("My password is hunter2.", "hunter2"),
    ("login --token 8c1f0e7a9b2d", "8c1f0e7a9b2d"),
    ("export API_KEY=Zx81qP2vTn5kLw0r", "Zx81qP2vTn5kLw0r"),
    ("PGPASSWORD='p4ss:word' psql", "p4ss:word"),
    ("curl -u admin:s3cr3t https://h", "s3cr3t"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1", "eyJzdWIi"),
    ("xoxb-1234567890-abcdefghij", "xoxb-1234567890"),
    ("AIzaSyA-0123456789abcdefghijklmnopqrstuv", "AIzaSyA"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0123\nabcd\n-----END RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA",
    ),
    ("echoed: real-provider-key-1!", "real-provider-key-1"),
    ("SECRET_KEY=Zx81qP2vTn5kLw0r", "Zx81"),
    ("SECRET_KEY=correct-horse-battery", "correct"),
    ("DJANGO_SECRET_KEY = \"kj3)a-9!zq$1xw\"", "kj3)"),
    ("STRIPE_SECRET_KEY=4eC39HqLyjWDarjt", "4eC39"),
    ("JWT_SECRET_KEY='a1b2c3d4e5f6g7h8'", "a1b2c3"),
    ("  secret_key: Zx81qP2vTn5kLw0r", "Zx81"),
    ("SECRET_KEY_BASE=0f1e2d3c4b5a69788796a5b4", "0f1e2d"),
    ("PASS=hunter2 ./run", "hunter2"),
    ("DB_PASS=swordfish", "swordfish"),
    ("db_pass: 'sword fish'", "fish"),
    ("MASTER_KEY=0f1e2d3c4b5a6978", "0f1e2d"),
    ("PASSWORD=p$ss-w0rd", "p$ss"),
    ("PASSWORD=\"open the door\"", "door"),
    ("CREATE USER a IDENTIFIED BY 'hunter2';", "hunter2"),
    ("ALTER USER a WITH PASSWORD 'hunter2';", "hunter2"),
    ("mysql -uroot -phunter2 shop", "hunter2"),
    ("mysqldump -u root -p'hunter 2' shop", "hunter"),
    ("mysql --password hunter2", "hunter2"),
    ("redis-cli -h r -a hunter2 ping", "hunter2"),
    ("sshpass -p hunter2 ssh h", "hunter2"),
    ("sshpass -phunter2 ssh h", "hunter2"),
    ("curl --user 'bob:hunter 2' https://h", "hunter"),
    ("machine h login bob password hunter2", "hunter2"),
    ("machine h\n  login bob\n  password hunter2\n", "hunter2"),
    ("<password>hunter2</password>", "hunter2"),
    (
        "<db:userPassword enc=\"no\">hunter2</db:userPassword>",
        "hunter2",
    ),
    (
        "?X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        "5d672d",
    ),
    (
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb",
        "5d672d",
    ),
    (
        "Ocp-Apim-Subscription-Key: 0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "0f1e2d",
    ),
    ("x-api-key: 0f1e2d3c4b5a6978", "0f1e2d"),
    (
        "AGE-SECRET-KEY-1QQPQYNE8RJ2ZKXCVTSWMGDH7L6A53U49FP0QPZRY9X8GF2TVDW0S",
        "QQPQYNE8",
    ),
    ("host dapi0123456789abcdef0123456789abcdef", "dapi01"),
    ("user api:key-0123456789abcdef0123456789abcdef", "key-01"),
    (
        "it is MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs now",
        "MTk4Nj",
    ),
    (
        "AccountName=a;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;",
        "Eby8vd",
    ),
    (
        "https://h/?sv=1&sig=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6%3D",
        "Eby8vd",
    ),
    (
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "T0000",
    ),
    ("ya29.a0AfH6SMBx0123456789abc", "a0AfH6"),
    ("npm_0123456789abcdefghijABCDEFGHIJ012345", "npm_01"),
    (
        "pypi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5",
        "AgEIc",
    ),
    ("glpat-0123456789abcdefghij", "glpat-01"),
    ("sk_live_0123456789abcdefghij", "sk_live_01"),
    ("rk_live_0123456789abcdefghij", "rk_live_01"),
    ("SK0123456789abcdef0123456789abcdef", "SK0123"),
    (
        "SG.0123456789abcdefghijkl.0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
        "SG.01",
    ),
    ("hf_0123456789abcdefghijABCDEFGHIJ0123", "hf_01"),
    (
        "github_pat_0123456789abcdefghijAB_0123456789",
        "github_pat_01",
    ),
    ("dckr_pat_0123456789abcdefghijABCDEFG", "dckr_pat_01"),
    (
        "clone https://0f1e2d3c4b5a69788796a5b4@github.com/a/b",
        "0f1e2d",
    ),
    (
        "clone https://0f1e2d3c4b5a69788796a5b4:x-oauth-basic@github.com/a/b",
        "0f1e2d",
    ),
    ("amqp://app:hunt@er2@mq/v", "er2"),
    ("docker login -u me -p \"hunter 2\" r.example", "hunter"),
    ("openssl enc -k 'hunter 2' -in x", "hunter"),
];

/// What looks like a secret and is none.
const PLAIN: &[&str] = &[
    "max_tokens=4096 and total_tokens: 123456789",
    "The token: a unit of text. The password is required.",
    "password: string",
    "a basic understanding of bearer certificates",
    "task-force-management-committee met",
    "https://example.org:8443/path?x=1",
    "key: value, secret: required",
    "\"secret_name\": \"database\"",
    "max_tokens: 12345678, token_count=123456789, \"token\": \"the\"",
    "commit 5d672d79c15b13162d9279b0855cfba6789a8edb of the key",
    "id 3f2504e0-4f89-11d3-9a0c-0305e82c3301, sha256:5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "--- PASS: TestLogin2 (0.00s) and pass=12 fail=0 bypass=always",
    "PASS src/login.test.ts, first_pass: completed in 12s",
    "mysql -p shop; docker run -p 3306:3306 mysql",
    "the default login user and password are described on page 5",
    "API_KEY=os.environ.get and SECRET_KEY=your-secret-key-here",
    "password = $PASSWORD, --password \"$PASSWORD\", <password>${db.password}</password>",
    "https://user@example.org/ git@github.com:a/b.git ssh://git@github.com/a",
    "https://firstname.lastname@example.org/",
    "http://localhost:8080?mail=a@example.org",
    "a key-value store, a monkey-0123 and master_key: required",
    "the identified user by name",
    "Authorization: required",
    "let master_key = rustls::crypto::hkdf::Salt::new2",
    "the signature=valid and redis-cli -p 6379",
];

#[test]
fn planted_secrets_go_and_the_rest_stays() {
    for (text, secret) in PLANTED {
        let redacted = redacted(text);
        assert!(!redacted.contains(secret), "{text} -> {redacted}");
        assert!(redacted.contains("[REDACTED:"), "{text} -> {redacted}");
    }
    for text in PLAIN {
        assert_eq!(redacted(text), *text);
    }
}

#[test]
fn what_is_redacted_stays_as_it_is() {
    let redactor = redactor();
    let with = redactor.with(&[]);
    for (text, _) in PLANTED {
        let once = with.text(text, &mut 0).into_owned();
        let mut count = 0;
        assert_eq!(with.text(&once, &mut count), once, "{text}");
        let body = serde_json::json!({ "a": text, "password": text, "token": text }).to_string();
        let once = value(&redactor, body.as_bytes(), &[]).unwrap();
        let again = value(&redactor, once.json.as_bytes(), &[]).unwrap();
        assert_eq!((again.json, again.redactions), (once.json, 0), "{text}");
        assert_eq!(count, 0, "{text}");
    }
}

/// Such a string is not decoded.
#[test]
fn a_long_string_with_escapes_loses_its_secrets_and_stays_json() {
    let redactor = redactor();
    let filler = "more words ".repeat(9_000);
    for (text, secret) in PLANTED {
        let body = serde_json::to_string(&[format!("{filler}{text} {filler}")]).unwrap();
        let whole = value(&redactor, body.as_bytes(), &[]).unwrap();
        let clean: Vec<String> = serde_json::from_str(&whole.json).unwrap();
        assert!(!clean[0].contains(secret), "{text}");
        for cut in (0..text.len() + 8).step_by(7) {
            let at = filler.len() + cut;
            assert_eq!(
                value(&redactor, body.as_bytes(), &[at, at + 3]).unwrap(),
                whole
            );
        }
    }
}

#[test]
fn a_mark_hides_nothing_that_stands_beside_it() {
    let redactor = redactor();
    let mark = "[REDACTED:password:6f45d0e9]";
    for (text, secret) in [
        (format!("{mark} password=hunter2 "), "hunter2"),
        (format!("amqp://b:{mark}@c amqp://d:hunter2@e"), "hunter2"),
        (
            format!(
                "-----BEGIN PRIVATE KEY-----\nMIIE{mark}MIIE0123456789\n-----END PRIVATE KEY-----"
            ),
            "MIIE",
        ),
    ] {
        let mut count = 0;
        let clean = redactor.with(&[]).text(&text, &mut count).into_owned();
        assert!(clean.contains(mark) && !clean.contains(secret), "{clean}");
        assert!(count > 0);
    }
}

#[test]
fn a_text_has_the_marks_of_json() {
    let redactor = redactor();
    let text = "see postgres://bob:s3cretpass123@db/x";
    let plain = value(&redactor, text.as_bytes(), &[]).unwrap();
    let json = value(&redactor, format!("[\"{text}\"]").as_bytes(), &[]).unwrap();
    assert_eq!((plain.redactions, json.redactions), (1, 1));
    assert_eq!(json.json, format!("[{}]", plain.json));
    let mark = |secret: &str| {
        format!(
            "[REDACTED:bearer-token:{}]",
            redactor.fingerprint(secret.as_bytes())
        )
    };
    let expected = format!("Authorization: Bearer {}", mark("topsecret"));
    let header = value(&redactor, b"Authorization: Bearer topsecret", &[]).unwrap();
    assert_eq!(header.json, format!("\"{expected}\""));
    let long = "abcdefgh12345678ZYXW";
    let member =
        format!("{{\"Authorization\":\"Bearer {long}\",\"api_key\":\"ghp_0123456789abcdefghij\"}}");
    let member = value(&redactor, member.as_bytes(), &[]).unwrap().json;
    assert!(
        member.contains(&format!("Bearer {}", mark(long))),
        "{member}"
    );
    assert!(member.contains("\"[REDACTED:github-token:"), "{member}");
}

#[test]
fn members_are_secret_by_their_names() {
    let redactor = redactor();
    for name in [
        "token",
        "api_token",
        "github_token",
        "PRIVATE_TOKEN",
        "bot_token",
        "credentials",
        "encryption_key",
        "db_pass",
        "pass",
        "passwd",
        "secret_key",
        "client_secret",
        "refresh_token",
        "id_token",
        "session_token",
    ] {
        let body = format!("{{\"{name}\":\"Zx81qP2vTn5kLw0r9d\"}}");
        let whole = value(&redactor, body.as_bytes(), &[]).unwrap();
        assert_eq!(whole.redactions, 1, "{name}: {}", whole.json);
        for cut in 0..body.len() {
            assert_eq!(value(&redactor, body.as_bytes(), &[cut]).unwrap(), whole);
        }
    }
    for body in [
        r#"{"max_tokens":4096,"token":"the","token_count":12,"pass":true}"#,
        r#"{"token":" internationalization","nextPageToken":"CAUQAA1234567890abc"}"#,
        r#"{"pass":12,"token":123456789012345678,"credentials":"same-origin"}"#,
        r#"{"pass":"all 3 checks","progressToken":"0f1e2d3c4b5a69788796a5b4"}"#,
        r#"{"object":"5d672d79c15b13162d9279b0855cfba6789a8edb","id":"3f2504e0-4f89-11d3-9a0c-0305e82c3301"}"#,
    ] {
        let clean = value(&redactor, body.as_bytes(), &[]).unwrap();
        assert_eq!((clean.json.as_str(), clean.redactions), (body, 0));
    }
}

#[test]
fn equal_secrets_have_equal_marks_under_one_key_only() {
    let once = redacted("a ghp_0123456789abcdefghij");
    let again = redacted("ghp_0123456789abcdefghij, again");
    let mark = once.split_once("a ").unwrap().1;
    assert!(mark.starts_with("[REDACTED:github-token:"), "{mark}");
    assert!(again.starts_with(mark), "{again}");
    let other = Redactor::new(None, &[], &[8; 32]).unwrap();
    let other = other
        .with(&[])
        .text("a ghp_0123456789abcdefghij", &mut 0)
        .into_owned();
    assert_ne!(other, once);
}

#[test]
fn secrets_of_an_exchange_are_found_too() {
    let redactor = redactor();
    let secrets = [Secret {
        label: label::CLIENT_KEY,
        value: "plain words as key".to_owned(),
    }];
    let mut count = 0;
    let text = redactor
        .with(&secrets)
        .text("you sent: plain words as key", &mut count)
        .into_owned();
    assert!(
        text.starts_with("you sent: [REDACTED:client-key:"),
        "{text}"
    );
    assert_eq!(count, 1);
}

#[test]
fn json_stays_json() {
    let redactor = redactor();
    for (body, expected) in [
        (
            r#"{"password": "hunter2", "n": 1.50}"#,
            r#"{"password":"[REDACTED:secret-member:*]","n":1.50}"#,
        ),
        (
            r#"{"pwd": 123456, "token": "Hello"}"#,
            r#"{"pwd":"[REDACTED:secret-member:*]","token":"Hello"}"#,
        ),
        (
            r#"{"arguments":"{\"api_key\":\"abcdefgh12345678\"}"}"#,
            r#"{"arguments":"{\"api_key\":\"[REDACTED:secret-assignment:*]\"}"}"#,
        ),
        (
            r#"["sk-abcdefghij0123456789", true, null]"#,
            r#"["[REDACTED:openai-api-key:*]",true,null]"#,
        ),
        (
            r#"{"password": {"type": "string"}}"#,
            r#"{"password":{"type":"string"}}"#,
        ),
        (
            r#"{"k":"-----BEGIN PRIVATE KEY-----\nMIIEabcdefghijklmnop\n-----END PRIVATE KEY-----\n"}"#,
            r#"{"k":"[REDACTED:private-key:*]\n"}"#,
        ),
        (
            r#"{"a":"\u0073k-abcdefghij0123456789"}"#,
            r#"{"a":"[REDACTED:openai-api-key:*]"}"#,
        ),
    ] {
        let value = value(&redactor, body.as_bytes(), &[]).unwrap();
        assert_eq!(without_hashes(&value.json), expected);
    }
}

#[test]
fn names_beside_and_options_before_tell_what_is_secret() {
    let redactor = redactor();
    for (body, expected, count) in [
        (
            r#"{"env":[{"name":"DB_PASSWORD","value":"hunter2"},{"name":"MODE","value":"hunter2"}]}"#,
            r#"{"env":[{"name":"DB_PASSWORD","value":"[REDACTED:secret-member:*]"},{"name":"MODE","value":"hunter2"}]}"#,
            1,
        ),
        (
            r#"{"Name":"/prod/db/password","Type":"SecureString","Value":"hunter2"}"#,
            r#"{"Name":"/prod/db/password","Type":"SecureString","Value":"[REDACTED:secret-member:*]"}"#,
            1,
        ),
        (
            r#"{"key":"Authorization","value":"Bearer x1y2"}"#,
            r#"{"key":"Authorization","value":"Bearer [REDACTED:secret-member:*]"}"#,
            1,
        ),
        (
            r#"[{"name":"pin_secret","value":1234},{"name":{"password":{}},"value":"plain"}]"#,
            r#"[{"name":"pin_secret","value":"[REDACTED:secret-member:*]"},{"name":{"password":{}},"value":"plain"}]"#,
            1,
        ),
        (
            r#"["mysql","--password","hunter2","--user","bob","-p","80"]"#,
            r#"["mysql","--password","[REDACTED:secret-option:*]","--user","bob","-p","80"]"#,
            1,
        ),
        (
            r#"["--password",1234,"--secret",["x"],"y","--password","--secret","z"]"#,
            r#"["--password","[REDACTED:secret-option:*]","--secret",["x"],"y","--password","--secret","[REDACTED:secret-option:*]"]"#,
            2,
        ),
        (
            r#"{"arguments":"{\"env\": [{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}],\"argv\":[\"--password\",\"hunter2\"],\"n\":1.50}"}"#,
            r#"{"arguments":"{\"env\": [{\"name\":\"DB_PASSWORD\",\"value\":\"[REDACTED:secret-member:*]\"}],\"argv\":[\"--password\",\"[REDACTED:secret-option:*]\"],\"n\":1.50}"}"#,
            2,
        ),
    ] {
        for step in [1, 5, body.len()] {
            let cuts: Vec<_> = (0..body.len()).step_by(step).collect();
            let value = value(&redactor, body.as_bytes(), &cuts).unwrap();
            assert_eq!(without_hashes(&value.json), expected);
            assert_eq!(value.redactions, count, "{expected}");
        }
    }
}

#[test]
fn a_forged_mark_protects_nothing_and_is_not_counted() {
    let redactor = redactor();
    for (body, expected, count) in [
        (
            r#"{"a":"[REDACTED:hunter2:deadbeef] [REDACTED:jwt:deadbeef]"}"#,
            r#"{"a":"[REDACTED:hunter2:*] [REDACTED:jwt:*]"}"#,
            0,
        ),
        (
            r#"{"a":"[REDACTED:ghp_0123456789abcdefghij:deadbeef]"}"#,
            r#"{"a":"[REDACTED:[REDACTED:github-token:*]:*]"}"#,
            1,
        ),
        (
            r#"{"password":"[REDACTED:hunter2"}"#,
            r#"{"password":"[REDACTED:secret-member:*]"}"#,
            1,
        ),
        (
            r#"{"password":"[REDACTED:hunter2:deadbeef]"}"#,
            r#"{"password":"[REDACTED:secret-member:*]"}"#,
            1,
        ),
        (
            r#"{"password":"[REDACTED:jwt:deadbeef]"}"#,
            r#"{"password":"[REDACTED:jwt:*]"}"#,
            0,
        ),
    ] {
        let value = value(&redactor, body.as_bytes(), &[]).unwrap();
        assert_eq!(without_hashes(&value.json), expected);
        assert_eq!(value.redactions, count, "{body}");
    }
}

#[test]
fn wanted_members_are_kept_aside_however_they_come() {
    let redactor = redactor();
    let with = redactor.with(&[]);
    let body = br#" {"a": {"model": "no"}, "model": "m\u0031", "n": -1.5e3, "usage": {"in": 1, "deep": {"x": ["}"]}}, "list": [1], "stream" :true}"#;
    for step in [1, 3, 7, body.len()] {
        let mut payload = Payload::new(&["model", "n", "usage", "list", "stream", "absent"]);
        body.chunks(step)
            .for_each(|piece| payload.push(&with, piece));
        let picked = |name| {
            payload
                .picked(name)
                .map(|value| String::from_utf8(value.to_vec()).unwrap())
        };
        assert_eq!(
            picked("model").as_deref(),
            Some(r#""m\u0031""#),
            "step {step}"
        );
        assert_eq!(picked("n").as_deref(), Some("-1.5e3"));
        assert_eq!(
            picked("usage").as_deref(),
            Some(r#"{"in": 1, "deep": {"x": ["}"]}}"#)
        );
        assert_eq!(picked("stream").as_deref(), Some("true"));
        assert_eq!((picked("list"), picked("absent")), (None, None));
    }
}

fn without_hashes(text: &str) -> String {
    let hash = regex::bytes::Regex::new(r"(?-u):[0-9a-f]{8}\]").unwrap();
    String::from_utf8(hash.replace_all(text.as_bytes(), &b":*]"[..]).into_owned()).unwrap()
}

#[test]
fn members_of_one_object_can_be_wanted_too() {
    let redactor = redactor();
    let with = redactor.with(&[]);
    let body = br#"{"type":"end","other":{"id":"no"},"response":{"id":"r-1","deep":{"id":"no"},"list":[{"id":"no"}],"usage":{"in":{"id":1}}},"more":[{"usage":2}]}"#;
    for step in [1, 7, body.len()] {
        let mut payload = Payload::new(&["type", "id", "usage"])
            .within("response")
            .limited(0);
        body.chunks(step)
            .for_each(|piece| payload.push(&with, piece));
        let picked = |name| payload.picked(name).map(String::from_utf8_lossy);
        assert_eq!(picked("type").as_deref(), Some(r#""end""#));
        assert_eq!(picked("id").as_deref(), Some(r#""r-1""#));
        assert_eq!(picked("usage").as_deref(), Some(r#"{"in":{"id":1}}"#));
    }
}

#[test]
fn what_only_looks_like_json_is_text() {
    let redactor = redactor();
    for body in [
        "[INFO] sk-abcdefghij0123456789",
        "{password=hunter2secret}",
        "{'password': 'hunter2secret'}",
        "[1, 2] token=abcdefgh12345678",
        "{\"a\": \"unclosed password=hunter2secret",
    ] {
        let json = value(&redactor, body.as_bytes(), &[]).unwrap().json;
        let text: String = serde_json::from_str(&json).unwrap();
        assert!(text.contains("[REDACTED:"), "{body} -> {text}");
        assert!(
            !text.contains("hunter2") && !text.contains("12345678"),
            "{text}"
        );
    }
}

#[test]
fn gitleaks_files_are_read() {
    let file = r#"
        title = "rules of a team"
        [extend]
        useDefault = true
        [[rules]]
        id = "team-key"
        description = "key of the team"
        regex = '''(?i)team-([a-z0-9]{8})-(\d{4})'''
        secretGroup = 2
        entropy = 1.0
        keywords = ["TEAM-"]
        [rules.allowlist]
        stopwords = ["9999"]
        [[rules]]
        id = "paths-only"
        path = '''\.p12$'''
    "#;
    let redactor = Redactor::new(Some(file), &[], &[7; 32]).unwrap();
    let with = redactor.with(&[]);
    let text = with
        .text(
            "team-abcdefgh-1234 team-abcdefgh-9999 team-abcdefgh-1111",
            &mut 0,
        )
        .into_owned();
    let expected = "team-abcdefgh-[REDACTED:team-key:*] team-abcdefgh-9999 team-abcdefgh-1111";
    assert_eq!(
        without_hashes(&text),
        expected,
        "9999 is allowed, 1111 has no entropy"
    );
    for bad in [
        "rules = 1",
        "[[rules]]\nid = 'x'\nregex = '('",
        "[[rules]]\nid = 'a b'\nregex = 'x'",
    ] {
        assert!(Redactor::new(Some(bad), &[], &[7; 32]).is_err(), "{bad}");
    }
}

#[test]
fn a_long_value_with_line_breaks_is_one_line() {
    let redactor = redactor();
    for (body, expected) in [
        (
            format!(
                "{{\n\t\"a\": \"x \\n\",\r\n \"b\": [ 1,\n\"{}",
                "x".repeat(2 << 20)
            ),
            r#"{"truncated":"{\"a\":\"x \\n\",\"b\":[1,\"xxx"#,
        ),
        (
            format!("[INFO] two\nlines\u{1} {}", "x".repeat(2 << 20)),
            r#"{"truncated":"\"[INFO] two\\nlines\\u0001 xxx"#,
        ),
        (
            format!("{{\"a\": \"not\nJSON {}\"}}", "x".repeat(2 << 20)),
            r#"{"truncated":"{\"a\":\"not\nJSON xxx"#,
        ),
    ] {
        let value = value(&redactor, body.as_bytes(), &[1, 70_000, 1_100_000]).unwrap();
        assert!(value.json.starts_with(expected), "{:.80}", value.json);
        assert!(!value.json.contains(['\n', '\u{1}']));
        serde_json::from_str::<serde_json::Value>(&value.json).unwrap();
        let whole = value.whole.unwrap();
        assert!(value.truncated_bytes > 1 << 20 && value.truncated_bytes < whole.bytes);
    }
}

#[test]
fn memory_does_not_grow_with_a_value_and_its_whole_is_known() {
    let redactor = redactor();
    let with = redactor.with(&[]);
    let mut payload = Payload::new(&["model"]);
    let mut whole = sha2::Sha256::default();
    let begin = b"{\"messages\":\"sk-abcdefghij0123456789 ";
    payload.push(&with, begin);
    let mark = format!(
        "[REDACTED:openai-api-key:{}]",
        redactor.fingerprint(b"sk-abcdefghij0123456789")
    );
    sha2::Digest::update(&mut whole, format!("{{\"messages\":\"{mark} "));
    let piece = vec![b'x'; 100_000];
    for _ in 0..100 {
        payload.push(&with, &piece);
        sha2::Digest::update(&mut whole, &piece);
    }
    payload.push(&with, b"\",\"model\":\"m-1\"}");
    sha2::Digest::update(&mut whole, b"\",\"model\":\"m-1\"}");
    assert_eq!(payload.picked_text("model").as_deref(), Some("m-1"));
    let value = payload.finish(&with).unwrap();
    let bytes = value.whole.as_ref().unwrap().bytes;
    assert!(bytes > 10_000_000);
    assert_eq!(value.truncated_bytes, bytes - kept(&value.json));
    let digest = crate::payload::hex(&sha2::Digest::finalize(whole));
    assert_eq!(value.whole.unwrap().sha256, digest);
    assert!(value.json.len() <= crate::payload::MAX_VALUE_BYTES);
    assert!(value.json.contains(&mark) && !value.json.contains("sk-abc"));
}

/// Bytes of JSON text that a cut value has kept.
fn kept(cut: &str) -> u64 {
    let cut: std::collections::BTreeMap<String, String> = serde_json::from_str(cut).unwrap();
    cut["truncated"].len() as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a body is cut into pieces, the same becomes of it.
    #[test]
    fn pieces_do_not_matter(
        fill in 0_usize..150_000,
        planted in prop::sample::select(PLANTED),
        is_json: bool,
        cuts in prop::collection::vec(0_usize..300_000, 0..6),
    ) {
        let redactor = redactor();
        let text = format!("{}{} {}", "word ".repeat(fill / 5), planted.0, "more ".repeat(fill / 7));
        let body = if is_json {
            serde_json::to_string(&[text.as_str(), "x", &text]).unwrap()
        } else {
            text
        };
        let mut cuts = cuts;
        cuts.sort_unstable();
        let whole = value(&redactor, body.as_bytes(), &[]).unwrap();
        let pieces = value(&redactor, body.as_bytes(), &cuts).unwrap();
        prop_assert_eq!(&pieces, &whole);
        let text = serde_json::from_str::<serde_json::Value>(&whole.json).unwrap().to_string();
        prop_assert!(!text.contains(planted.1), "{} is still there", planted.1);
    }

    /// A secret is found wherever it lies, across the borders of blocks too.
    #[test]
    fn borders_do_not_matter(before in 60_000_usize..70_000) {
        let redactor = redactor();
        let body = format!("{} ghp_0123456789abcdefghij {}", "x".repeat(before), "y".repeat(70_000));
        let value = value(&redactor, body.as_bytes(), &[]).unwrap();
        prop_assert!(!value.json.contains("ghp_"), "{before}");
        prop_assert_eq!(value.redactions, 1);
    }
}

/// What stands right before a secret once it is written somewhere.
const BEFORE: &[&str] = &[
    "\\n",
    "\\\\n",
    "\\t",
    "\\r\\n",
    "\\u001b[1m",
    "\u{1b}[32m",
    "\u{1b}[0;1m",
    "\\x1b[m",
    "\\u003d",
    "%3D",
];

#[test]
fn escapes_and_colours_do_not_hide_a_secret() {
    let redactor = redactor();
    let with = redactor.with(&[]);
    let secrets = [
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-ant-api03-abcdefghij0123456789",
    ];
    for (before, secret) in BEFORE
        .iter()
        .flat_map(|before| secrets.map(|secret| (before, secret)))
    {
        let text = format!("see {before}{secret} there");
        let mark = redactor.fingerprint(secret.as_bytes());
        let redacted = with.text(&text, &mut 0);
        assert!(redacted.contains(&mark), "{text:?}: {redacted}");
        // In a string that is longer than what is decoded, and in one that is not.
        for padding in [10, 70_000] {
            let words = "x y\\n".repeat(padding / 5);
            let body = format!("{{\"a\":\"{words}{}\"}}", text.replace('\u{1b}', "\\u001b"));
            let value = value(&redactor, body.as_bytes(), &[40_000]).unwrap();
            assert!(!value.json.contains(secret), "{padding}: {text:?}");
            serde_json::from_str::<serde_json::Value>(&value.json).unwrap();
        }
    }
    let header = "x\\nAuthorization: Basic dXNlcjpwYXNzd29yZA==\\nnext";
    assert!(!with.text(header, &mut 0).contains("dXNlcjpwYXNz"));
}

#[test]
fn what_commands_and_shells_say() {
    let redactor = redactor();
    let with = redactor.with(&[]);
    for (text, secret) in [
        ("password: \u{1b}[0mhunter2butlonger\u{1b}[m", "hunter2"),
        ("A=1\0PASSWORD=s3cr3tvalue99\0HOME=/root\0", "s3cr3tvalue99"),
        ("export DB_PASSWORD='correct horse xyz'", "horse xyz"),
        (
            "aws configure set aws_secret_access_key wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12",
            "wJalrXUtn",
        ),
        (
            "openssl enc -aes-256-cbc -k s3cr3tPassw0rd",
            "s3cr3tPassw0rd",
        ),
        ("openssl rsa -passin pass:s3cr3tPassw0rd", "s3cr3tPassw0rd"),
        ("docker login -u me -p s3cr3tPassw0rd", "s3cr3tPassw0rd"),
        (
            r#"{"auths":{"x":{"auth":"bWU6czNjcjN0UGFzc3cwcmQ="}}}"#,
            "bWU6czNj",
        ),
        (
            "x/ysk-ant-api03-abcdefghij0123456789",
            "abcdefghij0123456789",
        ),
        ("token_ghp_0123456789abcdefghijklmnopqrstuvwxyz", "ghp_0123"),
    ] {
        let redacted = with.text(text, &mut 0);
        assert!(!redacted.contains(secret), "{redacted}");
    }
    let environment = with
        .text("A=1\0PASSWORD=s3cr3tvalue99\0HOME=/root\0", &mut 0)
        .into_owned();
    assert!(environment.ends_with("\0HOME=/root\0"), "{environment:?}");
    for text in [
        "PWD=/home/me/app",
        "OLDPWD=~/x",
        "CUR_PWD: /path/of/x",
        "auth: basic, see auth(7)",
        "docker login registry.example -u me",
    ] {
        assert_eq!(with.text(text, &mut 0), text);
    }
}
