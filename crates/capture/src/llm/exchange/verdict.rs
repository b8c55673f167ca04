//! How a call ended.

use crate::{draft::Outcome, http::End};

/// What is known of an end.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// HTTP status, if there was an answer.
    pub(super) status: Option<u16>,
    /// Why the answer is ours.
    pub(super) failed: Option<String>,
    /// How the answer's body ended.
    pub(super) end: End,
    /// For a stream whether its last event came; `None` for other bodies.
    pub(super) is_complete: Option<bool>,
    /// An error inside of a good answer.
    pub(super) error: Option<String>,
}

/// Result, and the reason if it is not success.
pub(super) fn verdict(ending: Ending) -> (Outcome, Option<String>) {
    let Ending {
        status,
        failed,
        end,
        is_complete,
        error,
    } = ending;
    if let Some(failed) = failed {
        return (Outcome::Error, Some(failed));
    }
    match (status, end) {
        (_, End::Cut(reason)) => (
            Outcome::Error,
            Some(format!("the answer broke off: {reason}")),
        ),
        (None, _) => (
            Outcome::Error,
            Some("the client went away before an answer".to_owned()),
        ),
        (Some(400..), _) => (Outcome::Failure, error),
        _ if error.is_some() => (Outcome::Error, error),
        // One that leaves after the last event has got everything.
        (_, End::ClientGone) if is_complete != Some(true) => (
            Outcome::Error,
            Some("the client went away before the end".to_owned()),
        ),
        _ if is_complete == Some(false) => (
            Outcome::Error,
            Some("the stream ended without its last event".to_owned()),
        ),
        _ => (Outcome::Success, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_result() {
        let good = Ending {
            status: Some(200),
            failed: None,
            end: End::Complete,
            is_complete: None,
            error: None,
        };
        let cut = End::Cut("reset".to_owned());
        let cases = [
            (good.clone(), Outcome::Success),
            (
                Ending {
                    status: Some(429),
                    ..good.clone()
                },
                Outcome::Failure,
            ),
            (
                Ending {
                    status: Some(500),
                    end: cut.clone(),
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    status: None,
                    end: End::ClientGone,
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    failed: Some("down".to_owned()),
                    status: Some(502),
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    end: cut,
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    end: End::ClientGone,
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    end: End::ClientGone,
                    is_complete: Some(true),
                    ..good.clone()
                },
                Outcome::Success,
            ),
            (
                Ending {
                    end: End::ClientGone,
                    is_complete: Some(false),
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    is_complete: Some(false),
                    ..good.clone()
                },
                Outcome::Error,
            ),
            (
                Ending {
                    is_complete: Some(true),
                    error: Some("overloaded".to_owned()),
                    ..good
                },
                Outcome::Error,
            ),
        ];
        for (ending, result) in cases {
            let told = verdict(ending.clone());
            assert_eq!(told.0, result, "{ending:?}");
            assert_eq!(told.1.is_some(), result == Outcome::Error, "{ending:?}");
        }
    }
}
