//! Where the files of a segment lie.

use event::TrailId;

/// Names of the files of a segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFiles {
    /// Without folder and extension.
    pub(crate) name: String,
    pub(crate) parquet: String,
    pub(crate) sums: String,
    pub(crate) ids: String,
    pub(crate) index: String,
    pub(crate) rollup: String,
}

impl SegmentFiles {
    pub(crate) fn new(trail: &TrailId, name: &str) -> Self {
        let file = |extension: &str| format!("{}/{name}.{extension}", Self::folder(trail));
        Self {
            name: name.to_owned(),
            parquet: file("parquet"),
            sums: file("sum"),
            ids: file("ids"),
            index: file("idx"),
            rollup: file("rollup"),
        }
    }

    pub(crate) fn folder(trail: &TrailId) -> String {
        format!("trails/{trail}/segments")
    }

    pub(crate) fn all(&self) -> [&str; 5] {
        [
            &self.parquet,
            &self.sums,
            &self.ids,
            &self.index,
            &self.rollup,
        ]
    }
}
