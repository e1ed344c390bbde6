//! Which Pythons a package with an extension is built for.

use super::abi::{self, Abi, Interpreter, Kind};
use super::cargo_toml::CargoToml;
use super::stable::Stable;
use super::{Project, ProjectError};
use crate::toolchain::python::FIRST_ABI3T;

/// The newest CPython 3 that each series of `PyO3` builds for, newest series first.
const NEWEST: &[(u64, u32)] = &[(29, 15), (25, 14), (22, 13), (19, 12), (17, 11), (15, 10)];

const LIST: &[&str] = &["tool", "wheelwright", "interpreters"];
const LIST_OF_RELEASES: &[&str] = &["tool", "wheelwright", "release-interpreters"];

impl Project {
    /// Builds for these versions of `CPython` only; for those that the project itself names or
    /// supports if there are none.
    ///
    /// # Errors
    /// The project does not support one, or none is left.
    pub fn choose(&mut self, only: &[Interpreter]) -> Result<(), ProjectError> {
        if self.maturin.is_none() {
            return Ok(());
        }
        let listed = self.named(LIST, self.settings.interpreters())?;
        let of_releases = self.named(LIST_OF_RELEASES, self.settings.release_interpreters())?;
        for interpreter in only {
            self.check_supported(*interpreter)?;
        }
        if self
            .maturin
            .as_ref()
            .is_some_and(|maturin| maturin.programs)
        {
            self.check_programs()?;
            self.abis = vec![Abi::Stated];
            return Ok(());
        }
        if self.maturin.as_ref().is_some_and(|maturin| maturin.cffi) {
            self.check_cffi()?;
            self.abis = vec![Abi::Stated];
            return Ok(());
        }
        if self.settings.python_tag.is_some() {
            let abis = self.beside_the_stated(&listed, only)?;
            let all = [listed, of_releases].concat();
            self.abis = self.beside_the_stated(&all, only)?;
            self.of_releases = self
                .abis
                .iter()
                .copied()
                .filter(|one| !abis.contains(one))
                .collect();
            return Ok(());
        }
        let cargo = CargoToml::read(&self.manifest())?;
        self.check_crate(&cargo)?;
        let chosen = if !only.is_empty() {
            only.to_vec()
        } else if self.settings.interpreters.is_some() {
            listed
        } else {
            self.supported(&cargo)?
        };
        let mut abis = self.abis_for(&cargo, &chosen)?;
        if let Some(one) = only
            .iter()
            .find(|one| !abis.iter().any(|abi| abi.loads_in(**one)))
        {
            let problem = format!(
                "{one} was asked for, and does not load {}: the crate asks PyO3 for the stable \
                 interface of a newer version",
                self.name
            );
            return Err(self.error_at(&["project", "requires-python"], problem));
        }
        if abis.is_empty() {
            let problem = "is empty; name a CPython such as \"cp312\", or remove the key";
            return Err(self.error_at(LIST, problem));
        }
        if only.is_empty() {
            let more = self.abis_for(&cargo, &of_releases)?;
            self.of_releases = more.into_iter().filter(|one| !abis.contains(one)).collect();
            abis.extend(&self.of_releases);
            abis.sort();
        }
        self.abis = abis;
        Ok(())
    }

    /// What a list names; an error says which of its items is wrong.
    fn named(
        &self,
        list: &[&str],
        parsed: Result<Vec<Interpreter>, (usize, String)>,
    ) -> Result<Vec<Interpreter>, ProjectError> {
        parsed.map_err(|(position, problem)| {
            let position = position.to_string();
            self.error_at(&[list, &[position.as_str()]].concat(), problem)
        })
    }

    /// What the crate is for these, each once.
    fn abis_for(
        &self,
        cargo: &CargoToml,
        chosen: &[Interpreter],
    ) -> Result<Vec<Abi>, ProjectError> {
        let chosen = chosen.iter();
        let each = chosen.map(|interpreter| self.abi_for(cargo, *interpreter));
        let mut abis: Vec<Abi> = each.collect::<Result<_, _>>()?;
        abis.sort();
        abis.dedup();
        Ok(abis)
    }

