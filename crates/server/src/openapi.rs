//! The description of the interface (`OpenAPI` 3.1), made from the table of routes.

use serde_json::{Map, Value, json};

use crate::{
    params::{Kind, Param},
    problem::Code,
    routes::{Access, Answer, ROUTES, RouteInfo},
};

/// Schemas that the table names.
const SCHEMAS: &str = include_str!("openapi/schemas.json");

/// Errors that any route can answer.
const EVERYWHERE: [Code; 2] = [Code::UnknownParameter, Code::Internal];

/// The whole document as JSON text.
pub(crate) fn document() -> String {
    let mut paths: Map<String, Value> = Map::new();
    for (route, _) in ROUTES {
        let item = paths
            .entry(route.path.replace("{*", "{"))
            .or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(route.method.to_ascii_lowercase(), operation(route));
        }
    }
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Indelible",
            "description": "Audit trail for AI agents",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    });
    if let Some(code) = document.pointer_mut("/components/schemas/Problem/properties/code") {
        *code = json!({ "type": "string", "enum": codes });
    }
    document.to_string()
}

fn operation(route: &RouteInfo) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "security": security(route),
        "responses": responses(route),
    });
    let Value::Object(members) = &mut operation else {
        return operation;
    };
    if let Access::Key(scopes) = route.access {
        let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        members.insert("x-scopes".to_owned(), json!(names));
    }
    let parameters: Vec<_> = path_parameters(route.path)
        .chain(route.params.iter().map(parameter))
        .collect();
    if !parameters.is_empty() {
        members.insert("parameters".to_owned(), json!(parameters));
    }
    if let Some(schema) = route.body {
        let mut content = Map::from_iter([("application/json".to_owned(), media(schema))]);
        if schema == "Events" {
            let lines = json!({ "schema": { "type": "string" } });
            content.insert("application/x-ndjson".to_owned(), lines);
        }
        if schema == "Telemetry" {
            content.insert("application/x-protobuf".to_owned(), json!({}));
        }
        members.insert(
            "requestBody".to_owned(),
            json!({ "required": true, "content": content }),
        );
    }
    operation
}

fn security(route: &RouteInfo) -> Value {
    match route.access {
        Access::Public => json!([]),
        Access::Key(_) => json!([{ "key": [] }]),
    }
}

/// The good answer and the errors, by status.
fn responses(route: &RouteInfo) -> Value {
    let mut responses = Map::new();
    let good = match route.answer {
        Answer::Json(schema) => json!({ "application/json": media(schema) }),
        Answer::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
        Answer::EventStream => json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        Answer::Bytes => json!({ "application/octet-stream": {} }),
        Answer::Script => json!({ "text/javascript": { "schema": { "type": "string" } } }),
        Answer::Page => json!({ "text/html": { "schema": { "type": "string" } } }),
        Answer::Nothing => json!({}),
    };
    responses.insert(
        route.status.to_string(),
        json!({ "description": route.summary, "content": good }),
    );
    let mut codes: Vec<Code> = EVERYWHERE.to_vec();
    codes.extend_from_slice(route.codes);
    if let Access::Key(scopes) = route.access {
        codes.push(Code::Unauthorized);
        codes.extend((!scopes.is_empty()).then_some(Code::InsufficientScope));
    }
    codes.extend((!route.params.is_empty()).then_some(Code::DuplicateParameter));
    for code in &codes {
        let status = code.status();
        let names: Vec<_> = codes
            .iter()
            .filter(|other| other.status() == status)
            .map(|code| format!("`{}`", code.as_str()))
            .collect();
        responses.insert(
            status.as_str().to_owned(),
            json!({
                "description": names.join(", "),
                "content": { "application/problem+json": media("Problem") },
            }),
        );
    }
    Value::Object(responses)
}

fn media(schema: &str) -> Value {
    json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } })
}

fn parameter(param: &Param) -> Value {
    let schema = match param.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Integer { min, max: None } => json!({ "type": "integer", "minimum": min }),
        Kind::Integer {
            min,
            max: Some(max),
        } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    json!({ "name": param.name, "in": "query", "description": param.about, "schema": schema })
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        let name = name.trim_start_matches('*');
        Some(
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::keys::Scope;

    /// Every `$ref` below a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str() {
                        Some(target) if name == "$ref" => {
                            found.insert(target.to_owned());
                        }
                        _ => references(member, found),
                    }
                }
            }
            Value::Array(elements) => elements.iter().for_each(|e| references(e, found)),
            _ => {}
        }
    }

    #[test]
    fn every_schema_that_is_named_exists_and_every_one_that_exists_is_named() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let mut named = BTreeSet::new();
        references(&document, &mut named);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let there: BTreeSet<_> = schemas
            .keys()
            .map(|name| format!("#/components/schemas/{name}"))
            .collect();
        assert_eq!(named, there);
    }

    #[test]
    fn scopes_in_the_schema_are_those_of_the_code() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        assert_eq!(
            document["components"]["schemas"]["Scope"]["enum"],
            json!(Scope::ALL)
        );
    }

    #[test]
    fn operations_have_distinct_names() {
        let names: BTreeSet<_> = ROUTES.iter().map(|(route, _)| route.id).collect();
        assert_eq!(names.len(), ROUTES.len());
    }

    const PAGE: &str = include_str!("../../../docs/api.md");

    /// What stands between backticks.
    fn quoted(text: &str) -> impl Iterator<Item = &str> {
        text.split('`').skip(1).step_by(2)
    }

    #[test]
    fn the_page_has_every_operation_and_parameter_and_no_other_operation() {
        let page: BTreeSet<_> = PAGE.lines().flat_map(quoted).collect();
        let mut operations = BTreeSet::new();
        for (route, _) in ROUTES {
            operations.insert(format!(
                "{} {}",
                route.method,
                route.path.replace("{*", "{")
            ));
            for param in route.params {
                assert!(page.contains(param.name), "{} {}", route.path, param.name);
            }
        }
        let described: BTreeSet<_> = page
            .iter()
            .filter(|text| text.contains(" /") && !text.contains('['))
            .map(|text| (*text).to_owned())
            .collect();
        assert_eq!(described, operations);
    }

    #[test]
    fn the_page_has_every_code_with_its_status() {
        let mut described = BTreeSet::new();
        for line in PAGE.lines() {
            let mut cells = line.split(" | ");
            if let (Some(names), Some(Ok(status))) = (cells.next(), cells.next().map(str::parse)) {
                described.extend(quoted(names).map(|name| (status, name)));
            }
        }
        let there: BTreeSet<(u16, _)> = Code::ALL
            .iter()
            .map(|code| (code.status().as_u16(), code.as_str()))
            .collect();
        assert_eq!(described, there);
    }
}
