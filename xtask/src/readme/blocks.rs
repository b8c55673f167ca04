//! Reading the marked blocks of a page.
//!
//! ```text
//! <!-- xtask: serve -->                       one line, kept running in the background
//! <!-- xtask: run [status=N] [needs=TOOL] --> a script; ends with N, else 0
//! <!-- xtask: expect -->                      lines that the script before it must have printed
//! ```

use anyhow::{Context, Result, bail};

const MARK: &str = "<!-- xtask:";

/// What is to be done with a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start it and go on as soon as it serves.
    Serve,
    /// Run it to its end.
    Run {
        /// The exit status that it must have.
        status: i32,
        /// A program that not every machine has, without which the block is left out.
        needs: Option<String>,
    },
    /// Compare it with what the last [`Action::Run`] printed.
    Expect,
}

/// One marked block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of its mark, from 1.
    pub(super) line: usize,
    /// What is to be done with it.
    pub(super) action: Action,
    /// What is between the fences.
    pub(super) text: String,
}

/// # Errors
///
/// When a mark is unknown, or no closed fence follows it at once; names the line.
pub(super) fn parse(page: &str) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(mark) = line.strip_prefix(MARK) else {
            continue;
        };
        let mark = mark
            .strip_suffix("-->")
            .with_context(|| format!("line {}: open mark", index + 1))?;
        let action = action(mark).with_context(|| format!("line {}", index + 1))?;
        if !lines
            .next()
            .is_some_and(|(_, fence)| fence.starts_with("```"))
        {
            bail!("line {}: no fence after the mark", index + 1);
        }
        let mut text = String::new();
        loop {
            match lines.next() {
                Some((_, line)) if line.starts_with("```") => break,
                Some((_, line)) => {
                    text.push_str(line);
                    text.push('\n');
                }
                None => bail!("line {}: the fence is not closed", index + 1),
            }
        }
        blocks.push(Block {
            line: index + 1,
            action,
            text,
        });
    }
    Ok(blocks)
}

fn action(mark: &str) -> Result<Action> {
    let mut words = mark.split_whitespace();
    match words.next() {
        Some("serve") => Ok(Action::Serve),
        Some("expect") => Ok(Action::Expect),
        Some("run") => {
            let (mut status, mut needs) = (0, None);
            for word in words {
                match word.split_once('=') {
                    Some(("status", value)) => status = value.parse().context("status")?,
                    Some(("needs", value)) => needs = Some(value.to_owned()),
                    _ => bail!("unknown word {word:?} in a mark"),
                }
            }
            Ok(Action::Run { status, needs })
        }
        other => bail!("unknown mark {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_blocks_are_read_and_others_left_alone() -> Result<()> {
        let page = "text\n```sh\nleft alone\n```\n<!-- xtask: run status=3 needs=curl -->\n\
                    ```sh\na\nb\n```\n<!-- xtask: expect -->\n```text\nout\n```\n";
        let run = Action::Run {
            status: 3,
            needs: Some("curl".to_owned()),
        };
        assert_eq!(
            parse(page)?,
            [
                Block {
                    line: 5,
                    action: run,
                    text: "a\nb\n".to_owned()
                },
                Block {
                    line: 10,
                    action: Action::Expect,
                    text: "out\n".to_owned()
                },
            ]
        );
        Ok(())
    }

    #[test]
    fn a_mark_without_its_block_is_an_error() {
        for page in [
            "<!-- xtask: run -->\ntext\n",
            "<!-- xtask: serve -->\n```sh\n",
            "<!-- xtask: x -->\n",
        ] {
            assert!(parse(page).is_err(), "{page}");
        }
    }
}
