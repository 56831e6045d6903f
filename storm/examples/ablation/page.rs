//! The page with the results of all ablations.

use crate::ablation::Ablation;
use crate::effect::Effect;

/// The result of an ablation.
pub(crate) enum Worth {
    Effect(Effect),
    /// Nothing changes except the outcome of these tests.
    Tests(Vec<String>),
    /// The reason why it could not be built.
    Unbuilt(String),
}

/// The page. It is printed line by line because the whole takes long.
#[derive(Default)]
pub(crate) struct Page<'a> {
    told: Vec<(&'a Ablation, Worth)>,
}

impl<'a> Page<'a> {
    /// Begins the row of `ablation`, and the section of its file if that is a new one. `source` is
    /// its text.
    pub(crate) fn begin(&self, ablation: &Ablation, source: &str) {
        let before = self.told.last().map(|(before, _)| &before.file);
        if before == Some(&ablation.file) {
            return;
        }
        let about = source.lines().next().unwrap_or_default();
        let about = about.trim_start_matches("//! ").trim_end_matches('.');
        println!("\n## {about}: `{}`\n", ablation.file_name());
        println!("| rule | instead | worse | better | broken |");
        println!("|---|---|---|---|---|");
    }

    /// Prints the result.
    pub(crate) fn print(&mut self, ablation: &'a Ablation, worth: Worth) {
        let before = self.told.last().map(|(before, _)| &before.rule);
        let rule = if before == Some(&ablation.rule) {
            ""
        } else {
            &ablation.rule
        };
        let [worse, better, breaks] = match &worth {
            Worth::Effect(effect) => {
                [&effect.worse, &effect.better, &effect.breaks].map(|it| it.join("<br>"))
            }
            Worth::Tests(failing) => [
                "nothing".to_owned(),
                "nothing".to_owned(),
                match failing.as_slice() {
                    [] => "nothing".to_owned(),
                    failing => format!("tests: {}", named(failing)),
                },
            ],
            Worth::Unbuilt(_) => ["does not compile".to_owned(), String::new(), String::new()],
        };
        println!(
            "| {rule} | {} | {worse} | {better} | {breaks} |",
            ablation.instead
        );
        self.told.push((ablation, worth));
    }

    /// Ends the page with the rules without effect.
    ///
    /// # Errors
    ///
    /// Returns the ablations that did not compile.
    pub(crate) fn end(&self) -> Result<(), String> {
        println!(
            "\n## Rules without effect\n\nThey change no row, no scenario and no test of the core.\n"
        );
        println!("{IDLE}");
        self.print_idle(|it, failing| !it.is_of_a_value() && failing.is_empty());
        println!("\nHalf or double of these values has no effect either.\n");
        println!("{IDLE}");
        self.print_idle(|it, failing| it.is_of_a_value() && failing.is_empty());
        println!(
            "\nOnly tests of the core need these rules, and no server of the simulator does.\n"
        );
        println!("{IDLE}");
        self.print_idle(|_, failing| !failing.is_empty());
        let unbuilt = self
            .told
            .iter()
            .filter_map(|(ablation, worth)| match worth {
                Worth::Unbuilt(error) => Some(format!("{ablation}\n{error}")),
                Worth::Effect(_) | Worth::Tests(_) => None,
            });
        let unbuilt: Vec<_> = unbuilt.collect();
        if unbuilt.is_empty() {
            return Ok(());
        }
        Err(unbuilt.join("\n"))
    }

    fn print_idle(&self, is_meant: impl Fn(&Ablation, &[String]) -> bool) {
        for (ablation, worth) in &self.told {
            if matches!(worth, Worth::Tests(failing) if is_meant(ablation, failing)) {
                let (file, Ablation { rule, instead, .. }) = (ablation.file_name(), ablation);
                println!("| `{file}` | {rule} | {instead} |");
            }
        }
    }
}

/// Begins the page that `command` prints.
pub(crate) fn print_head(command: &str, seeds: u64, scenarios: u64) {
    let head = HEAD.replace("COMMAND", command);
    let head = head.replace("SEEDS", &seeds.to_string());
    println!("{}", head.replace("SCENARIOS", &scenarios.to_string()));
}

fn named(tests: &[String]) -> String {
    let shown = tests.iter().take(SHOWN).map(|test| format!("`{test}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match tests.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The head of a table of rules without effect.
const IDLE: &str = "| file | rule | instead |\n|---|---|---|";

/// The number of tests that are named.
const SHOWN: usize = 2;

const HEAD: &str = "\
# What each rule of the pacer is worth

Each line shows the pacer without one of its rules, or with another constant. The command edits the source, builds
it, and plays it against every kind of server:

```sh
COMMAND > docs/ablation.md
```

It takes more than an hour. The edits are in `storm/ablations`, and the library has no switch for them.

- *Worse* and *better* name the figures that rise and fall without the rule, as figure with it → figure without it.
  The figures are the makespan over that of the ideal, and the sends per call. The servers are those of
  `cargo run --release -p breather-sim --example table`, and the figures are medians of SEEDS seeds. Three are named at
  most. A figure is left out if it changes by less than 0.5 %, or by less than it changes with other seeds.
- *All scenarios* says how the means of both change over SCENARIOS random servers, loads and faults of `… --example
  fuzz`, if that is more than three standard errors and 0.02 %. Most scenarios do not need the rule.
- *Broken* names calls that never succeed, missed targets of that table, and promises that a random scenario violates
  (`Rule` in `crates/breather-sim/src/check.rs`). If the rest does not change, it names the tests of the core that fail.

Rules without any effect are named again at the end. Such a rule should go, or get a server that needs it.";
