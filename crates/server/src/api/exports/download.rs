//! The file of an export.

use std::{convert::Infallible, fs::File, io::Read, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use event::{Micros, SystemEvent};
use futures_util::stream::{StreamExt, poll_fn};
use hyper::{
    Method,
    header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE},
};
use tokio::sync::mpsc;

use super::find;
use crate::{
    app::{App, blocking},
    audit,
    auth::Caller,
    exports::{Export, Format, Status},
    keys::Scope,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for a client.
const PIECES: usize = 4;

pub(crate) static DOWNLOAD: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/exports/{id}/download",
    id: "downloadExport",
    summary: "The file of a finished export",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Bytes,
    codes: &[Code::NotFound, Code::NotDone, Code::Busy, Code::LogStopped],
};

pub(crate) async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    method: Method,
) -> Result<Response, Problem> {
    let export = find(&app, &caller, &id)?.export;
    if export.contents && !caller.has(Scope::Content) {
        let detail = "the export holds contents: the key needs scope content";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    check_done(&export)?;
    let headers = [
        (CONTENT_TYPE, media_type(export.format).to_owned()),
        (CONTENT_LENGTH, export.bytes.to_string()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file_name(&caller, &export)),
        ),
    ];
    if method == Method::HEAD {
        return Ok((headers, Body::empty()).into_response());
    }
    let slot = app.download_slot()?;
    let file = blocking(move || open(&app, &caller, &export)).await?;
    let (out, mut pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        send(file, &out);
        drop(slot);
    });
    let pieces = poll_fn(move |cx| pieces.poll_recv(cx));
    let body = Body::from_stream(pieces.map(Ok::<_, Infallible>));
    Ok((headers, body).into_response())
}

fn check_done(export: &Export) -> Result<(), Problem> {
    let detail = match export.status {
        Status::Done => return Ok(()),
        Status::Failed => "the export has failed and has no file",
        Status::Queued | Status::Running => "the export is not finished yet",
    };
    Err(Problem::new(Code::NotDone, detail))
}

/// Opens the file after the log has recorded who gets it.
fn open(app: &App, caller: &Caller, export: &Export) -> Result<File, Problem> {
    let file = app.node().exports().open_file(export);
    let file = file.map_err(|error| Problem::internal(&error))?;
    let event = SystemEvent {
        resource: Some(("export", &export.id)),
        ..audit::by(&caller.key, "export.downloaded")
    };
    audit::record(&caller.trail, &event)?;
    Ok(file)
}

/// Reads the file for as long as somebody takes it. A file that cannot be read to its end is cut, which its length
/// shows.
fn send(mut file: File, out: &mpsc::Sender<Bytes>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => {
                piece.truncate(count);
                if out.blocking_send(piece.into()).is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "an export's file cannot be read");
                return;
            }
        }
    }
}

const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Evidence => "application/zip",
        Format::Jsonl => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8",
    }
}

/// Trail, day and a part of the id: names of trails have no character that a file's may not have.
fn file_name(caller: &Caller, export: &Export) -> String {
    let made = Micros(export.finished_at.unwrap_or(export.created_at)).to_string();
    let day = made.get(..10).unwrap_or_default();
    let id = export.id.get(3..11).unwrap_or_default();
    let ending = export.format.ending();
    format!("{}-{day}-{id}.{ending}", caller.trail_id())
}
