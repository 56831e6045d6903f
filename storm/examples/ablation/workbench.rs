//! A copy of the workspace, to be edited, built and run.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::measured::Measured;

/// A copy of the workspace, below its `target` folder.
pub(crate) struct Workbench {
    workspace: PathBuf,
    copy: PathBuf,
}

impl Workbench {
    /// Creates the copy or updates it.
    ///
    /// # Errors
    ///
    /// Returns the file that cannot be copied.
    pub(crate) fn set_up(workspace: &Path) -> Result<Self, String> {
        let copy = workspace.join("target/ablation");
        for part in PARTS {
            mirror(&workspace.join(part), &copy.join(part))
                .map_err(|error| format!("{part}: {error}"))?;
        }
        Ok(Self {
            workspace: workspace.to_owned(),
            copy,
        })
    }

    /// Returns the text of a file in the original workspace.
    ///
    /// # Errors
    ///
    /// Returns why the file cannot be read.
    pub(crate) fn original(&self, file: &Path) -> Result<String, String> {
        fs::read_to_string(self.workspace.join(file))
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Replaces the text of a file in the copy.
    ///
    /// # Errors
    ///
    /// Returns why the file cannot be written.
    pub(crate) fn put(&self, file: &Path, text: &str) -> Result<(), String> {
        fs::write(self.copy.join(file), text)
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Checks that the core and the simulator compile.
    ///
    /// # Errors
    ///
    /// Returns the compiler's messages.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.cargo(["check", "-p", "breather-sim"]).map(drop)
    }

    /// Builds the program that plays the rows and the scenarios.
    ///
    /// # Errors
    ///
    /// Returns the compiler's messages.
    pub(crate) fn build(&self) -> Result<(), String> {
        let args = ["build", "--release", "-p", "breather-storm"];
        let example = ["--example", "ablation"];
        self.cargo(args.into_iter().chain(example)).map(drop)
    }

    /// Plays the rows with those seeds, and that many scenarios.
    ///
    /// # Errors
    ///
    /// Returns why the program cannot run. A program that does not end is a result, not an error.
    pub(crate) fn measure(
        &self,
        from: u64,
        seeds: u64,
        scenarios: u64,
    ) -> Result<Measured, String> {
        let program = self.copy.join("target/release/examples/ablation");
        let numbers = [from, seeds, scenarios].map(|number| number.to_string());
        let mut command = Command::new(program);
        command.arg("--measure").args(numbers);
        let (has_ended, output) = self.run(&mut command)?;
        Measured::read(&output, has_ended)
    }

    /// Returns the names of the tests of pacers and calls that fail.
    ///
    /// # Errors
    ///
    /// Returns the compiler's messages.
    pub(crate) fn failing_tests(&self) -> Result<Vec<String>, String> {
        let args = ["test", "-p", "breather", "--lib", "--test", "it"];
        let said = self.cargo(args.into_iter().chain(["--no-run"]))?;
        let mut failing = Vec::new();
        let programs = said.lines().filter_map(|line| {
            let (_, program) = line.trim().strip_prefix("Executable")?.rsplit_once('(')?;
            program.strip_suffix(')')
        });
        for program in programs {
            let mut tests = Command::new(self.copy.join(program));
            let (has_ended, output) = self.run(tests.args(TESTS))?;
            if !has_ended {
                failing.push("one that does not end".to_owned());
            }
            let failed = output.lines().filter_map(|line| {
                let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
                Some(name.rsplit("::").next().unwrap_or(name).to_owned())
            });
            failing.extend(failed);
        }
        Ok(failing)
    }

    /// Runs cargo in the copy and returns its output.
    fn cargo(&self, args: impl IntoIterator<Item = &'static str>) -> Result<String, String> {
        let cargo = std::env::var_os("CARGO");
        let output = Command::new(cargo.as_deref().unwrap_or_else(|| OsStr::new("cargo")))
            .args(args)
            .args(["--locked", "--target-dir", "target"])
            .current_dir(&self.copy)
            .env("CARGO_TERM_COLOR", "never")
            // The builds are used for seconds only, so build speed matters most.
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(said)
        } else {
            Err(said)
        }
    }

    /// Runs a program. Returns whether it ended, and its output.
    fn run(&self, command: &mut Command) -> Result<(bool, String), String> {
        let path = self.copy.join("target/output.txt");
        let output = File::create(&path).map_err(|error| error.to_string())?;
        let mut child = command
            .current_dir(&self.copy)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
        let start = Instant::now();
        let has_ended = loop {
            let status = child.try_wait().map_err(|error| error.to_string())?;
            if status.is_some() {
                break true;
            }
            if start.elapsed() > LONGEST {
                child.kill().map_err(|error| error.to_string())?;
                child.wait().map_err(|error| error.to_string())?;
                break false;
            }
            thread::sleep(Duration::from_millis(20));
        };
        let output = fs::read(path).map_err(|error| error.to_string())?;
        Ok((has_ended, String::from_utf8_lossy(&output).into_owned()))
    }
}

/// Makes `to` equal to `from`. Equal files stay untouched because cargo would rebuild them.
fn mirror(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_file() {
        let text = fs::read(from)?;
        if fs::read(to).is_ok_and(|other| other == text) {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::write(to, text);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let path = entry?.path();
        let is_gone = path.file_name().is_some_and(|it| !from.join(it).exists());
        if is_gone && path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if is_gone {
            fs::remove_file(path)?;
        }
    }
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        mirror(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// The tests that use a pacer. The others, which read headers, take six times as long.
const TESTS: [&str; 9] = [
    "calls",
    "costs",
    "crowd",
    "handle",
    "long_holds",
    "pacer",
    "scopes",
    "several",
    "together",
];

/// The parts of a workspace.
const PARTS: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates",
    "docs",
    "examples",
    "benches",
    "storm",
];

/// Ten times as long as a program that ends takes on a busy machine.
const LONGEST: Duration = Duration::from_secs(120);
