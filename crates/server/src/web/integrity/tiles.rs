//! The tree as a map: one square for each tile of 256 leaves.

use maud::{Markup, html};
use tlog::TILE_WIDTH;

use crate::web::number::{count_of, grouped};

/// Squares of a row and pixels from one to the next.
const ROW: u64 = 140;
const PITCH: u64 = 5;
/// Rows; a larger tree has more tiles in one square.
const MOST_ROWS: u64 = 28;

/// The tiles that a signed tree of `size` leaves has, and the one that still fills.
pub(super) fn map(size: u64, log_size: u64) -> Markup {
    let tile = u64::from(TILE_WIDTH);
    let full = size / tile;
    let filling = log_size.max(size) % tile;
    // Powers of two, so that a square is something that one can name.
    let mut each = 1;
    while full / each > ROW * MOST_ROWS {
        each *= 2;
    }
    let squares = full / each;
    let (rows, rest) = (squares / ROW, squares % ROW);
    let height = (rows + 1) * PITCH;
    html! {
        figure.tiles {
            figcaption.between.small {
                span { (count_of(full, "tile", "tiles")) " of 256 leaves" @if each > 1 { ", " (grouped(each)) " in one square" } }
                span.legend {
                    span.line { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect.tile width="9" height="9" {} } "present " span.dim { (grouped(size)) } }
                    span.line { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect.tile-filling x="0.5" y="0.5" width="8" height="8" {} } "still filling " span.dim { (grouped(filling)) } }
                    span.line.ok { "missing " span.dim { "0" } }
                }
            }
            svg viewBox={ "0 0 " (ROW * PITCH) " " (height.max(PITCH)) } width="100%" role="img" aria-label={ (count_of(full, "tile", "tiles")) ", none missing" } {
                defs { pattern id="p-tile" width=(PITCH) height=(PITCH) patternUnits="userSpaceOnUse" { rect.tile width="4" height="4" {} } }
                @if rows > 0 { rect x="0" y="0" width=(ROW * PITCH) height=(rows * PITCH) fill="url(#p-tile)" {} }
                @if rest > 0 { rect x="0" y=(rows * PITCH) width=(rest * PITCH) height=(PITCH) fill="url(#p-tile)" {} }
                @if filling > 0 { rect.tile-filling x=(rest * PITCH) y=(rows * PITCH) width="4" height="4" {} }
            }
        }
    }
}
