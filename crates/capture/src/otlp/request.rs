//! The way from a request to its records.

use super::{
    MAX_RECORDS,
    attributes::Attributes,
    value::{Room, attributes},
    wire::{Field, Node, WireError, field},
};

const RESOURCE: Field = field(1, "resource", "resource");
const SCOPE: Field = field(1, "scope", "scope");
const NAME: Field = field(1, "name", "name");
const VERSION: Field = field(2, "version", "version");

/// Names of the lists that lead to the records of a signal.
pub(super) struct Signal {
    resources: Field,
    scopes: Field,
    records: Field,
}

/// What records have in common: the program, and the part of it that speaks.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub(super) resource: Attributes,
    pub(super) scope: Scope,
    bytes: [&'a [u8]; 2],
}

/// `InstrumentationScope`
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) attributes: Attributes,
}

impl Signal {
    pub(super) fn logs() -> Self {
        Self {
            resources: field(1, "resourceLogs", "resource_logs"),
            scopes: field(2, "scopeLogs", "scope_logs"),
            records: field(2, "logRecords", "log_records"),
        }
    }

    pub(super) fn traces() -> Self {
        Self {
            resources: field(1, "resourceSpans", "resource_spans"),
            scopes: field(2, "scopeSpans", "scope_spans"),
            records: field(2, "spans", "spans"),
        }
    }
}

impl<'a> Origin<'a> {
    /// Exact bytes of resource and scope.
    pub(super) fn bytes(&self) -> [&'a [u8]; 2] {
        self.bytes
    }

    /// `service.name`
    pub(super) fn service(&self) -> Option<String> {
        self.resource.text("service.name")
    }
}

/// Calls with each record and where it comes from.
pub(super) fn records<'a>(
    root: &Node<'a>,
    signal: &Signal,
    call: &mut dyn FnMut(&Origin<'a>, Node<'a>),
) -> Result<(), WireError> {
    let mut left = MAX_RECORDS;
    root.each(signal.resources, &mut |group| {
        let resource = group.child(RESOURCE)?;
        group.each(signal.scopes, &mut |scoped| {
            let scope = scoped.child(SCOPE)?;
            let origin = Origin {
                resource: of_resource(resource)?,
                scope: of_scope(scope)?,
                bytes: [resource, scope].map(|node| node.map_or(&[][..], |node| node.bytes())),
            };
            scoped.each(signal.records, &mut |record| {
                left = left.checked_sub(1).ok_or(WireError::TooMany {
                    what: "records in one request",
                    most: MAX_RECORDS,
                })?;
                call(&origin, record);
                Ok(())
            })
        })
    })
}

fn of_resource(node: Option<Node<'_>>) -> Result<Attributes, WireError> {
    const ATTRIBUTES: Field = field(1, "attributes", "attributes");
    let Some(node) = node else {
        return Ok(Attributes::default());
    };
    let mut room = Room::for_a_record();
    Ok(Attributes::new(attributes(node, ATTRIBUTES, &mut room)?))
}

fn of_scope(node: Option<Node<'_>>) -> Result<Scope, WireError> {
    const ATTRIBUTES: Field = field(3, "attributes", "attributes");
    let Some(node) = node else {
        return Ok(Scope::default());
    };
    let mut room = Room::for_a_record();
    Ok(Scope {
        name: node.text(NAME)?.into_owned(),
        version: node.text(VERSION)?.into_owned(),
        attributes: Attributes::new(attributes(node, ATTRIBUTES, &mut room)?),
    })
}
