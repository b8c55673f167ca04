//! The protocol's side of the tools.

use std::sync::Arc;

use event::Seq;
use query::Engine;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, ResourcesCapability, ServerCapabilities,
        ServerConfig, ToolsCapability,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{explain, happened, search, tools};
use crate::{
    app::App,
    auth::Caller,
    problem::{Code, Problem},
};

/// The tools for one caller.
#[derive(Clone)]
pub(super) struct Assistant {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    /// Where the caller reaches this server.
    pub(super) base: String,
}

/// What a tool answers.
pub(super) struct Told {
    /// For the model, and for whoever reads along.
    pub(super) text: String,
    /// For the card and for programs.
    pub(super) structured: Value,
}

impl Assistant {
    pub(super) fn engine(&self) -> Engine {
        self.caller.engine(&self.app)
    }

    /// The event in the dashboard.
    pub(super) fn link(&self, seq: Seq) -> String {
        format!("{}/events?event={seq}", self.base)
    }

    /// A list of events in the dashboard, by the parameters of its address.
    pub(super) fn list(&self, params: &[(&str, Option<&str>)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in params {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query.append_pair(name, value);
            }
        }
        match query.finish() {
            query if query.is_empty() => format!("{}/events", self.base),
            query => format!("{}/events?{query}", self.base),
        }
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<Told, Problem> {
        match name {
            tools::WHAT_JUST_HAPPENED => happened::happened(self, read(arguments)?).await,
            tools::SHOW_PROOF => explain::show_proof(self, read(arguments)?).await,
            tools::EXPLAIN_EVENT => explain::explain(self, read(arguments)?).await,
            tools::SEARCH_AUDIT => search::search(self, read(arguments)?).await,
            _ => Err(Problem::new(Code::NotFound, "there is no such tool")),
        }
    }
}

fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, Problem> {
    serde_json::from_value(arguments)
        .map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))
}

impl ServerHandler for Assistant {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::default();
        capabilities.tools = Some(ToolsCapability::default());
        capabilities.resources = Some(ResourcesCapability::default());
        let version = env!("CARGO_PKG_VERSION");
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("indelible", version).with_title("Indelible"))
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::tools()))
    }

    /// What the caller asked wrongly, and what is not there, is told to the model, which can ask again.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request
            .arguments
            .map_or_else(|| Value::Object(serde_json::Map::new()), Value::Object);
        let result = match self.call(&request.name, arguments).await {
            Ok(told) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(told.text)]);
                let shown = Some(told.structured).filter(|shown| !shown.is_null());
                result.structured_content = shown;
                result
            }
            Err(problem) => CallToolResult::error(vec![ContentBlock::text(problem.advice())]),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![tools::view()]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != tools::VIEW {
            return Err(ErrorData::resource_not_found(
                "there is no such resource",
                None,
            ));
        }
        Ok(ReadResourceResult::new(vec![tools::view_contents()]).into())
    }
}
