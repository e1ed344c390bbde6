//! One sdist from a project: what `pip` needs to build its wheel.

use std::collections::BTreeSet;

use super::crates::LocalCrates;
use super::{Artifact, PackError, tar};
use crate::project::files::{self, File};
use crate::project::pyproject::Readme;
use crate::project::{Project, license, metadata, readme, source};

/// Packs an sdist. A native package's holds the crates of its extension, and
/// with `vendor` also every crate that they need.
///
/// # Errors
/// The project cannot be used, or cargo cannot collect its crates.
pub fn pack(project: &Project, vendor: bool) -> Result<Artifact, PackError> {
    let licenses = license::files(project)?;
    let names: Vec<String> = licenses.iter().map(|file| file.path.clone()).collect();
    let mut all = vec![File {
        path: "PKG-INFO".to_owned(),
        bytes: metadata::metadata(project, &names)?.into_bytes(),
    }];
    all.extend(licenses);
    let named = project.table.readme.as_ref().and_then(Readme::file);
    let readme = named.map(|file| readme::place(project, file)).transpose()?;
    if let Some(place) = &readme {
        all.push(File {
            path: place.in_sdist.clone(),
            bytes: project.read_file(&place.path)?,
        });
    }
    let mut pyproject = project.source.clone();
    if let Some(maturin) = &project.maturin {
        let crates = LocalCrates::find(project)?;
        let workspace = crates.workspace(project, vendor)?;
        pyproject = moved_manifest_path(project, &maturin.manifest_path, workspace.manifest)?;
        all.extend(workspace.files);
    }
    if let Some(place) = readme.filter(|place| place.path != place.in_sdist) {
        for keys in [&["project", "readme", "file"][..], &["project", "readme"]] {
            if let Some(span) = source::value_span(&pyproject, keys) {
                pyproject.replace_range(span, &toml::Value::from(place.in_sdist).to_string());
                break;
            }
        }
    }
    all.push(File {
        path: "pyproject.toml".to_owned(),
        bytes: pyproject.into_bytes(),
    });
    // `include` may name a manifest or a lock file that is cut down here.
    let made: BTreeSet<String> = all.iter().map(|file| file.path.clone()).collect();
    let is_made = |file: &File| is_cut_down(&file.path) && made.contains(&file.path);
    let sources = files::import_sources(project)?;
    all.extend(sources.into_iter().filter(|file| !is_made(file)));
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all.dedup();
    let file_name = format!("{}.tar.gz", project.stem());
    if let Some(pair) = all.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(PackError::Duplicate {
            path: pair[0].path.clone(),
            artifact: file_name,
        });
    }
    let bytes = tar::write_gzipped(&project.stem(), &all).map_err(|source| PackError::Write {
        path: file_name.clone().into(),
        source,
    })?;
    Ok(Artifact { file_name, bytes })
}

/// Is it one of the files that an sdist has in a form of its own?
fn is_cut_down(path: &str) -> bool {
    let name = path.rsplit('/').next();
    matches!(name, Some("Cargo.toml" | "Cargo.lock" | "pyproject.toml"))
        || path == ".cargo/config.toml"
}

/// In the sdist, `pyproject.toml` lies beside the workspace's `Cargo.toml`.
fn moved_manifest_path(
    project: &Project,
    written: &str,
    moved: String,
) -> Result<String, PackError> {
    const KEYS: &[&str] = &["tool", "maturin", "manifest-path"];
    if moved == written {
        return Ok(project.source.clone());
    }
    if let Some(span) = source::value_span(&project.source, KEYS) {
        let mut text = project.source.clone();
        text.replace_range(span, &toml::Value::from(moved).to_string());
        return Ok(text);
    }
    let mut document: toml_edit::DocumentMut = project
        .source
        .parse()
        .map_err(|error: toml_edit::TomlError| project.error_at(KEYS, error.message()))?;
    let tool = document.entry("tool").or_insert_with(implicit);
    let Some(table) = tool
        .as_table_mut()
        .map(|tool| tool.entry("maturin").or_insert_with(implicit))
        .and_then(toml_edit::Item::as_table_like_mut)
    else {
        let problem =
            format!("write manifest-path = {written:?} down, so that the sdist can hold another");
        return Err(project.error_at(KEYS, problem).into());
    };
    table.insert("manifest-path", toml_edit::value(moved));
    if let Some(maturin) = project
        .maturin
        .as_ref()
        .filter(|maturin| maturin.found_source)
    {
        // maturin looks for it only beside a folder that this sdist does not have.
        let source = maturin.python_source.clone().unwrap_or_default();
        table.insert("python-source", toml_edit::value(source));
    }
    Ok(document.to_string())
}

fn implicit() -> toml_edit::Item {
    let mut table = toml_edit::Table::new();
    table.set_implicit(true);
    toml_edit::Item::Table(table)
}
