use std::{
    env,
    ffi::OsString,
    fmt,
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use svg::Document;

/// The file of the chart.
#[derive(Debug)]
pub(crate) struct SvgFile {
    path: PathBuf,
}

impl SvgFile {
    /// Opens the named file, or `spike.svg` in cargo's target directory.
    ///
    /// Creates the target directory if it is missing. Opens the file for writing, so that a bad
    /// name fails before the clients run. An old chart stays until a new one replaces it.
    pub(crate) fn open(name: Option<&Path>) -> anyhow::Result<Self> {
        let path = name.map_or_else(
            || target_directory(env::var_os("CARGO_TARGET_DIR")).join(NAME),
            Path::to_owned,
        );
        let file = Self { path };
        file.try_open(name.is_none())
            .with_context(|| file.complaint())?;
        Ok(file)
    }

    pub(crate) fn write(&self, chart: &Document) -> anyhow::Result<()> {
        svg::save(&self.path, chart).with_context(|| self.complaint())
    }

    fn try_open(&self, make_directory: bool) -> io::Result<()> {
        if make_directory {
            self.path.parent().map_or(Ok(()), fs::create_dir_all)?;
        }
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)?;
        Ok(())
    }

    fn complaint(&self) -> String {
        format!("cannot write the chart to {self} (see --svg)")
    }
}

impl fmt::Display for SvgFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Returns the value of the variable, or `target` beside the manifest of the workspace.
fn target_directory(variable: Option<OsString>) -> PathBuf {
    match variable {
        Some(directory) if !directory.is_empty() => directory.into(),
        _ => {
            let package = Path::new(env!("CARGO_MANIFEST_DIR"));
            package.parent().unwrap_or(package).join("target")
        }
    }
}

const NAME: &str = "spike.svg";

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn cargo_target_dir_is_used() {
        assert_eq!(target_directory(Some("/else".into())), Path::new("/else"));
        let default = target_directory(None);
        assert!(default.parent().unwrap().join("Cargo.lock").is_file());
        assert_eq!(target_directory(Some("".into())), default);
    }

    #[test]
    fn missing_directory_fails_at_open() {
        let error = SvgFile::open(Some(Path::new("/no/such/directory/a.svg"))).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.starts_with("cannot write the chart to /no/such/directory/a.svg (see --svg): ")
        );
        assert!(!text.contains('\n'));
    }

    #[test]
    fn old_chart_stays_until_a_new_one_is_written() {
        let path = env::temp_dir().join(format!("breather spike {}.svg", process::id()));
        fs::write(
            &path,
            "a long chart from yesterday that must be overwritten".repeat(9),
        )
        .unwrap();
        let file = SvgFile::open(Some(&path)).unwrap();
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .starts_with("a long chart")
        );
        let chart = Document::new();
        file.write(&chart).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), chart.to_string());
        fs::remove_file(&path).unwrap();
    }
}