    /// The path of the crate's manifest.
    fn manifest(&self) -> std::path::PathBuf {
        let manifest = self.maturin.as_ref().map(|maturin| &maturin.manifest_path);
        self.folder
            .join(manifest.map_or("Cargo.toml", String::as_str))
    }

    /// The stated tags, and a wheel for each CPython that is listed beside them.
    fn beside_the_stated(
        &self,
        listed: &[Interpreter],
        only: &[Interpreter],
    ) -> Result<Vec<Abi>, ProjectError> {
        let takes = |one: &Interpreter| self.loads_in(Abi::Stated, *one);
        let mut abis = Vec::new();
        if only.is_empty() || only.iter().any(takes) {
            abis.push(Abi::Stated);
        }
        let more = if only.is_empty() { listed } else { only };
        for one in more.iter().filter(|one| !takes(one)) {
            let cargo = CargoToml::read(&self.manifest())?;
            // `abi3` is what is stated; what does not load it has a wheel of its own.
            let abi = match self.abi_for(&cargo, *one)? {
                both @ Abi::StableOfBoth(_) => both,
                _ => Abi::Version(*one),
            };
            if !abis.contains(&abi) {
                abis.push(abi);
            }
        }
        Ok(abis)
    }

    /// Does this `CPython` load what is built for `abi`?
    pub fn loads_in(&self, abi: Abi, interpreter: Interpreter) -> bool {
        let settings = &self.settings;
        if interpreter.kind == Kind::PyPy && abi == Abi::Stated {
            // What is stated for CPython is not for it.
            let tag = settings.python_tag.as_deref().unwrap_or("py3");
            return !tag.starts_with("cp");
        }
        let tags = (settings.python_tag.as_deref(), settings.abi_tag.as_deref());
        let floor = |python: &str| python.parse().map(|floor: Interpreter| floor.minor);
        let known = match (abi, tags) {
            (Abi::Stated, (Some(python), Some("abi3"))) => floor(python).map(Abi::Stable),
            (Abi::Stated, (Some(python), Some("abi3.abi3t"))) => {
                floor(python).map(Abi::StableOfBoth)
            }
            _ => Ok(abi),
        };
        known.unwrap_or(abi).loads_in(interpreter)
    }

