//! What is answered when the log has stopped or there is no room: states that no request can bring about.

use axum::{Router, body::Body, response::Response};
use http_body_util::BodyExt;
use hyper::{Method, Request, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    App, Arc, Instant, IpAddr, Node, Peer, Service, TowerToHyperService, finish, method_name,
    routes,
};
use crate::config::Config;

const EVENT: &str = r#"{"actor":{"id":"a"},"action":"x"}"#;

struct Face {
    _dir: TempDir,
    app: Arc<App>,
    router: TowerToHyperService<Router>,
}

impl Face {
    async fn new() -> Self {
        tokio::task::spawn_blocking(Self::open).await.unwrap()
    }

    fn open() -> Self {
        let dir = TempDir::new().unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        let app = Arc::new(App::new(Arc::new(Node::open(config, None).unwrap())));
        Self {
            router: TowerToHyperService::new(routes::router(&app)),
            app,
            _dir: dir,
        }
    }

    async fn send(&self, method: Method, path: &str, body: &'static str) -> Response {
        let key = self.app.node().new_admin_key().unwrap();
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .extension(Peer(IpAddr::from([127, 0, 0, 1])))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let Ok(response) = self.router.call(request).await;
        finish(
            &self.app,
            response,
            method_name(&method),
            "req_1",
            Instant::now(),
        )
    }
}

async fn json(response: Response) -> Value {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_stopped_log_acknowledges_nothing_and_is_still_read() {
    let face = Face::new().await;
    let ok = face.send(Method::POST, "/v1/events", EVENT).await;
    assert_eq!(ok.status(), StatusCode::OK);
    let node = Arc::clone(face.app.node());
    let stopping = tokio::task::spawn_blocking(move || node.ledger().shutdown());
    stopping.await.unwrap();

    for path in ["/v1/events", "/v1/events?ack=integrated"] {
        let refused = face.send(Method::POST, path, EVENT).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(json(refused).await["code"], "log_stopped");
    }
    let count = face.send(Method::GET, "/v1/count?action=x", "").await;
    assert_eq!(json(count).await["value"], 1);

    // No key comes about that the log does not know of.
    let new = r#"{"name":"k","scopes":["read"]}"#;
    let refused = face.send(Method::POST, "/v1/keys", new).await;
    assert_eq!(json(refused).await["code"], "log_stopped");
    let keys = json(face.send(Method::GET, "/v1/keys", "").await).await;
    assert_eq!(keys["data"].as_array().unwrap().len(), 1);

    // But one that has to end ends.
    let path = format!("/v1/keys/{}", keys["data"][0]["id"].as_str().unwrap());
    let gone = face.send(Method::DELETE, &path, "").await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let refused = face.send(Method::GET, "/v1/events", "").await;
    assert_eq!(json(refused).await["code"], "unauthorized");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_finds_no_room_is_answered_429() {
    let face = Face::new().await;
    let bodies = Arc::clone(face.app.bodies());
    let all = u32::try_from(bodies.available_permits()).unwrap();
    let taken = bodies.acquire_many_owned(all).await.unwrap();
    let busy = face.send(Method::POST, "/v1/events", EVENT).await;
    assert_eq!(busy.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(busy.headers()["retry-after"], "1");
    assert_eq!(json(busy).await["code"], "busy");
    drop(taken);
    let ok = face.send(Method::POST, "/v1/events", EVENT).await;
    assert_eq!(json(ok).await["recorded"], 1);
    // The body has given its room back.
    let room = face.app.bodies().available_permits();
    assert_eq!(u32::try_from(room).unwrap(), all);
}
