//! A store as a repository: refs, trees, commits and revisions.

pub(crate) mod ancestry;
pub mod branches;
pub(crate) mod commit;
mod newest;
pub mod refs;
pub mod revision;
mod settings;
pub mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result, failed};
use crate::folder::{self, Folder, Kind, Sharing};
use crate::id::{CommitId, DagId};
use crate::name::Name;
use crate::record::{Commit, Tree};
use crate::store::{DATA_FILE, LOCK_FILE, OpenOptions, ReadObjects, Snapshot, Store};

use newest::Newest;
use refs::{HEAD, ReadRefs, Target};

pub use crate::well_known::FOLDER;

/// The branch of a new repository.
pub const FIRST_BRANCH: &str = "heads/main";

/// A repository: versions of named DAGs, and all that they are made of.
#[derive(Clone)]
pub struct Repository {
    store: Store,
    root: Arc<Path>,
    newest: Arc<Newest>,
}

impl Repository {
    /// Makes a new repository in the folder `root`, which is made if need be. Only the
    /// user that makes it may use it.
    pub fn init(root: &Path) -> Result<Self> {
        Self::init_for(root, Sharing::Private)
    }

    /// Makes a new repository, as [`Repository::init`] does, for those that `sharing` names.
    pub fn init_for(root: &Path, sharing: Sharing) -> Result<Self> {
        let folder = absolute(root).join(FOLDER);
        let inside = folder
            .ancestors()
            .skip(1)
            .find(|above| above.ends_with(FOLDER) && folder::is_there(&above.join(DATA_FILE)));
        if let Some(other) = inside {
            return Err(Error::Invalid {
                message: format!(
                    "{} belongs to a repository; make the new one outside of it",
                    other.display()
                ),
            }
            .into());
        }
        let io = |action| failed(action, &folder);
        make_root(root).map_err(io("make"))?;
        let Some(made) = Folder::make(&folder, sharing)? else {
            if let Some(found) = folder::look(&folder)? {
                found.expect(Kind::Folder, &folder)?;
            }
            if folder::is_there(&folder.join(DATA_FILE)) {
                return Err(Error::Exists {
                    what: "repository",
                    name: folder.display().to_string(),
                }
                .into());
            }
            return Err(Error::without_data(&folder).into());
        };
        let filled = Self::fill(root, made);
        if filled.is_err()
            && let Ok(Some(made)) = Folder::open(&folder)
        {
            // A repository that is not whole would be in the way of the next try.
            let _ = made.remove(DATA_FILE);
            let _ = made.remove(LOCK_FILE);
            let _ = made.remove_self();
        }
        filled
    }

    /// Makes a repository whose objects and refs are in memory, for tests: it is gone with
    /// its last handle. The folder `root` gets a `.dml` for locks and temporary files.
    #[doc(hidden)]
    pub fn in_memory(root: &Path) -> Result<Self> {
        let path = absolute(root).join(FOLDER);
        let folder = Folder::make(&path, Sharing::Private)?.ok_or_else(|| Error::Exists {
            what: "repository",
            name: path.display().to_string(),
        })?;
        Self::fill_store(root, Store::in_memory(folder))
    }

    fn fill(root: &Path, folder: Folder) -> Result<Self> {
        Self::fill_store(root, OpenOptions::default().create_in(folder)?)
    }

    fn fill_store(root: &Path, store: Store) -> Result<Self> {
        store.write(|txn| refs::set(txn, HEAD, &Target::Ref(FIRST_BRANCH.to_owned())))?;
        Ok(Self::with_store(&absolute(root), store))
    }

    /// Makes a handle to the repository in the folder `root`, which is absolute.
    pub(crate) fn with_store(root: &Path, store: Store) -> Self {
        let root: Arc<Path> = root.into();
        Self {
            store: store.bringing(crate::on_read(Arc::clone(&root))),
            root,
            newest: Arc::default(),
        }
    }

    /// Opens the repository in the folder `root`.
    pub fn open(root: &Path) -> Result<Self> {
        let folder = Folder::open(&root.join(FOLDER))?;
        let folder = folder.ok_or_else(|| Error::RepositoryNotFound {
            from: root.to_owned(),
        })?;
        let store = OpenOptions::default().open_in(folder)?;
        Ok(Self::with_store(&absolute(root), store))
    }

    /// Opens the repository in the folder `from` or the nearest one above it.
    pub fn discover(from: &Path) -> Result<Self> {
        Self::open(&Self::root_of(from)?)
    }

    /// Returns the folder that has a repository: `from`, or the nearest one above it.
    pub fn root_of(from: &Path) -> Result<PathBuf> {
        let from = absolute(from);
        // The folder was mistyped; the user did not mean the folders above it.
        match is_folder(&from) {
            Ok(true) => {}
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Io {
                    action: "open",
                    path: from,
                    source,
                }
                .into());
            }
            _ => {
                return Err(Error::NotFound {
                    what: "folder",
                    name: from.display().to_string(),
                    place: String::new(),
                }
                .into());
            }
        }
        for root in from.ancestors() {
            let folder = root.join(FOLDER);
            // A folder that may not be looked into holds no repository to use.
            if let Ok(Some(found)) = folder::look(&folder) {
                // Its owner is judged when it is opened.
                found.expect(Kind::Folder, &folder)?;
                return Ok(root.to_owned());
            }
        }
        Err(Error::RepositoryNotFound { from }.into())
    }

    /// Returns the folder that holds `.dml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the store below.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns a consistent view of the repository as it is now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.store.snapshot()
    }

    /// Returns the newest commit of what is checked out; `None` before the first.
    pub fn head(&self) -> Result<Option<CommitId>> {
        self.snapshot()?.head()
    }

    /// Returns the DAG of that name in the newest commit.
    pub fn find_dag(&self, name: &str) -> Result<DagId> {
        self.find_in(&self.snapshot()?, name)
    }

    /// Returns the DAG of that name in the newest commit of `snapshot`.
    pub(crate) fn find_in(&self, snapshot: &Snapshot, name: &str) -> Result<DagId> {
        let name = Name::new(name)?;
        let (tree, found) = self.newest.lookup(snapshot, &name)?;
        found.ok_or_else(|| self.dag_not_found(snapshot, tree, &name))
    }

    /// Returns the names in the newest commit with their DAGs, in order of the names.
    pub fn dags(&self) -> Result<BTreeMap<Name, DagId>> {
        let snapshot = self.snapshot()?;
        match snapshot.head()? {
            Some(head) => tree::list(&snapshot, snapshot.load::<_, Commit>(head)?.tree),
            None => Ok(BTreeMap::new()),
        }
    }

    /// Returns how many names there are in the newest commit. It costs the same for any number.
    pub fn dag_count(&self) -> Result<u64> {
        let snapshot = self.snapshot()?;
        match snapshot.head()? {
            Some(head) => {
                let tree = snapshot.load::<_, Commit>(head)?.tree;
                Ok(snapshot.load::<_, Tree>(tree)?.count())
            }
            None => Ok(0),
        }
    }

    /// Returns the commit `id`.
    pub fn commit(&self, id: CommitId) -> Result<Commit> {
        self.snapshot()?.load(id)
    }
}

#[expect(clippy::disallowed_methods, reason = "the user says where")]
fn make_root(root: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(root)
}

#[expect(clippy::disallowed_methods, reason = "the user says where to begin")]
fn is_folder(path: &Path) -> std::io::Result<bool> {
    Ok(std::fs::metadata(path)?.is_dir())
}

/// Returns the folder `root` without links, for telling two apart.
pub fn canonical(root: &Path) -> PathBuf {
    std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