    /// Refuses a CPython that `requires-python` leaves out.
    fn check_supported(&self, interpreter: Interpreter) -> Result<(), ProjectError> {
        match self.range()? {
            Some(range) if !interpreter.is_in(&range) => Err(self.error_at(
                &["project", "requires-python"],
                format!(
                    "{range} leaves out {interpreter}, which was asked for; ask for one that \
                     it holds, or widen it"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn range(&self) -> Result<Option<pep440_rs::VersionSpecifiers>, ProjectError> {
        let written = self.table.requires_python.as_deref();
        let parse = |written: &str| {
            written
                .parse()
                .map_err(|error: pep440_rs::VersionSpecifiersParseError| {
                    let problem = error.to_string().replace('\n', " ");
                    let problem = format!("{}; write a range such as >=3.10", problem.trim());
                    self.error_at(&["project", "requires-python"], problem)
                })
        };
        written.map(parse).transpose()
    }

    /// Is it a crate of which a library for cffi can be made, which every Python loads?
    fn check_cffi(&self) -> Result<(), ProjectError> {
        if self.settings.interpreters.is_some() {
            let problem = "a library for cffi is for every Python; remove the key";
            return Err(self.error_at(LIST, problem));
        }
        let cargo = CargoToml::read(&self.manifest())?;
        let path = cargo.path.display();
        let problem = if !cargo.is_dynamic() {
            format!("{path} makes no library; write crate-type = [\"cdylib\"] into its [lib]")
        } else if cargo.names_pyo3() {
            format!("{path} asks for PyO3, which a library for cffi does without; remove the key")
        } else {
            return Ok(());
        };
        Err(self.error_at(&["tool", "maturin", "bindings"], problem))
    }

    /// Is it a crate of which a wheel of programs can be made, which every Python can
    /// install?
    fn check_programs(&self) -> Result<(), ProjectError> {
        if self.settings.interpreters.is_some() {
            let problem = "a wheel of programs (bindings = \"bin\") is for every Python; \
                           remove the key";
            return Err(self.error_at(LIST, problem));
        }
        let cargo = CargoToml::read(&self.manifest())?;
        let path = cargo.path.display();
        let problem = if !cargo.has_programs() {
            format!("{path} makes no program; add a src/main.rs or a [[bin]]")
        } else if cargo.names_pyo3() {
            format!(
                "a program with a Python in it is not built, and {path} asks for PyO3; make \
                 that dependency optional, or make an extension: crate-type = [\"cdylib\"] \
                 in [lib], and no bindings = \"bin\""
            )
        } else {
            return Ok(());
        };
        Err(self.error_at(&["tool", "maturin", "bindings"], problem))
    }

    /// Is it a crate of which a Python extension can be made?
    fn check_crate(&self, cargo: &CargoToml) -> Result<(), ProjectError> {
        if !cargo.is_dynamic() {
            let problem = format!(
                "{} makes neither an extension nor a program; write crate-type = \
                 [\"cdylib\"] into its [lib], or add a src/main.rs",
                cargo.path.display()
            );
            return Err(self.error_at(&["tool", "maturin", "manifest-path"], problem));
        }
        if cargo.is_locked() && cargo.locked_pyo3().is_none() {
            let problem = format!(
                "{} does not use PyO3, so it is no extension module; for its programs \
                 alone write bindings = \"bin\", for a library that Python calls by cffi \
                 \"cffi\"; a library of uniffi is built by maturin alone",
                cargo.path.display()
            );
            return Err(self.error_at(&["tool", "maturin", "bindings"], problem));
        }
        Ok(())
    }

    /// The versions of `CPython` that the project's range holds and its `PyO3` knows.
    fn supported(&self, cargo: &CargoToml) -> Result<Vec<Interpreter>, ProjectError> {
        let range = self.range()?;
        let newest = cargo.locked_pyo3().map_or(*abi::KNOWN.end(), newest);
        let all = abi::KNOWN.map(Interpreter::cpython);
        let supported: Vec<Interpreter> = all
            .filter(|one| one.minor <= newest)
            .filter(|one| range.as_ref().is_none_or(|range| one.is_in(range)))
            .collect();
        if supported.is_empty() {
            let problem = format!(
                "holds no CPython from 3.{} to 3.{newest}, which the crate's PyO3 builds for; \
                 widen it, or lock another PyO3",
                abi::KNOWN.start()
            );
            return Err(self.error_at(&["project", "requires-python"], problem));
        }
        Ok(supported)
    }

    /// What the crate is for one CPython, as `PyO3` decides it.
    fn abi_for(&self, cargo: &CargoToml, interpreter: Interpreter) -> Result<Abi, ProjectError> {
        let Some(maturin) = &self.maturin else {
            return Ok(Abi::Stated);
        };
        let features = maturin.features(Some(interpreter));
        let stable = |family| {
            let (no_default, all) = (maturin.no_default_features, maturin.all_features);
            cargo.stable(family, &features, no_default, all)
        };
        if interpreter.kind != Kind::PyPy && interpreter.minor >= FIRST_ABI3T {
            match stable("abi3t") {
                Stable::No => {}
                Stable::From(Some(floor)) => return Ok(Abi::StableOfBoth(floor)),
                Stable::From(None) => {
                    let oldest = self.supported(cargo)?[0].minor;
                    return Ok(Abi::StableOfBoth(oldest.max(FIRST_ABI3T)));
                }
            }
        }
        Ok(match stable("abi3") {
            _ if interpreter.kind != Kind::CPython => Abi::Version(interpreter),
            Stable::No => Abi::Version(interpreter),
            Stable::From(Some(floor)) => Abi::Stable(floor),
            Stable::From(None) => Abi::Stable(self.supported(cargo)?[0].minor),
        })
    }
}

fn newest((major, minor): (u64, u64)) -> u32 {
    let series = if major > 0 { u64::MAX } else { minor };
    let row = NEWEST.iter().find(|(from, _)| series >= *from);
    row.map_or(*abi::KNOWN.start(), |(_, newest)| *newest)
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn a_series_builds_for_what_it_knew() {
        for (version, wanted) in [
            ((0, 30), 15),
            ((0, 28), 14),
            ((0, 21), 12),
            ((0, 10), 9),
            ((1, 0), 15),
        ] {
            assert_eq!(newest(version), wanted, "{version:?}");
        }
    }
}
