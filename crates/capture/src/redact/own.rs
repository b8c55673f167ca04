//! Our own rules.
//!
//! A table and no file, as a process that lives for one event would spend more on reading a file than on the event. What is
//! replaced is the first group that matched, or everything that matched. The earlier rule names what two rules find at the same
//! place.

/// A rule as it is written down; see [`super::rule::Rule`].
pub(super) struct Own {
    pub(super) id: &'static str,
    pub(super) regex: &'static str,
    pub(super) entropy: Option<f64>,
    pub(super) keywords: &'static [&'static str],
    /// It finds nothing in a text without so many letters, digits, `_`, `-` and `.` in a row.
    pub(super) min_run: usize,
    /// Patterns of what is no secret.
    pub(super) allowed: &'static [&'static str],
}

impl Own {
    const NONE: Self = Self {
        id: "",
        regex: "",
        entropy: None,
        keywords: &[],
        min_run: 0,
        allowed: &[],
    };
}

pub(super) const RULES: &[Own] = &[
    Own {
        id: "private-key",
        regex: r"-----BEGIN[ A-Z0-9_-]{0,64}PRIVATE KEY(?: BLOCK)?-----[\s\S]{16,12288}?(?:-----END[ A-Z0-9_-]{0,64}-----|\z)",
        keywords: &["private key"],
        ..Own::NONE
    },
    Own {
        id: "anthropic-api-key",
        regex: r"sk-ant-[A-Za-z0-9_-]{12,}",
        keywords: &["sk-ant-"],
        ..Own::NONE
    },
    Own {
        id: "openai-api-key",
        regex: r"\bsk-[A-Za-z0-9_-]{16,}",
        keywords: &["sk-"],
        ..Own::NONE
    },
    Own {
        id: "aws-access-key-id",
        regex: r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
        keywords: &["akia", "asia", "abia", "acca"],
        ..Own::NONE
    },
    Own {
        id: "aws-secret-access-key",
        regex: r#"(?i)aws[\w.-]{0,24}(?:secret|key)[\w.-]{0,24}["'\\]{0,4}(?:\s{0,4}(?::|=|=>)|\s)\s{0,4}["'\\]{0,4}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|\z)"#,
        keywords: &["aws"],
        ..Own::NONE
    },
    Own {
        id: "bedrock-api-key",
        regex: r"\b(?:ABSK[A-Za-z0-9+/]{32,}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{16,})",
        keywords: &["absk", "bedrock-api-key-"],
        ..Own::NONE
    },
    Own {
        id: "github-token",
        regex: r"(?:gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_[A-Za-z0-9_]{16,255})",
        keywords: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        ..Own::NONE
    },
    Own {
        id: "gitlab-token",
        regex: r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w.-]{16,}",
        keywords: &[
            "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-",
            "glsoat-",
        ],
        ..Own::NONE
    },
    Own {
        id: "slack-token",
        regex: r"\bx(?:ox[a-z]|app)-[A-Za-z0-9%-]{10,}",
        keywords: &["xox", "xapp-"],
        ..Own::NONE
    },
    Own {
        id: "slack-webhook",
        regex: r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})",
        keywords: &["hooks.slack.com"],
        ..Own::NONE
    },
    Own {
        id: "google-api-key",
        regex: r"\bAIza[\w-]{30,}",
        keywords: &["aiza"],
        ..Own::NONE
    },
    Own {
        id: "google-oauth",
        regex: r"\b(?:ya29\.[\w.-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{30,})",
        keywords: &["ya29.", "gocspx-", "1//0"],
        ..Own::NONE
    },
    Own {
        id: "jwt",
        regex: r"\beyJ[A-Za-z0-9_-]{6,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        keywords: &["eyj"],
        ..Own::NONE
    },
    Own {
        id: "stripe-key",
        regex: r"\b(?:[spr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,})",
        keywords: &[
            "sk_live", "sk_test", "sk_prod", "pk_live", "pk_test", "pk_prod", "rk_live", "rk_test",
            "rk_prod", "whsec_",
        ],
        ..Own::NONE
    },
    Own {
        id: "npm-token",
        regex: r"\bnpm_[A-Za-z0-9]{30,}",
        keywords: &["npm_"],
        ..Own::NONE
    },
    Own {
        id: "pypi-token",
        regex: r"\bpypi-[\w-]{40,}",
        keywords: &["pypi-"],
        ..Own::NONE
    },
    Own {
        id: "huggingface-token",
        regex: r"\b(?:hf|api_org)_[A-Za-z0-9]{24,}",
        keywords: &["hf_", "api_org_"],
        ..Own::NONE
    },
    Own {
        id: "model-provider-key",
        regex: r"\b(?:gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}|pplx-[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}|fw_[A-Za-z0-9]{20,}|nvapi-[\w-]{20,})",
        keywords: &["gsk_", "xai-", "pplx-", "r8_", "fw_", "nvapi-"],
        ..Own::NONE
    },
    Own {
        id: "sendgrid-key",
        regex: r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
        keywords: &["sg."],
        ..Own::NONE
    },
    Own {
        id: "twilio-key",
        regex: r"\bSK[0-9a-f]{32}\b",
        keywords: &["sk"],
        ..Own::NONE
    },
    Own {
        id: "digitalocean-token",
        regex: r"\bdo[opr]_v1_[a-f0-9]{40,}",
        keywords: &["doo_v1_", "dop_v1_", "dor_v1_"],
        ..Own::NONE
    },
    Own {
        id: "hashicorp-token",
        regex: r"\b(?:hv[sbr]\.[\w-]{24,}|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,})",
        keywords: &["hvs.", "hvb.", "hvr.", "atlasv1"],
        ..Own::NONE
    },
    Own {
        id: "telegram-token",
        regex: r"\b[0-9]{8,10}:AA[\w-]{32,34}",
        keywords: &[":aa"],
        ..Own::NONE
    },
    Own {
        id: "age-key",
        regex: r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}",
        keywords: &["age-secret-key-1"],
        ..Own::NONE
    },
    Own {
        id: "databricks-token",
        regex: r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b",
        keywords: &["dapi"],
        ..Own::NONE
    },
    Own {
        id: "mailgun-key",
        regex: r"\bkey-[0-9a-f]{32}\b",
        keywords: &["key-"],
        ..Own::NONE
    },
    // An account's number in base64, the time, and a hash. No keyword, since a number begins with one of a few pairs of letters, which the
    // pattern's own search finds as fast.
    Own {
        id: "discord-token",
        regex: r"\b(?:M[DTjz]|N[DTjz]|O[DT])[A-Za-z0-9_-]{20,28}\.[\w-]{6}\.[\w-]{27,40}",
        min_run: 57,
        ..Own::NONE
    },
    Own {
        id: "service-token",
        regex: r"\b(?:shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|lin_api_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{40,}|ATATT3[\w=-]{50,}|gl(?:sa|c)_[\w=+/-]{30,}|dp\.(?:pt|st|ct|sa)\.[\w.]{30,}|pul-[a-f0-9]{40}|NRAK-[A-Z0-9]{20,}|sntry[su]_[\w=+/-]{40,}|pscale_(?:tkn|pw|oauth)_[\w.=-]{30,}|PMAK-[a-f0-9-]{40,}|sbp_[a-f0-9]{40}|nfp_[A-Za-z0-9]{30,}|dckr_pat_[\w-]{20,}|rubygems_[a-f0-9]{40,}|sq0(?:atp|csp)-[\w-]{20,}|figd_[\w-]{30,}|HRKU-[\w-]{30,})",
        keywords: &[
            "shpat_",
            "shpca_",
            "shppa_",
            "shpss_",
            "lin_api_",
            "ntn_",
            "atatt3",
            "glsa_",
            "glc_",
            "dp.pt.",
            "dp.st.",
            "dp.ct.",
            "dp.sa.",
            "pul-",
            "nrak-",
            "sntrys_",
            "sntryu_",
            "pscale_",
            "pmak-",
            "sbp_",
            "nfp_",
            "dckr_pat_",
            "rubygems_",
            "sq0atp-",
            "sq0csp-",
            "figd_",
            "hrku-",
        ],
        ..Own::NONE
    },
    Own {
        id: "request-signature",
        regex: r"(?i)\bsignature=([A-Za-z0-9+/%~_=-]{32,})",
        keywords: &["signature="],
        ..Own::NONE
    },
    Own {
        id: "azure-key",
        regex: r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|sig)=([A-Za-z0-9+/%=]{30,})",
        keywords: &["accountkey=", "sharedaccess", "sig="],
        ..Own::NONE
    },
    Own {
        id: "indelible-key",
        regex: r"\bik_[A-Za-z0-9_-]{16,}",
        keywords: &["ik_"],
        ..Own::NONE
    },
    Own {
        id: "url-password",
        regex: r#"\b[A-Za-z][A-Za-z0-9+.-]{1,24}://[^\s/:@"'\\<>]{0,256}:([^\s/"'\\<>\[]{1,256})@"#,
        keywords: &["://"],
        allowed: &[r"^[0-9]{1,5}[?#]"],
        ..Own::NONE
    },
    // A user without a password is a token if it looks like one.
    Own {
        id: "url-user",
        regex: r"\bhttps?://([A-Za-z0-9_~.%+=-]{16,256})(?::(?:x-oauth-basic|x)?)?@[A-Za-z0-9\[]",
        entropy: Some(3.0),
        keywords: &["http://", "https://"],
        allowed: &[r"^[A-Za-z]+(?:[._+-][A-Za-z]+)*$"],
        ..Own::NONE
    },
    Own {
        id: "bearer-token",
        regex: r#"(?i)\b(?:proxy-)?authorization["'\\]{0,4}\s{0,4}[:=]\s{0,4}["'\\]{0,4}bearer\s{1,4}([^\s"'\\,;<>\[]{4,})"#,
        keywords: &["authorization"],
        ..Own::NONE
    },
    Own {
        id: "authorization-header",
        regex: r#"(?i)\b(?:proxy-)?authorization["'\\]{0,4}\s{0,4}[:=]\s{0,4}["'\\]{0,4}(?:(?:bearer|basic|bot|token|digest|api-?key|negotiate|ssws|geniekey|sso-key|oauth|key)\s{1,4}(?:token=)?)?([^\s"'\\,;<>\[]{4,})"#,
        keywords: &["authorization"],
        allowed: &[
            r"(?i)^(?:bearer|basic|token|token=|digest|api-?key|negotiate|ssws|geniekey|sso-key|oauth|hawk|aws4-hmac-sha256|required|optional|string|none|null)$",
        ],
        ..Own::NONE
    },
    Own {
        id: "bearer-token",
        regex: r"(?i)\bbearer\s{1,4}([A-Za-z0-9._~+/=-]{16,})",
        entropy: Some(3.0),
        keywords: &["bearer"],
        ..Own::NONE
    },
    Own {
        id: "cookie",
        regex: r#"(?i)\b(?:set-)?cookie["'\\]{0,4}\s{0,4}[:=]\s{0,4}["'\\]{0,4}([^\s"'\\\[][^"'\r\n\\\[]{2,4095})"#,
        keywords: &["cookie"],
        allowed: &[r"(?i)^(?:true|false|null|none)\b"],
        ..Own::NONE
    },
    // A value in quotes is taken as a whole.
    Own {
        id: "password",
        regex: r#"(?i)(?:passw(?:or)?d|passphrase|passwd|\bpwd|_pwd)["'\\]{0,4}\s{0,4}(?::|=>|=)\s{0,16}(?:\\{0,2}"([^"\\\s\[${][^"\\\r\n\[]{3,255})["\\]|\\{0,2}'([^'\\\s\[${][^'\\\r\n\[]{3,255})['\\]|["'\\]{0,4}([^\s"'\\,;&<>(){}\[\]$\x00][^\s"'\\,;&<>(){}\[\]\x00]{3,255}))"#,
        keywords: &["password", "passwd", "passphrase", "passwrd", "pwd"],
        allowed: &[
            r"^~?(?:/[\w.@+-]+)+/?$",
            r"(?i)^(?:true|false|null|none|nil|undefined|str|string|text|required|optional|password|secret|example|changeme|\*+|x+|\.+)[.,;:!?]*$",
        ],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r#"(?i)(?:\b|_)pass=(?:\\{0,2}"([^"\\\s\[${][^"\\\r\n\[]{3,255})["\\]|\\{0,2}'([^'\\\s\[${][^'\\\r\n\[]{3,255})['\\]|([^\s"'\\,;&<>(){}\[\]$][^\s"'\\,;&<>(){}\[\]]{3,255}))"#,
        keywords: &["pass="],
        allowed: &[
            r"(?i)^(?:true|false|null|none|[0-9.,:/%-]{1,5}|passed|failed|\*+|x+)[.,;:!?]*$",
        ],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r#"(?i)(?:db|database|mysql|maria|postgres|pg|redis|mongo|smtp|mail|imap|ftp|ssh|ldap|user|admin|root|login|app|basic|http|proxy|key|store)[_-]pass["'\\]{0,4}\s{0,4}(?::|=>|=)\s{0,4}(?:\\{0,2}"([^"\\\s\[${][^"\\\r\n\[]{3,255})["\\]|\\{0,2}'([^'\\\s\[${][^'\\\r\n\[]{3,255})['\\]|["'\\]{0,4}([^\s"'\\,;&<>(){}\[\]$][^\s"'\\,;&<>(){}\[\]]{3,255}))"#,
        keywords: &["_pass", "-pass"],
        allowed: &[
            r"(?i)^(?:true|false|null|none|str|string|required|optional|password|\*+|x+|[0-9])[.,;:!?]*$",
        ],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r#"(?i)\bidentified\s{1,4}(?:with\s{1,4}[^\s]{1,64}\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4})?(?:\\?"([^"\\\r\n\[]{1,256})|\\?'([^'\\\r\n\[]{1,256}))"#,
        keywords: &["identified"],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r#"(?i)\b(?:user|role|encrypted|with|login|set)\b[^\r\n;'"]{0,128}\bpassword\s{1,4}'([^'\\\r\n\[]{1,256})\'"#,
        keywords: &["password '"],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r#"(?i)\b(?:machine(?:\s|\\[nrt]){1,8}[^\s\\]{1,256}|default)(?:\s|\\[nrt]){1,8}(?:login|user)(?:\s|\\[nrt]){1,8}[^\s\\]{1,256}(?:\s|\\[nrt]){1,8}(?:account(?:\s|\\[nrt]){1,8}[^\s\\]{1,256}(?:\s|\\[nrt]){1,8})?passw(?:or)?d(?:\s|\\[nrt]){1,8}["'\\]{0,2}([^\s"'\\\[][^\s"'\\]{0,255})"#,
        keywords: &["machine", "default"],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r"(?i)<(?:[\w-]{1,32}:)?[\w.-]{0,48}(?:password|passwd|passphrase|pwd|secret|secret-?key|api-?key|access-?key|private-?key)(?:\s[^<>]{0,256})?>\s{0,8}([^<>\s\[$][^<>]{2,1023})</",
        keywords: &[
            "password",
            "passwd",
            "passphrase",
            "pwd",
            "secret",
            "key>",
            "key ",
        ],
        allowed: &[
            r"(?i)^(?:true|false|null|none|nil|undefined|str|string|text|required|optional|password|secret|example|changeme|\*+|x+|\.+)[.,;:!?]*$",
        ],
        ..Own::NONE
    },
    Own {
        id: "command-password",
        regex: r#"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlshow|mysqlcheck|mysqlsh|mysqlpump|mariadb(?:-[a-z]{1,16})?)\b[^\n\r|;]{0,512}?\s-p(?:\\{0,2}"([^"\\\[$][^"\\]{0,255})["\\]|\\{0,2}'([^'\\\[$][^'\\]{0,255})['\\]|([^\s"'\\\[$|;&-][^\s"'\\|;&]{0,255}))"#,
        keywords: &["mysql", "mariadb"],
        ..Own::NONE
    },
    Own {
        id: "command-password",
        regex: r#"\bredis-cli\b[^\n\r|;]{0,512}?\s(?:-a|--pass)[ =]{1,4}(?:\\{0,2}"([^"\\\[$][^"\\]{0,255})["\\]|\\{0,2}'([^'\\\[$][^'\\]{0,255})['\\]|([^\s"'\\\[$|;&-][^\s"'\\|;&]{0,255}))"#,
        keywords: &["redis-cli"],
        ..Own::NONE
    },
    Own {
        id: "command-password",
        regex: r#"\bsshpass\b[^\n\r|;]{0,64}?\s-p[ ]{0,4}(?:\\{0,2}"([^"\\\[$][^"\\]{0,255})["\\]|\\{0,2}'([^'\\\[$][^'\\]{0,255})['\\]|([^\s"'\\\[$|;&-][^\s"'\\|;&]{0,255}))"#,
        keywords: &["sshpass"],
        ..Own::NONE
    },
    Own {
        id: "command-password",
        regex: r#"\b(?:docker|podman|nerdctl|buildah|skopeo|helm\s{1,4}registry|oras|crane|az\s{1,4}acr)\s{1,4}(?:auth\s{1,4})?login\b[^\n\r|;]{0,512}?\s-p[ =]{0,4}(?:\\{0,2}"([^"\\\[$][^"\\]{0,255})["\\]|\\{0,2}'([^'\\\[$][^'\\]{0,255})['\\]|([^\s"'\\\[$|;&-][^\s"'\\|;&]{0,255}))"#,
        keywords: &["login"],
        ..Own::NONE
    },
    Own {
        id: "command-password",
        regex: r#"\bopenssl\b[^\n\r|;]{0,512}?\s(?:-k|-passin\s{1,4}pass:|-passout\s{1,4}pass:|-pass\s{1,4}pass:)[ ]{0,4}(?:\\{0,2}"([^"\\\[$][^"\\]{0,255})["\\]|\\{0,2}'([^'\\\[$][^'\\]{0,255})['\\]|([^\s"'\\\[$|;&-][^\s"'\\|;&]{0,255}))"#,
        keywords: &["openssl"],
        ..Own::NONE
    },
    // Of a configuration of Docker: user and password in base64.
    Own {
        id: "docker-auth",
        regex: r#""?\bauth["\\]{1,4}\s{0,4}:\s{0,4}["\\]{1,4}([A-Za-z0-9+/]{16,1024}={0,2})["\\]"#,
        entropy: Some(3.0),
        keywords: &["auth"],
        ..Own::NONE
    },
    Own {
        id: "password",
        regex: r#"(?i)\bpass(?:word|phrase|code)\s{1,4}is\s{1,4}["\x27\\]{0,4}([^\s"\x27\\,;&<>(){}\[\]$]{0,128}[0-9][^\s"\x27\\,;&<>(){}\[\]$]{0,128})"#,
        keywords: &["password is", "passphrase is", "passcode is"],
        ..Own::NONE
    },
    Own {
        id: "secret-assignment",
        regex: r#"(?i)(?:secret(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?|(?:api|access|account|auth|private|signing|encryption|decryption|master|subscription|shared|service|hmac|app|storage|license)[_-]?key|token|credentials?)(?:_?(?:value|id|base64|[0-9]))?["'\\]{0,4}\s{0,4}(?::|=>|=)\s{0,4}(?:\\{0,2}"([^\s"\\\[${][^\s"\\\[]{7,511})["\\]|\\{0,2}'([^\s'\\\[${][^\s'\\\[]{7,511})['\\]|["'\\]{0,4}([^\s"'\\,;&<>(){}\[\]$]{8,512}))"#,
        entropy: Some(3.0),
        keywords: &["secret", "key", "token", "credential"],
        allowed: &[
            r"^[A-Za-z]+(?:[ ._-][A-Za-z]+){0,4}$",
            r"^[A-Za-z_]\w*(?:::\w+)+$",
            r"^[0-9.,:+-]+$",
            r"^(?:https?|file)://",
        ],
        ..Own::NONE
    },
    // A variable of a shell or of a file of settings: words, too.
    Own {
        id: "secret-assignment",
        regex: r#"(?:\b|_)(?:SECRET(?:_KEY(?:_BASE)?|_ACCESS_KEY)?|(?:API|ACCESS|AUTH|PRIVATE|SIGNING|ENCRYPTION|MASTER|SUBSCRIPTION)_?KEY|TOKEN|CREDENTIALS?)=(?:\\{0,2}"([^"\\\s\[${][^"\\\r\n\[]{7,511})["\\]|\\{0,2}'([^'\\\s\[${][^'\\\r\n\[]{7,511})['\\]|([^\s"'\\,;&<>(){}\[\]$][^\s"'\\,;&<>(){}\[\]]{7,511}))"#,
        entropy: Some(2.5),
        keywords: &["secret", "key=", "token=", "credential"],
        allowed: &[
            r"^[A-Za-z_]+(?:\.[A-Za-z_]+)+$",
            r"(?i)^(?:your|my|the|an?|some|insert|change|replace|example|dummy|placeholder)[_ -]",
            r"^[0-9.,:+-]+$",
            r"^(?:https?|file)://",
            r"^[./~]",
        ],
        ..Own::NONE
    },
    Own {
        id: "secret-option",
        regex: r#"(?i)(?:^|[\s"',])--?(?:password|passwd|pass|passphrase|secret|token|api-?key|access-?token|auth-?token|client-?secret|secret-?key)["'\\]{0,4}(?:\s{1,4}|=|,\s{0,4})(?:\\{0,2}"([^"\\\s\[${][^"\\\r\n\[]{3,255})["\\]|\\{0,2}'([^'\\\s\[${][^'\\\r\n\[]{3,255})['\\]|["'\\]{0,4}([^\s"'\\,;<>(){}\[\]$-][^\s"'\\,;<>(){}\[\]]{3,512}))"#,
        keywords: &[
            "-pass", "-secret", "-token", "-api", "-access", "-auth", "-client",
        ],
        ..Own::NONE
    },
    Own {
        id: "curl-user",
        regex: r#"\bcurl\b[^\n\r]{0,512}?\s(?:-u|--user|--proxy-user)[= ]{0,2}(?:\\{0,2}"[^\s":\\]{1,128}:([^"\\\[$][^"\\]{0,255})["\\]|\\{0,2}'[^\s':\\]{1,128}:([^'\\\[$][^'\\]{0,255})['\\]|["'\\]{0,4}[^\s"':\\]{1,128}:([^\s"'\\\[]{1,256}))"#,
        keywords: &["curl"],
        ..Own::NONE
    },
];
