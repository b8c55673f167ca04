//! Where a client puts its API key, and how another one takes its place.

use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};

use crate::identity::{Actor, Agents, UnknownAgent};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
/// Azure OpenAI.
const AZURE_API_KEY: HeaderName = HeaderName::from_static("api-key");
const QUERY_NAME: &str = "key";

/// A place for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Bearer,
    /// An `Authorization` of another kind, such as a signature.
    OtherAuthorization,
    ApiKey,
    GoogApiKey,
    AzureApiKey,
    Query,
}

/// What a client showed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    place: Place,
    pub(crate) value: String,
}

impl Credential {
    /// Everything that could be a key, in the order of its strength.
    pub(crate) fn all(headers: &HeaderMap, query: Option<&str>) -> Vec<Self> {
        let header = |place, name: &HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(Self {
                place,
                value: value.to_owned(),
            })
        };
        let authorization =
            header(Place::Bearer, &AUTHORIZATION).map(|found| match found.value.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Self {
                    place: Place::Bearer,
                    value: token.trim().to_owned(),
                },
                _ => Self {
                    place: Place::OtherAuthorization,
                    ..found
                },
            });
        let query = query.and_then(|query| {
            let value = parameters(query)
                .find_map(|(name, value)| (name == QUERY_NAME).then_some(value))?;
            Some(Self {
                place: Place::Query,
                value: value.to_owned(),
            })
        });
        let found = [
            authorization,
            header(Place::ApiKey, &API_KEY),
            header(Place::GoogApiKey, &GOOG_API_KEY),
            header(Place::AzureApiKey, &AZURE_API_KEY),
            query,
        ];
        found
            .into_iter()
            .flatten()
            .filter(|found| !found.value.is_empty())
            .collect()
    }

    /// Takes the credential away.
    pub(crate) fn remove(&self, headers: &mut HeaderMap, query: &mut Option<String>) {
        match self.place {
            Place::Query => {
                let left: Vec<_> = parameters(query.as_deref().unwrap_or_default())
                    .filter(|(name, _)| *name != QUERY_NAME)
                    .map(|(name, value)| {
                        if value.is_empty() {
                            name.to_owned()
                        } else {
                            format!("{name}={value}")
                        }
                    })
                    .collect();
                *query = (!left.is_empty()).then(|| left.join("&"));
            }
            Place::Bearer | Place::OtherAuthorization => drop(headers.remove(AUTHORIZATION)),
            Place::ApiKey => drop(headers.remove(API_KEY)),
            Place::GoogApiKey => drop(headers.remove(GOOG_API_KEY)),
            Place::AzureApiKey => drop(headers.remove(AZURE_API_KEY)),
        }
    }

    /// Puts a key where this one is.
    pub(crate) fn replace(&self, key: &str, headers: &mut HeaderMap, query: &mut Option<String>) {
        self.remove(headers, query);
        if self.place == Place::Query {
            let parameter = format!("{QUERY_NAME}={key}");
            *query = Some(
                query
                    .take()
                    .map_or(parameter.clone(), |query| format!("{query}&{parameter}")),
            );
            return;
        }
        let (name, text) = match self.place {
            Place::ApiKey => (API_KEY, key.to_owned()),
            Place::GoogApiKey => (GOOG_API_KEY, key.to_owned()),
            Place::AzureApiKey => (AZURE_API_KEY, key.to_owned()),
            Place::Bearer | Place::OtherAuthorization | Place::Query => {
                (AUTHORIZATION, format!("Bearer {key}"))
            }
        };
        // Keys were checked to be visible ASCII when they were read.
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }

    /// For a client that shows nothing: where a provider of this name wants its key.
    pub(crate) fn usual(provider: &str) -> Self {
        let place = match provider {
            "anthropic" => Place::ApiKey,
            "gemini" | "google" => Place::GoogApiKey,
            _ => Place::Bearer,
        };
        Self {
            place,
            value: String::new(),
        }
    }
}

/// Who calls, and with which of the credentials, if it is an agent's token.
///
/// # Errors
/// [`UnknownAgent`] if agents have tokens and none of these is one.
pub(crate) fn identify<'a>(
    agents: &Agents,
    credentials: &'a [Credential],
) -> Result<(Actor, Option<&'a Credential>), UnknownAgent> {
    if !agents.has_tokens() {
        return Ok((agents.identify(None)?, None));
    }
    let known = credentials.iter().find_map(|credential| {
        let actor = agents.identify(Some(&credential.value)).ok()?;
        Some((actor, Some(credential)))
    });
    known.ok_or(UnknownAgent)
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_key_goes_out_where_the_token_came_in() {
        for (name, token, key) in [
            ("authorization", "Bearer tok", "Bearer real"),
            ("x-api-key", "tok", "real"),
            ("x-goog-api-key", "tok", "real"),
            ("api-key", "tok", "real"),
        ] {
            let mut headers = headers(name, token);
            let mut query = None;
            let found = Credential::all(&headers, None).remove(0);
            assert_eq!(found.value, "tok");
            found.replace("real", &mut headers, &mut query);
            assert_eq!(headers[name], key);
            assert_eq!((headers.len(), &query), (1, &None));
            found.remove(&mut headers, &mut query);
            assert!(headers.is_empty());
        }
        let mut headers = HeaderMap::new();
        let mut query = Some("alt=sse&key=tok&flag".to_owned());
        let found = Credential::all(&headers, query.as_deref()).remove(0);
        found.replace("real", &mut headers, &mut query);
        assert_eq!(query.as_deref(), Some("alt=sse&flag&key=real"));
        found.remove(&mut headers, &mut query);
        assert_eq!(query.as_deref(), Some("alt=sse&flag"));
    }

    #[test]
    fn a_signature_is_no_token_but_goes_when_it_must() {
        let mut headers = headers("authorization", "AWS4-HMAC-SHA256 Credential=A/b");
        let found = Credential::all(&headers, None).remove(0);
        assert!(found.value.starts_with("AWS4"));
        found.replace("real", &mut headers, &mut None);
        assert_eq!(headers["authorization"], "Bearer real");
    }
}
