//! Where a command looks for plugins: folders that are named, or those of an application.

use std::path::{Component, Path, PathBuf};

use plugwright_host::{Host, HostBuilder, Registry, SearchPaths};

/// The arguments that say so.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Places {
    /// Folders to look into
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,

    /// Look into the folders that this application has by the system's convention, too, and take what its registry tells
    #[arg(long, value_name = "NAME", value_parser = app_name)]
    app: Option<String>,
}

/// An application's name, which is the name of folders, too: with a slash in it other folders would be meant.
pub(super) fn app_name(name: &str) -> Result<String, String> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) if !name.contains(std::path::is_separator) => {
            Ok(name.to_owned())
        }
        _ => Err("expected the name of an application, without folders".to_owned()),
    }
}

impl Places {
    /// A host that has looked, and may load nothing.
    pub(crate) fn host(&self) -> Host {
        self.builder().scan()
    }

    fn builder(&self) -> HostBuilder {
        let mut paths = SearchPaths::new();
        let mut registry = None;
        if let Some(app) = &self.app {
            paths = SearchPaths::standard(app);
            // With other folders than the application's own it would be written anew at each turn.
            registry = Registry::for_user(app).filter(|_| self.folders.is_empty());
        }
        for folder in &self.folders {
            // What is typed means the current folder; a host never does.
            paths =
                paths.with_folder(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
        }
        let builder = Host::developer().paths(paths);
        match registry {
            Some(registry) => builder.registry(registry),
            None => builder,
        }
    }
}
