//! Writes the JSON Schemas of all kinds of lines into `schema/` of this crate.

use datasets::file::write_whole;
use datasets::schema::Kind;
use std::path::Path;

fn main() -> Result<(), datasets::file::FileError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    Kind::ALL.into_iter().try_for_each(|kind| {
        write_whole(&folder.join(kind.name()).with_extension("json"), kind.schema_text().as_bytes())
    })
}
