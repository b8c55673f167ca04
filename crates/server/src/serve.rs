//! Accepting connections, and stopping.

use std::{future::Future, sync::Arc};

use tokio::net::TcpListener;

use crate::node::Node;

/// Serves HTTP until `shutdown` resolves, then stops accepting, lets running requests finish, and closes the node.
///
/// # Errors
/// If the listener has no address any more.
#[expect(clippy::unused_async, reason = "not written yet")]
pub async fn serve(
    _node: Arc<Node>,
    _listener: TcpListener,
    _shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    todo!()
}
