use anyhow::{Context, ensure};

/// Raises the limit on open files for this many callers, if permitted.
///
/// Each caller has a connection, and both ends of it are in this process. Many systems start a
/// process with a limit of 1024 and let the process raise it.
pub(crate) fn provide_for(callers: u32) -> anyhow::Result<()> {
    let needed = 2 * u64::from(callers) + SPARE;
    let limit = rlimit::increase_nofile_limit(needed)
        .context("cannot read or raise the limit on open files")?;
    ensure!(
        limit >= needed,
        "{callers} callers need {needed} open files, and the limit is {limit} (see `ulimit -Hn`): \
         raise it, or use at most {} callers",
        limit.saturating_sub(SPARE) / 2
    );
    Ok(())
}

/// Open files of the process itself, and of connections that only one side has closed.
const SPARE: u64 = 100;
