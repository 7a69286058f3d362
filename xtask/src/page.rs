//! The page of HTML that `plugwright audit` writes, in a browser without a window: pictures of it at two widths, light and dark, for
//! people to look at, and a check that a name made to run a script runs none.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{cargo, command, run, say, succeeds};
use crate::{Outcome, workspace};

/// Where the page and the pictures go, below the root.
const FOLDER: &str = "target/pages";
/// A file of this name is reviewed; a page that took it for markup would have another title.
const HOSTILE: &str = "<img src=x onerror=document.title='ran'><b title=\"'\">.so";
/// Widths of a window and of a telephone, in pixels.
const WIDTHS: [u32; 2] = [1280, 420];
/// What Chromium calls the colours that a page is asked for.
const SCHEMES: [(&str, &str); 2] = [("dark", "0"), ("light", "1")];
/// A picture of a page that has nothing on it is smaller than this, in bytes.
const BLANK: u64 = 20_000;

/// Whether there is a browser to look with.
#[must_use]
pub fn available() -> bool {
    browser().is_some()
}

fn browser() -> Option<&'static str> {
    let is_there = |name: &&str| succeeds(command(*name).arg("--version"));
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| is_there(name))
}

/// Writes a page, takes the pictures, and looks whether anything ran.
///
/// # Errors
/// If a step fails, a picture is blank, or a script ran.
pub fn page() -> Outcome {
    let browser = browser().ok_or("there is no chromium: apt-get install chromium")?;
    let folder = workspace::root().join(FOLDER);
    let _may_be_absent = fs::remove_dir_all(&folder);
    let reviewed = folder.join("reviewed");
    fs::create_dir_all(&reviewed).map_err(|error| format!("{}: {error}", reviewed.display()))?;
    // This program is a file like others; it need not be a good library to be reviewed under a hostile name.
    let own = std::env::current_exe().map_err(|error| format!("xtask's own path: {error}"))?;
    let hostile = reviewed.join(HOSTILE);
    fs::copy(&own, &hostile).map_err(|error| format!("{}: {error}", hostile.display()))?;
    let page = folder.join("review.html");
    let mut audit = cargo();
    audit.args([
        "run",
        "--quiet",
        "--package",
        "plugwright-cli",
        "--",
        "audit",
    ]);
    audit.args(["--fail-on", "critical", "--format", "html"]);
    let html = fs::File::create(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    run("review.html", audit.arg(&reviewed).arg(&own).stdout(html))?;

    let document = output(look(browser, &page).arg("--dump-dom"))?;
    if !document.contains("<title>Security review") || document.contains("<img") {
        return Err("the hostile name became markup".to_owned());
    }
    for width in WIDTHS {
        for (name, scheme) in SCHEMES {
            let picture = folder.join(format!("{width}-{name}.png"));
            picture_of(browser, &page, &picture, width, scheme)?;
        }
    }
    say(format_args!(
        "=== pages: nothing ran; look at them in {FOLDER}"
    ));
    Ok(())
}

fn picture_of(browser: &str, page: &Path, picture: &Path, width: u32, scheme: &str) -> Outcome {
    let mut command = look(browser, page);
    command
        .arg(format!("--window-size={width},2400"))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--screenshot={}", picture.display()));
    output(&mut command)?;
    let size = fs::metadata(picture).map_or(0, |metadata| metadata.len());
    if size < BLANK {
        return Err(format!("{} is blank: {size} bytes", picture.display()));
    }
    Ok(())
}

/// The browser with a profile of its own, on its way to the page.
fn look(browser: &str, page: &Path) -> Command {
    let mut command = command(browser);
    command
        .args(["--headless", "--disable-gpu", "--hide-scrollbars"])
        // In containers, where users are not mapped, the browser has no sandbox to go into; the page is our own.
        .arg("--no-sandbox")
        .arg(format!(
            "--user-data-dir={}",
            page.with_file_name("profile").display()
        ))
        .arg(format!("file://{}", page.display()));
    command
}

fn output(command: &mut Command) -> Outcome<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!(
            "{command:?} failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}
