//! Paths of requests to a gateway: whom they are for, and for which job.

/// First segment of a path that names a job. Nothing behind a gateway can be called so.
const JOB_SEGMENT: &str = "-job";

/// Takes `/<name>/<rest>` apart, with `/-job/<job>` in front where a client can set a base URL and no headers. The rest begins
/// with its slash. `None` without a name.
pub(crate) fn named(path: &str) -> Option<(Option<String>, &str, &str)> {
    let (first, after) = split(path.strip_prefix('/')?);
    let (job, name, rest) = if first == JOB_SEGMENT {
        let (job, after) = split(after.strip_prefix('/')?);
        let (name, after) = split(after.strip_prefix('/')?);
        (Some(decoded(job)), name, after)
    } else {
        (None, first, after)
    };
    (!name.is_empty()).then(|| (job.filter(|job| !job.is_empty()), name, rest))
}

/// The first segment, and the rest with its slash.
fn split(path: &str) -> (&str, &str) {
    path.find('/')
        .and_then(|at| path.split_at_checked(at))
        .unwrap_or((path, ""))
}

/// A segment without its percent escapes.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| {
                let hex = std::str::from_utf8(hex).ok()?;
                u8::from_str_radix(hex, 16).ok()
            });
        out.push(escaped.unwrap_or(*first));
        let used = if escaped.is_some() { 2 } else { 0 };
        rest = after.get(used..).unwrap_or_default();
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("%zz%41"), "%zzA");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }
}
