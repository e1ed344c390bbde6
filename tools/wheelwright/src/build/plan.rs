//! Which artifacts a build makes.

use std::path::Path;

use crate::pack::{self, wheel};
use crate::project::Project;
use crate::project::abi::Abi;
use crate::project::workspace::Workspace;
use crate::toolchain::platform::Platform;

/// What an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The wheel of a native package for one platform and the Pythons that load it.
    NativeWheel(&'static Platform, Abi),
    /// The wheel of a pure Python package.
    PureWheel,
    /// The source distribution.
    Sdist,
}

/// One artifact.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// Its package.
    pub project: &'a Project,
    /// What it is.
    pub kind: Kind,
}

impl Item<'_> {
    /// Its file name.
    pub fn file_name(&self) -> String {
        let stem = self.project.stem();
        let (abi, tag) = match self.kind {
            Kind::Sdist => return format!("{stem}.tar.gz"),
            Kind::PureWheel => (Abi::Stated, "any"),
            Kind::NativeWheel(platform, abi) => (abi, platform.wheel_tag.as_str()),
        };
        format!("{stem}-{}.whl", wheel::tag_for(self.project, abi, tag))
    }

    /// The platform it is made for, if it is for one.
    pub fn platform_name(&self) -> Option<String> {
        match self.kind {
            Kind::NativeWheel(platform, _) => Some(platform.name.clone()),
            _ => None,
        }
    }
}

/// The artifacts of a build, in publish order.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// What to make.
    pub items: Vec<Item<'a>>,
    /// The file names of everything that the repository releases.
    pub whole: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Plans the artifacts of the packages named (without names, of all that are not
    /// released by themselves) for `platforms`.
    ///
    /// # Errors
    /// A name that is not a package of the repository.
    pub fn new(
        workspace: &'a Workspace,
        packages: &[String],
        platforms: &[&'static Platform],
    ) -> Result<Self, String> {
        let named = workspace.named(packages)?;
        let whole = workspace
            .projects
            .iter()
            .flat_map(|project| items_of(project, &workspace.platforms))
            .map(|item| item.file_name())
            .collect();
        let items = named
            .into_iter()
            .flat_map(|project| items_of(project, platforms))
            .collect();
        Ok(Self { items, whole })
    }

    /// Leaves out the wheels that only a release has.
    pub fn leave_to_releases(&mut self) {
        self.items.retain(|item| match item.kind {
            Kind::NativeWheel(_, abi) => !item.project.of_releases.contains(&abi),
            Kind::PureWheel | Kind::Sdist => true,
        });
    }

    /// The wheels and sdists in `folder` that the repository does not release and this
    /// build does not make, by name.
    pub fn unexpected(&self, folder: &Path) -> Vec<String> {
        let made: Vec<String> = self.items.iter().map(Item::file_name).collect();
        let listed = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = listed
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| {
                pack::is_artifact(name) && !self.whole.contains(name) && !made.contains(name)
            })
            .collect();
        names.sort();
        names
    }

    /// The packages that artifacts are made of, each once.
    pub fn projects(&self) -> Vec<&'a Project> {
        let mut all: Vec<&Project> = self.items.iter().map(|item| item.project).collect();
        all.dedup_by_key(|project| project.name.normal());
        all
    }

    /// The native packages with what to compile them for.
    pub fn native(&self) -> Vec<(&'a Project, Vec<Job>)> {
        let mut all: Vec<(&Project, Vec<Job>)> = Vec::new();
        for item in &self.items {
            if let Kind::NativeWheel(platform, abi) = item.kind {
                let job = Job { platform, abi };
                match all
                    .iter_mut()
                    .find(|(project, _)| project.name == item.project.name)
                {
                    Some((_, jobs)) => jobs.push(job),
                    None => all.push((item.project, vec![job])),
                }
            }
        }
        all
    }
}

/// One compilation: a platform, and the Pythons that load the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The platform.
    pub platform: &'static Platform,
    /// The Pythons.
    pub abi: Abi,
}

impl Job {
    /// What it is called in reports and folders.
    pub fn name(&self) -> String {
        format!("{}{}", self.platform.name, self.abi.ending())
    }
}

fn items_of<'a>(project: &'a Project, platforms: &[&'static Platform]) -> Vec<Item<'a>> {
    let mut kinds: Vec<Kind> = if project.is_native() {
        let each = |platform: &&'static Platform| {
            let platform = *platform;
            project
                .abis
                .iter()
                .map(move |abi| Kind::NativeWheel(platform, *abi))
        };
        platforms.iter().flat_map(each).collect()
    } else {
        vec![Kind::PureWheel]
    };
    kinds.push(Kind::Sdist);
    kinds
        .into_iter()
        .map(|kind| Item { project, kind })
        .collect()
}
